package app

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	lookupsKept = 512
	lookupGood  = time.Minute // how long after a question a connection may well be its consequence
)

// lookups remembers who asked our name server for which name, so that a connection for that name that comes from the same
// address soon after can be joined with the question. That is so where the client's resolver is this very server, as in dev
// and on small networks; elsewhere another address asks, and nothing is joined. The name was asked for, and the connection
// came: that one led to the other is likely, and not more.
type lookups struct {
	mu   sync.Mutex // guards all below
	seed maphash.Seed
	kept []lookup // nil until the first one
}

type lookup struct {
	key uint64
	id  trace.ID
	at  time.Time
}

type lookupKey struct {
	client netip.Addr
	name   string
}

func (l *lookups) hash(client netip.Addr, name string) uint64 {
	return maphash.Comparable(l.seed, lookupKey{client.Unmap().WithZone(""), strings.ToLower(name)})
}

// note is told of a question that has a journey.
func (l *lookups) note(j *trace.Journey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.seed, l.kept = maphash.MakeSeed(), make([]lookup, lookupsKept)
	}
	key := l.hash(j.Client, j.Host)
	l.kept[key%lookupsKept] = lookup{key, j.ID, j.Start}
}

// lookedUp is [lookups.of] now.
func (a *App) lookedUp(client netip.Addr, name string) (trace.ID, bool) {
	return a.lookups.of(client, name, a.around.Now())
}

// of returns the question that a connection for a name may well follow from.
func (l *lookups) of(client netip.Addr, name string, now time.Time) (id trace.ID, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		return id, false
	}
	key := l.hash(client, name)
	found := &l.kept[key%lookupsKept]
	return found.id, found.key == key && now.Sub(found.at) < lookupGood
}

package witness

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// tickets are what the requests of probes are known by. Each is good for one request: who has seen one on its way, in the log of
// a proxy, makes no journey under its id. A restart forgets which were used; a ticket lives for a minute.
type tickets struct {
	signer *probe.Signer

	mu   sync.Mutex             // guards used
	used map[trace.ID]time.Time // until when each would have been good
}

// newTickets makes what signs the requests of probes. Its key is another one than that of the probes' names, which resolvers
// see: who has read a name can't send a request of it.
func newTickets(key []byte) (*tickets, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("roundtrip requests of probes"))
	signer, err := probe.New(mac.Sum(nil))
	return &tickets{signer: signer, used: map[trace.ID]time.Time{}}, err
}

// sign makes a ticket for the journey of that id.
func (t *tickets) sign(id trace.ID, now time.Time) string {
	return t.signer.Sign(id, now.Add(probeLives))
}

// take returns the id of a ticket that is ours, in time, and was not used yet. Only what we have signed is remembered, and no
// longer than it lives.
func (t *tickets) take(signed string, now time.Time) (trace.ID, bool) {
	id, err := t.signer.Verify([]byte(signed), now)
	if err != nil {
		return id, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, used := t.used[id]; used {
		return trace.ID{}, false
	}
	for old, until := range t.used {
		if !now.Before(until) {
			delete(t.used, old)
		}
	}
	t.used[id] = now.Add(probeLives)
	return id, true
}

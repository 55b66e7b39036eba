package wire

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	lingersMax = 64                     // answers at once to connections for which there is no place
	lingerTime = 500 * time.Millisecond // what such a client has to read its answer
	sayEvery   = 10 * time.Second       // one log line about connections that were turned away
	keepEvery  = 100 * time.Millisecond // one journey of them
)

// turnedAway counts connections that were not taken, and keeps a flood of them from flooding the log and the journeys.
type turnedAway struct {
	free chan struct{} // has a value for each answer under way

	mu    sync.Mutex // guards the rest
	said  time.Time  // when the last line was logged
	since int64      // how many were turned away since then
	kept  time.Time  // when the last journey was kept
}

// next counts one. It says whether to log it, with how many since the last line, and whether to keep its journey.
func (a *turnedAway) next(now time.Time) (since int64, say, keep bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since++
	if keep = now.Sub(a.kept) >= keepEvery; keep {
		a.kept = now
	}
	if say = now.Sub(a.said) >= sayEvery; say {
		since, a.said, a.since = a.since, now, 0
	}
	return since, say, keep
}

// Refused counts a connection for which there was no place, or that was no good, and tells of it, sparingly.
func (f *Front) Refused(facts *Facts, reason trace.Reason, cause error) {
	f.refused(facts, trace.TCP, reason, cause)
}

func (f *Front) refused(facts *Facts, layer trace.Layer, reason trace.Reason, cause error) {
	if f.stopping.Load() {
		return
	}
	since, say, keep := f.turned.next(f.options.Now())
	if keep {
		f.options.Lost(facts, layer, reason, cause)
	}
	if say {
		why := reason.Text()
		if cause != nil {
			why += ": " + cause.Error()
		}
		f.options.Log.Warn("connections are turned away", slog.String("reason", reason.Code()), slog.String("why", why),
			slog.String("client", facts.Client.String()), slog.Int64("since_last_line", since), slog.Int("open", f.Open()))
	}
}

// enter asks the firewall. Where it says no, that is counted and told of as of every connection that is turned away.
func (f *Front) enter(facts *Facts, c Coming) bool {
	if f.options.Enter == nil {
		return true
	}
	hop, refusal := f.options.Enter(c)
	facts.Door = hop
	if refusal != nil {
		f.refused(facts, trace.Firewall, hop.Reason, refusal)
	}
	return refusal == nil
}

// portOf returns the port of a listener or socket, 0 where it has none.
func portOf(a net.Addr) uint16 {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Port()
	case *net.UDPAddr:
		return a.AddrPort().Port()
	}
	return 0
}

// turnAway closes a connection at once. Over plain HTTP the client is told why, as long as not too many are being told.
func (l *Listener) turnAway(t *tracked, reason trace.Reason, cause error) {
	l.front.Refused(&t.facts, reason, cause)
	select {
	case l.front.turned.free <- struct{}{}:
		if l.tls == nil && cause == nil {
			l.group.Go(func() {
				defer func() { <-l.front.turned.free }()
				l.front.sayBusy(t, reason)
				_ = t.Close()
			})
			return
		}
		<-l.front.turned.free
	default:
	}
	_ = t.Close()
}

// sayBusy answers a connection that is not taken. It reads a little of what comes, since closing on bytes that nobody read
// resets the connection, and the answer with it.
func (f *Front) sayBusy(t *tracked, reason trace.Reason) {
	e := roundtrip.E(roundtrip.Unavailable, reason.Code(), "There is no place for another connection. Try again in a moment.")
	e.Retry = time.Second
	_ = t.SetDeadline(f.options.Now().Add(lingerTime)) // a closed connection fails below
	if _, err := t.Write(answer(e, "")); err != nil {
		return
	}
	_ = t.CloseWrite()
	_, _ = io.CopyN(io.Discard, t, 16<<10) // whatever ends it
}

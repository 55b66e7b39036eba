package live

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// wheelSlots is how many parts the connections are dealt into. One part has its turn each second, so that each
	// connection hears of us every 25 seconds, by one timer for all.
	wheelSlots = 25
	wheelTurn  = time.Second
	// silentMax is how long a client that is asked for a sign of life may give none, in seconds.
	silentMax = 75
)

// beat turns the wheel until ctx ends: each connection of the part whose turn it is gets the head position, is asked for a
// sign of life, and its session is looked at.
func (h *Hub) beat(ctx context.Context) {
	tick := time.NewTicker(wheelTurn)
	defer tick.Stop()
	var t tide
	for slot := 0; ; slot = (slot + 1) % wheelSlots {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.turnTo(ctx, slot)
			t.turn(h.comings.Load())
		}
	}
}

// tide gives memory back after a crowd has come or gone. A handshake takes several times the memory of the connection that
// it leaves behind, and the collector has no reason to run when all are still again.
type tide struct {
	last, settled int64
	still         int
}

const (
	crowd     = 500 // connections that came or went
	stillTime = 5   // turns without one
)

func (t *tide) turn(comings int64) {
	if comings != t.last {
		t.last, t.still = comings, 0
		return
	}
	if t.still++; t.still == stillTime && comings-t.settled >= crowd {
		t.settled = comings
		debug.FreeOSMemory()
		debug.FreeOSMemory() // a stack shrinks by half each time
	}
}

func (h *Hub) turnTo(ctx context.Context, slot int) {
	h.mu.Lock()
	if slot == 0 {
		h.forgetAcks()
	}
	conns := make([]*Conn, 0, len(h.wheel[slot]))
	for c := range h.wheel[slot] {
		conns = append(conns, c)
	}
	h.mu.Unlock()
	if len(conns) == 0 {
		return
	}
	now := h.now().Unix()
	for _, c := range conns {
		if now-c.Heard.Load() > silentMax {
			c.Close(Closing{CloseNoAnswer, "stream.silent", "you give no sign of life"})
			continue
		}
		h.examine(ctx, c)
		h.stillThere(ctx, c)
	}
	f := h.heartbeat(h.done()) // what is up to there stands in the queues already
	for _, c := range conns {
		c.Send(f)
		c.sink.Ping()
	}
}

package pool

import "time"

// Standing says how an upstream is, in one word.
type Standing string

// The standings.
const (
	Well     Standing = "well"
	Unproven Standing = "unproven" // health checks have not asked it yet
	Ejected  Standing = "ejected"  // requests failed; after Until one is let through to try it
	Unwell   Standing = "unwell"   // health checks fail
)

// State is how an upstream is, for status pages, journeys and tests.
type State struct {
	Upstream  string        `json:"upstream"` // its URL
	Standing  Standing      `json:"standing"`
	Since     time.Time     `json:"since"`
	Until     time.Time     `json:"until,omitzero"`         // Ejected only
	Running   int           `json:"running"`                // requests under way, streams among them
	Faults    int           `json:"faults,omitempty"`       // failed requests in a row
	Error     string        `json:"error,omitempty"`        // the last thing that went wrong, "" for nothing yet
	ErrorAt   time.Time     `json:"error_at,omitzero"`      // when
	FirstByte time.Duration `json:"first_byte_ns,omitzero"` // moving average of the time to the head of an answer
}

// State returns how all upstreams are, as declared in order.
func (p *Pool) State() []State {
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	states := make([]State, len(p.members))
	for i := range p.members {
		u := p.members[i].Upstream
		states[i] = State{
			Upstream: u.Name(), Standing: p.standing(u), Since: u.since, Running: u.running, Faults: u.faults,
			Error: u.lastError, ErrorAt: u.lastAt, FirstByte: u.firstByte,
		}
		if states[i].Standing == Ejected {
			states[i].Until = u.until
		}
	}
	return states
}

func (p *Pool) standing(u *Upstream) Standing {
	switch {
	case p.condition(u) == unwell:
		return Unwell
	case u.ejected:
		return Ejected
	case p.condition(u) == unproven:
		return Unproven
	}
	return Well
}

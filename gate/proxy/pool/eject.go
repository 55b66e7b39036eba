package pool

import (
	"log/slog"
	"time"
)

// ejectMost is how often the time of an ejection is doubled into: at most so many times eject.for.
const ejectMost = 10

// news is a change of an upstream that the log should hear of, once the lock is given back.
type news struct {
	up    *Upstream
	why   string
	until time.Time // of an ejection
	bad   bool
}

// learn counts what became of a request. It is called under the lock.
func (p *Pool) learn(u *Upstream, l *Lease, o Outcome) *news {
	if l.trial {
		u.trial = false
	}
	if o.Took > 0 {
		u.firstByte += (o.Took - u.firstByte) / 8
	}
	switch o.Blame {
	case Client, Edge: // they say nothing about the upstream
	case Nobody:
		if u.ejected && (l.trial || l.panic) {
			return p.restore(u, p.now())
		}
		if !u.ejected {
			u.faults = 0
		}
	case Up:
		now := p.now()
		u.lastAt, u.lastError = now, "it gave no good answer"
		if o.Cause != nil {
			u.lastError = o.Cause.Error()
		}
		if u.ejected {
			if l.trial {
				return p.eject(u, now)
			}
			return nil
		}
		u.faults++
		if p.declared.EjectAfter > 0 && u.faults >= p.declared.EjectAfter && p.mayEject() {
			return p.eject(u, now)
		}
	}
	return nil
}

// mayEject reports whether one more may be taken out: half of the pool at the most, rounded up, and never a single one. If
// most fail then it is more likely something that they have in common.
func (p *Pool) mayEject() bool {
	if len(p.members) == 1 {
		return false
	}
	out := 0
	for i := range p.members {
		if p.members[i].ejected {
			out++
		}
	}
	return out < (len(p.members)+1)/2
}

// eject takes an upstream out, for twice as long as the last time if that was a short while ago.
func (p *Pool) eject(u *Upstream, now time.Time) *news {
	if u.ejections > 0 && !u.ejected && now.Sub(u.back) > ejectMost*p.declared.EjectFor {
		u.ejections = 0 // it has been well for long
	}
	u.ejections++
	span := p.declared.EjectFor
	for range u.ejections - 1 {
		if span *= 2; span >= ejectMost*p.declared.EjectFor {
			span = ejectMost * p.declared.EjectFor
			break
		}
	}
	first := !u.ejected
	u.ejected, u.until = true, now.Add(span)
	if first {
		u.since = now
	}
	return &news{up: u, why: u.lastError, until: u.until, bad: true}
}

// restore takes an upstream back into the pool.
func (p *Pool) restore(u *Upstream, now time.Time) *news {
	u.ejected, u.faults, u.trial = false, 0, false
	u.since, u.back = now, now
	return &news{up: u}
}

// say writes to the log, outside the lock.
func (p *Pool) say(n *news) {
	if n == nil {
		return
	}
	route, up, cause := slog.String("route", p.route), slog.String("upstream", n.up.Name()), slog.String("cause", n.why)
	switch {
	case !n.bad:
		p.log.Info("upstream well again", route, up)
	case n.until.IsZero():
		p.log.Warn("upstream unwell", route, up, cause)
	default:
		p.log.Warn("upstream ejected", route, up, cause, slog.Time("until", n.until))
	}
}

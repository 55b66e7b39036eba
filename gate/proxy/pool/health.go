package pool

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// impatience is how often an upstream is asked at first that does not answer well yet, for as long as a reload waits for it:
// it may just be starting.
const impatience = 250 * time.Millisecond

// Run asks the upstreams how they are, until ctx ends. It returns when all its goroutines have ended. Upstreams that the pool
// has from the one before it are asked once it is in force: till then that one asks, in its own way.
func (p *Pool) Run(ctx context.Context) error {
	var group sync.WaitGroup
	if p.declared.Health != nil {
		for i := range p.members {
			group.Go(func() { p.watch(ctx, &p.members[i]) })
		}
	}
	<-ctx.Done()
	group.Wait()
	return ctx.Err()
}

// Enter says that the pool is in force. It must be called once.
func (p *Pool) Enter() { close(p.entered) }

// watch asks one upstream again and again.
func (p *Pool) watch(ctx context.Context, m *member) {
	if m.shared {
		select {
		case <-p.entered:
		case <-ctx.Done():
			return
		}
	}
	timer := time.NewTimer(p.jitter(impatience / 5)) // not all at the same moment
	defer timer.Stop()
	patient := p.now().Add(provingMax)
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		fault := p.ask(ctx, m.Upstream)
		if ctx.Err() != nil {
			return
		}
		p.ward.mu.Lock()
		n := p.judge(m.Upstream, fault)
		if n != nil {
			p.ward.wakeAll()
		}
		hoped := m.condition != well && p.now().Before(patient)
		p.ward.mu.Unlock()
		p.say(n)
		every := p.declared.Health.Every
		if hoped {
			every = min(every, impatience)
		}
		timer.Reset(every - every/20 + p.jitter(every/10))
	}
}

// jitter is a part of span, drawn by chance.
func (p *Pool) jitter(span time.Duration) time.Duration {
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	return time.Duration(p.chance.of(uint64(max(span, 1))))
}

// ask asks an upstream once. What is wrong with its answer is the text, "" for nothing.
func (p *Pool) ask(ctx context.Context, u *Upstream) string {
	h := p.declared.Health
	limited, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	status, err := u.transport.Probe(limited, h.Path)
	switch {
	case err != nil && limited.Err() != nil:
		return fmt.Sprintf("no answer to GET %s within %s", h.Path, h.Timeout)
	case err != nil:
		return fmt.Sprintf("GET %s: %v", h.Path, err)
	case len(h.Status) == 0 && (status < 200 || status > 299), len(h.Status) > 0 && !slices.Contains(h.Status, status):
		return "GET " + h.Path + " was answered with " + strconv.Itoa(status)
	}
	return ""
}

// judge counts the answer to a health check. It is called under the lock.
func (p *Pool) judge(u *Upstream, fault string) *news {
	h := p.declared.Health
	now := p.now()
	if fault != "" {
		u.wrong, u.right = u.wrong+1, 0
		u.lastAt, u.lastError = now, fault
		if u.condition == unwell || u.wrong < h.Fails {
			return nil
		}
		u.condition, u.since = unwell, now
		return &news{up: u, why: fault, bad: true}
	}
	u.right, u.wrong = u.right+1, 0
	switch {
	case u.condition == unproven:
		u.condition, u.since = well, now
	case u.condition == unwell && u.right >= h.Passes:
		u.condition, u.ejections = well, 0
		defer p.prove()
		return p.restore(u, now)
	case u.condition == unwell:
		return nil
	}
	p.prove()
	return nil
}

// prove notes that an upstream is well. It is called under the lock.
func (p *Pool) prove() {
	if !p.isProven {
		p.isProven = true
		close(p.proven)
	}
}

package witness

import (
	"context"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

// The server's side of the page that tells why a request fails in a browser (gate/diagnose).

const (
	pagesMost = 256         // probes of pages that wait for what they saw
	pageLives = time.Minute // longer than a page's tries may take
)

// pageProbes are the probes that pages have begun.
type pageProbes struct {
	mu   sync.Mutex // guards list
	list map[string]*pageProbe
}

// pageProbe is one of them.
type pageProbe struct {
	since time.Time
	from  diagnose.From
	facts *why.Facts
	begun *why.Begun
}

// keep keeps a probe under its id. Those that nobody came back for are forgotten.
func (p *pageProbes) keep(id string, one *pageProbe) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, other := range p.list {
		if one.since.Sub(other.since) > pageLives {
			delete(p.list, old)
		}
	}
	if len(p.list) >= pagesMost {
		return roundtrip.E(roundtrip.Limited, "limit.rate", "%d probes are under way: try again in a minute", pagesMost)
	}
	if p.list == nil {
		p.list = map[string]*pageProbe{}
	}
	p.list[id] = one
	return nil
}

// take returns a probe to whoever began it, once.
func (p *pageProbes) take(id string, from diagnose.From, now time.Time) (*pageProbe, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.list[id]
	if one == nil || one.from != from || now.Sub(one.since) > pageLives {
		return nil, roundtrip.E(roundtrip.Missing, "request.invalid", "The probe is over: try again.")
	}
	delete(p.list, id)
	return one, nil
}

// pageBegun is what a page gets to know beforehand.
type pageBegun struct {
	ID    string `json:"id"`
	URL   string `json:"url"`             // as it is to be sent
	Probe string `json:"probe,omitempty"` // a name that shows which resolver the browser asks
}

// Page makes the page that the gate serves.
func (wit *Witness) Page() (*diagnose.Page, error) {
	return diagnose.New(diagnose.Options{Begin: wit.beginPage, Conclude: wit.concludePage, Enter: wit.enterSite})
}

// beginPage is asked before a page sends anything.
func (wit *Witness) beginPage(ctx context.Context, from diagnose.From, body []byte) (any, error) {
	f, err := why.ReadBrowserOrder(body, from.Origin)
	if err != nil {
		return nil, err
	}
	since := wit.o.Now()
	t := &f.Target
	b, err := wit.Begin(ctx, why.Wanted{Host: t.Host, Port: t.Port, Secure: t.Secure})
	if err != nil {
		return nil, err
	}
	id, err := wit.newID()
	if err != nil {
		return nil, err
	}
	told := pageBegun{ID: hex.EncodeToString(id[:]), URL: t.URL.String(), Probe: b.Probe}
	if strings.HasSuffix("."+t.Host, ".localhost") { // no browser asks anybody for it
		told.Probe = ""
	}
	return told, wit.pages.keep(told.ID, &pageProbe{since, from, f, b})
}

// concludePage joins what a page saw with what this server did.
func (wit *Witness) concludePage(ctx context.Context, from diagnose.From, body []byte) (any, error) {
	id, b, err := why.ReadBrowser(body)
	if err != nil {
		return nil, err
	}
	one, err := wit.pages.take(id, from, wit.o.Now())
	if err != nil {
		return nil, err
	}
	saw, err := wit.sawPage(ctx, one, b)
	if err != nil {
		return nil, err
	}
	return why.Conclude(why.JoinBrowser(one.facts, b, one.begun, saw)), nil
}

// sawPage says what this server saw of a page's requests. It waits a moment for what has to come.
func (wit *Witness) sawPage(ctx context.Context, one *pageProbe, b *why.Browser) (*why.Saw, error) {
	tick := time.NewTicker(sawAgain)
	defer tick.Stop()
	end := time.NewTimer(sawWait)
	defer end.Stop()
	for {
		saw := wit.lookForPage(one)
		if len(saw.Requests) >= why.BrowserWants(one.facts, b, saw.Requests) {
			return saw, nil
		}
		select {
		case <-tick.C:
		case <-end.C:
			return saw, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// lookForPage finds what came from the page's address since the probe began, the oldest first.
func (wit *Witness) lookForPage(one *pageProbe) *why.Saw {
	t, client := &one.facts.Target, one.from.Client
	saw := &why.Saw{Listens: wit.listens(), Own: wit.o.Machine().Own()}
	all := wit.o.Recorder.Select(trace.Filter{Kinds: []trace.Kind{trace.Query, trace.Request, trace.Connection}, Since: one.since}, sawMost)
	slices.Reverse(all)
	for i := range all {
		s := &all[i]
		switch {
		case s.Kind == trace.Query:
			if one.begun.ProbeID != "" && s.ID.String() == one.begun.ProbeID {
				saw.Queries = append(saw.Queries, wit.viewOf(s))
			}
		case !isNear(s.Client, client):
		case s.Kind == trace.Request:
			if strings.EqualFold(route.HostName(s.Host), t.URL.Hostname()) && s.Path == t.URL.Path {
				saw.Requests = append(saw.Requests, wit.viewOf(s))
			}
		case s.Reason != trace.None && strings.EqualFold(s.Host, t.Host):
			saw.Connections = append(saw.Connections, why.Connection{View: wit.viewOf(s)})
		}
	}
	if one.begun.Ours {
		wit.doorsOfPage(saw, one)
	}
	return saw
}

// isNear reports whether two addresses are of one browser, as far as addresses tell. A browser on this machine may come over any
// loopback address.
func isNear(a, b netip.Addr) bool { return a == b || a.IsLoopback() && b.IsLoopback() }

// doorsOfPage says what the firewall did with the browser's address, and would do.
func (wit *Witness) doorsOfPage(saw *why.Saw, one *pageProbe) {
	p := wit.o.House().Doors
	if p == nil {
		return
	}
	port := one.facts.Target.Port
	door := doorOf(p.Explain(firewall.Flow{Protocol: firewall.TCP, Remote: one.from.Client, Port: port}), wit.o.Wall.Enforced().Mode)
	saw.Door = door
	for _, d := range wit.o.Seen.Watch().Packets(one.since) {
		if d.Protocol == firewall.TCP && d.From.Addr().Unmap() == one.from.Client && d.To.Port() == port {
			saw.Drops = append(saw.Drops, why.Drop{Reason: d.Reason.Code(), Text: door.Text, Evidence: trace.Likely.String(), Fix: door.Fix, Where: door.Where})
		}
	}
}

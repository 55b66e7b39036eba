package overview

import (
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// siteOf finds a site by its name.
func (l *look) siteOf(name string) *config.Site {
	for i := range l.house.Config.Sites {
		if l.house.Config.Sites[i].Name == name {
			return &l.house.Config.Sites[i]
		}
	}
	return nil
}

// What part of a route's requests must end for one reason before its station is to be looked at.
const (
	failedPart  = 0.10
	refusedPart = 0.10
	never       = 2.0 // no part is so large
)

// told adds what the last minutes' journeys say of a station: what was stopped there, by route and reason. Where failures or
// refusals are more than these parts of a route's requests, they are the station's sentence.
func (l *look) told(s *console.Station, failed, refused float64, layers ...trace.Layer) {
	all := l.traffic.at(layers...)
	if len(all) == 0 {
		return
	}
	t := console.Table{Title: "Stopped here in the last 5 minutes", Columns: []string{"requests", "by", "reason", "how many"}}
	for i := range all {
		b := &all[i]
		r := console.Row{State: console.Off, Note: b.reason.Fix(), Cells: []string{b.what, b.name, b.reason.Code(), fmt.Sprintf("%d of %d", b.n, max(b.n, b.of))}}
		r.Where = l.of.Book.Where(l.config, &trace.Hop{Layer: b.layer, Verdict: b.verdict, Reason: b.reason, Name: b.name})
		verb, limit := "was refused by", refused
		switch b.verdict {
		case trace.Fail, trace.Timeout:
			verb, limit = "failed with", failed
		case trace.Shadowed:
			verb = "was answered, and kept from the page by"
		default:
		}
		if b.stands(limit) {
			r.State = console.Warn
		}
		if s.State != console.Down && worse(r.State) > worse(s.State) {
			s.State, s.Where, s.Fix, s.Since = r.State, r.Where, b.reason.Fix(), b.at
			s.Sentence = fmt.Sprintf("%s %s %s in the last %s", b.part(), verb, b.reason.Code(), minutes(l.traffic.span))
		}
		t.Rows = append(t.Rows, r)
	}
	s.Tables = append(s.Tables, t)
	if s.State == console.Well && !strings.Contains(s.Sentence, "in the last 5 minutes") {
		s.Sentence += "; " + all[0].short()
		if len(all) > 1 {
			s.Sentence += ", " + terminal.Count(len(all)-1, "other reason")
		}
	}
}

// cors is which pages of other origins may call.
func (l *look) cors() console.Station {
	s := console.Station{Layer: trace.CORS.String(), Title: "CORS", State: console.Off, Where: l.where("sites"), Sentence: "no site lets pages of other origins call"}
	t := console.Table{Title: "Who may call", Columns: []string{"site", "origins", "cookies"}}
	for i := range l.house.Config.Sites {
		c := &l.house.Config.Sites[i]
		if c.CORS == nil {
			continue
		}
		cookies := "no"
		if c.CORS.Credentials {
			cookies = "yes"
		}
		t.Rows = append(t.Rows, console.Row{State: console.Well, Where: c.CORS.Pos.String(), Cells: []string{c.Name, strings.Join(c.CORS.Origins, ", "), cookies}})
	}
	if len(t.Rows) > 0 {
		s.State, s.Sentence = console.Well, terminal.Count(len(t.Rows), "site")+" may be called from other origins"
		s.Tables = append(s.Tables, t)
	}
	l.told(&s, failedPart, refusedPart, trace.CORS)
	return s
}

// limits is what rates hold.
func (l *look) limits() console.Station {
	s := console.Station{Layer: trace.Limit.String(), Title: "Limits", State: console.Off, Sentence: "no rate of requests is declared", Where: l.where("sites")}
	n := 0
	for i := range l.house.Config.Sites {
		site := &l.house.Config.Sites[i]
		n += len(site.Limits.Requests)
		for j := range site.Routes {
			if r := site.Routes[j].Limits; r != nil {
				n += len(r.Requests)
			}
		}
	}
	if n > 0 {
		s.State, s.Sentence = console.Well, terminal.Count(n, "rate")+" of requests declared"
	}
	l.told(&s, failedPart, refusedPart, trace.Limit)
	return s
}

// routes is where requests go.
func (l *look) routes() console.Station {
	s := console.Station{Layer: trace.Route.String(), Title: "Routes", State: console.Well, Where: l.where("sites")}
	t := console.Table{Title: "Routes", Columns: []string{"site", "path", "leads to"}}
	n := 0
	missing := declare.MissingFolders(l.house.Config)
	for i := range l.house.Config.Sites {
		site := &l.house.Config.Sites[i]
		for j := range site.Routes {
			r := &site.Routes[j]
			n++
			row := console.Row{State: console.Well, Where: r.Pos.String(), Cells: []string{site.Name, r.Path, leadsTo(r)}}
			for _, m := range missing {
				if m.Pos == r.Pos {
					row.State, row.Note = console.Warn, m.Message
				}
			}
			if row.State == console.Warn && s.State == console.Well {
				s.State, s.Where = console.Warn, row.Where
				s.Sentence, s.Fix = "the folder of "+site.Name+r.Path+" is not there", row.Note
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if s.Sentence == "" {
		s.Sentence = fmt.Sprintf("%s of %s", terminal.Count(n, "route"), terminal.Count(len(l.house.Config.Sites), "site"))
	}
	s.Tables = append(s.Tables, t)
	l.told(&s, failedPart, never, trace.Route, trace.Static)
	return s
}

func leadsTo(r *config.Route) string {
	switch {
	case r.API:
		return "the API"
	case r.Static != "":
		return "the folder " + r.Static
	case r.Proxy != nil:
		return terminal.Count(len(r.Proxy.Upstreams), "server") + " behind it"
	case r.Redirect != nil:
		return "another address"
	}
	return "a fixed answer"
}

// upstreams is how the servers behind proxy routes are.
func (l *look) upstreams() console.Station {
	s := console.Station{Layer: trace.Proxy.String(), Title: "Upstreams", State: console.Off, Sentence: "no route leads to another server", Where: l.where("sites")}
	states := l.of.Upstreams.List()
	if len(states) == 0 {
		return s
	}
	t := console.Table{Title: "Upstreams", Columns: []string{"route", "upstream", "is", "for", "requests"}}
	wellOf, allOf := map[string]int{}, map[string]int{}
	for i := range states {
		u := &states[i]
		allOf[u.Route]++
		r := console.Row{State: console.Well, Note: u.Error, Cells: []string{u.Route, u.Upstream, string(u.Standing), terminal.Age(l.now.Sub(u.Since)), fmt.Sprint(u.Running)}}
		r.Where = l.of.Book.Where(l.config, &trace.Hop{Layer: trace.Proxy, Name: u.Upstream})
		if u.Standing == pool.Ejected || u.Standing == pool.Unwell {
			r.State = console.Warn
		} else {
			wellOf[u.Route]++
			r.Note = ""
		}
		t.Rows = append(t.Rows, r)
	}
	s.State, s.Sentence = console.Well, "all "+terminal.Count(len(states), "upstream")+" are well"
	for i := range states {
		u := &states[i]
		if t.Rows[i].State == console.Well {
			continue
		}
		state, sentence := console.Warn, fmt.Sprintf("%s of %s is %s: %s", u.Upstream, u.Route, u.Standing, u.Error)
		if wellOf[u.Route] == 0 {
			state, sentence = console.Down, fmt.Sprintf("none of the %s of %s is well: %s", terminal.Count(allOf[u.Route], "upstream"), u.Route, u.Error)
			t.Rows[i].State = console.Down
		}
		if worse(state) > worse(s.State) {
			s.State, s.Sentence, s.Where = state, sentence, t.Rows[i].Where
			s.Fix = trace.ReasonOf("proxy.no_upstream").Fix()
		}
	}
	s.Tables = append(s.Tables, t)
	l.told(&s, failedPart, refusedPart, trace.Proxy)
	return s
}

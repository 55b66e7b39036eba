package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
)

// overviewEvery is for how long an overview is good: several viewers share one look at the stations.
const overviewEvery = time.Second

// overviews keeps the last overview.
type overviews struct {
	mu   sync.Mutex // guards both, and is held while the stations are looked at
	at   time.Time
	last console.Overview
}

// overview looks at all stations, in the order of the path, and says whether it is well, and if not, which one is to be
// looked at. What it returns must not be changed.
func (a *App) overview(ctx context.Context) console.Overview {
	a.looked.mu.Lock()
	defer a.looked.mu.Unlock()
	now := a.around.Now()
	if d := now.Sub(a.looked.at); d >= 0 && d < overviewEvery && a.looked.at.After(time.Time{}) {
		return a.looked.last
	}
	h := a.house.Load()
	l := &look{app: a, house: h, now: now, config: h.generation, traffic: trafficOf(a.recorder, now)}
	o := console.Overview{Name: h.config.Name, Config: l.config, State: console.Well}
	if refused := a.refused.Load(); refused != nil {
		o.Refused = *refused
	}
	o.Stations = []console.Station{
		l.names(), l.firewall(ctx), l.gate(), l.certificates(), l.cors(), l.limits(), l.routes(), l.upstreams(),
		l.identity(), l.access(), l.store(), l.streams(), l.webhooks(ctx), l.push(ctx), l.mail(ctx), l.journeys(), l.declaration(),
	}
	o.State, o.Sentence = l.judge(o.Stations)
	a.looked.at, a.looked.last = now, o
	return o
}

// look is one look at all stations.
type look struct {
	app     *App
	house   *house
	now     time.Time
	config  uint32 // the generation in force
	traffic *traffic
}

// where is the place of a key of the declaration in force.
func (l *look) where(path ...string) string { return l.app.book.Key(l.config, path...) }

// worse orders states.
func worse(s console.State) int {
	switch s {
	case console.Down:
		return 3
	case console.Warn:
		return 2
	case console.Well:
		return 1
	case console.Off:
	}
	return 0
}

// worsen makes the state of a station at least as bad as that of a part of it.
func worsen(s *console.Station, by console.State) {
	if worse(by) > worse(s.State) {
		s.State = by
	}
}

// judge finds the station that stands out, and says in one sentence how it is.
func (l *look) judge(all []console.Station) (console.State, string) {
	worst := -1
	for i := range all {
		if worse(all[i].State) >= worse(console.Warn) && (worst < 0 || worse(all[i].State) > worse(all[worst].State)) {
			worst = i
		}
	}
	others := 0
	for i := range all {
		if i != worst && worse(all[i].State) >= worse(console.Warn) {
			others++
		}
	}
	if worst < 0 {
		return console.Well, "All is well: " + l.traffic.sentence() + "."
	}
	s := &all[worst]
	text := s.Title + " is to be looked at: " + s.Sentence + "."
	if s.State == console.Down {
		text = s.Title + " is down: " + s.Sentence + "."
	}
	if others > 0 {
		text += fmt.Sprintf(" %s to be looked at, too.", stations(others))
	}
	return s.State, text
}

func stations(n int) string {
	if n == 1 {
		return "One station is"
	}
	return fmt.Sprintf("%d stations are", n)
}

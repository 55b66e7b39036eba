// Package overview looks at all stations, in the order of the path, and says in one sentence how it is: for the console, and for
// `roundtrip status`. Read [Overview.Look] first; each station has a method of its own.
package overview

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/places"
	"github.com/roundtrip-dev/roundtrip/app/upstreams"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// overviewEvery is for how long an overview is good: several viewers share one look at the stations.
const overviewEvery = time.Second

// Options is what is looked at.
type Options struct {
	Now       func() time.Time
	House     func() House    // in force
	Recorder  *trace.Recorder // nil: no journeys are kept
	Book      *places.Book    // where in the declarations stands what journeys were decided by
	Refused   func() string   // why the declaration on the disk is not in force, "" where it is
	Doors     *doors.Doors
	Names     *names.Server
	Guard     *wall.Guard
	Wall      *wall.Wall // nil: the kernel is left alone
	Seen      *wall.Seen
	Certs     *cert.Store // nil where no site has TLS
	Upstreams *upstreams.Servers
	Store     *sqlite.Store
	Streams   *live.Hub
}

// House is the declaration in force.
type House struct {
	Config     *config.Config
	Doors      *firewall.Policy // nil where no groups are declared
	Generation uint32
}

// Overview looks at all stations, and keeps the last look.
type Overview struct {
	o Options

	mu   sync.Mutex // guards what follows, and is held while the stations are looked at
	at   time.Time
	last console.Overview
}

// New makes an overview of a server whose doors are open.
func New(o Options) *Overview { return &Overview{o: o} }

// Look looks at all stations, in the order of the path, and says whether it is well, and if not, which one is to be looked at.
// What it returns must not be changed.
func (v *Overview) Look(ctx context.Context) console.Overview {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.o.Now()
	if d := now.Sub(v.at); d >= 0 && d < overviewEvery && v.at.After(time.Time{}) {
		return v.last
	}
	h := v.o.House()
	l := &look{of: &v.o, house: h, now: now, config: h.Generation, traffic: trafficOf(v.o.Recorder, now)}
	o := console.Overview{Name: h.Config.Name, Config: l.config, State: console.Well, Refused: v.o.Refused()}
	o.Stations = []console.Station{
		l.names(), l.firewall(ctx), l.gate(), l.certificates(), l.cors(), l.limits(), l.routes(), l.upstreams(),
		l.identity(), l.access(), l.store(), l.streams(), l.webhooks(ctx), l.push(ctx), l.mail(ctx), l.journeys(), l.declaration(),
	}
	o.State, o.Sentence = judge(o.Stations, o.Refused, l.traffic)
	v.at, v.last = now, o
	return o
}

// look is one look at all stations.
type look struct {
	of      *Options
	house   House
	now     time.Time
	config  uint32 // the generation in force
	traffic *traffic
}

// where is the place of a key of the declaration in force.
func (l *look) where(path ...string) string { return l.of.Book.Key(l.config, path...) }

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

// judge says in one sentence how it is. That the file on the disk is not in force comes first: whoever has just changed it
// looks for that. Then comes the station that stands out.
func judge(all []console.Station, refused string, t *traffic) (console.State, string) {
	worst := worstOf(all)
	if worst == nil && refused == "" {
		return console.Well, t.whole()
	}
	var text string
	state := console.Warn
	if refused != "" {
		text = "The file on the disk is not in force: " + oneLine(refused)
		if !strings.HasSuffix(text, ".") {
			text += "."
		}
	}
	var others []string
	for _, s := range soonest(all) {
		switch {
		case worse(s.State) < worse(console.Warn), s == worst, refused != "" && s.Layer == declarationLayer:
		default:
			others = append(others, s.Title)
		}
	}
	if worst != nil {
		state = worst.State
		if refused == "" || worst.Layer != declarationLayer {
			text = strings.TrimSpace(text + " " + worst.Title + " " + standing(worst.State) + ": " + worst.Sentence + ".")
		}
	}
	switch {
	case len(others) == 1:
		text += " " + others[0] + " is to be looked at, too."
	case len(others) > 1:
		text += " " + strings.Join(others[:len(others)-1], ", ") + " and " + others[len(others)-1] + " are to be looked at, too."
	}
	return state, text
}

// soonest are the stations in the order in which they are to be looked at.
func soonest(all []console.Station) []*console.Station {
	list := make([]*console.Station, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	slices.SortStableFunc(list, sooner)
	return list
}

func standing(s console.State) string {
	if s == console.Down {
		return "is down"
	}
	return "is to be looked at"
}

// oneLine puts a message of several lines into one.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

package trace

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// routesMax bounds how many routes are told apart. The templates are declared, so that only a very large declaration
// comes near it; what is beyond is counted as one.
const routesMax = 256

// otherRoute names what is counted together, since there are too many routes.
const otherRoute = "other"

// routes tells the routes of journeys apart. A look-up takes no lock.
type routes struct {
	mu    sync.Mutex // serialises adding
	known atomic.Pointer[map[string]*route]
	kinds [kindCount]*route // of what is no request
	other *route
	count atomic.Int32 // routes with a number
}

// route is what is known of one route.
type route struct {
	name   string
	number int             // in the lists of the shards
	slow   atomic.Int64    // ns: above it, a request is slower than most; 0: not known yet
	firsts []atomic.Uint32 // by reason: the second since the start in which it was first, plus one
}

func newRoutes() *routes {
	t := &routes{}
	for k := range t.kinds {
		t.kinds[k] = t.add(Kind(k).String())
	}
	t.other = t.add(otherRoute)
	t.known.Store(&map[string]*route{})
	return t
}

func (t *routes) add(name string) *route {
	return &route{name: name, number: int(t.count.Add(1) - 1), firsts: make([]atomic.Uint32, len(catalogueRows))}
}

// of returns the route of a journey.
func (t *routes) of(j *Journey) *route {
	if j.Kind != Request {
		if int(j.Kind) < len(t.kinds) {
			return t.kinds[j.Kind]
		}
		return t.kinds[0]
	}
	if rt := (*t.known.Load())[j.Route]; rt != nil {
		return rt
	}
	return t.learn(j.Route)
}

func (t *routes) learn(name string) *route {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := *t.known.Load()
	if rt := known[name]; rt != nil {
		return rt
	}
	if len(known) >= routesMax {
		return t.other
	}
	more := maps.Clone(known)
	more[name] = t.add(name)
	t.known.Store(&more)
	return more[name]
}

// all returns the routes of requests.
func (t *routes) all() []*route {
	known := *t.known.Load()
	list := make([]*route, 0, len(known)+1)
	for _, rt := range known {
		list = append(list, rt)
	}
	return append(list, t.other)
}

// due reports whether no journey of the route ended for that reason for some time.
func (rt *route) due(why Reason, since time.Duration) bool {
	if int(why) >= len(rt.firsts) {
		return false
	}
	last := rt.firsts[why].Load()
	return last == 0 || second(since) >= last+uint32(firstFor/time.Second)
}

// first is due, for one journey alone: from then on the others are not.
func (rt *route) first(why Reason, since time.Duration) bool {
	if int(why) >= len(rt.firsts) {
		return false
	}
	at := &rt.firsts[why]
	last := at.Load()
	return rt.due(why, since) && at.CompareAndSwap(last, second(since))
}

// second counts from the start; 0 is none.
func second(since time.Duration) uint32 { return uint32(max(0, since)/time.Second) + 1 }

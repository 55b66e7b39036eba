package metrics

import (
	"context"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Set takes values by the names of the table.
type Set struct{ of map[string][]Sample }

// Add adds a value; labels are those of the name, in its order.
func (s *Set) Add(name string, value float64, labels ...string) {
	s.of[name] = append(s.of[name], Sample{Labels: labels, Value: value})
}

// Flag adds 1 or 0.
func (s *Set) Flag(name string, on bool, labels ...string) {
	v := 0.0
	if on {
		v = 1
	}
	s.Add(name, v, labels...)
}

// Time adds a moment, in seconds since 1970.
func (s *Set) Time(name string, at time.Time, labels ...string) {
	s.Add(name, float64(at.UnixMilli())/1000, labels...)
}

// Handler answers with all metrics: those of the runtime and of the recorder, and what fill adds.
func Handler(r *trace.Recorder, fill func(ctx context.Context, s *Set)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s := &Set{of: map[string][]Sample{}}
		addRuntime(s)
		routes := r.Routes()
		if r != nil {
			addJourneys(s, r.Stats(), routes)
		}
		fill(req.Context(), s)
		h := w.Header()
		h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(render(s, routes)) // who asked may be gone
	})
}

func render(s *Set, routes []trace.RouteStats) []byte {
	p := &page{}
	for i := range names {
		if n := &names[i]; n.Type == Histogram {
			p.durations(n, routes)
		} else {
			p.write(n, s.of[n.Name])
		}
	}
	return p.b
}

// addRuntime adds what the runtime knows of itself.
func addRuntime(s *Set) {
	read := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(read)
	for i, name := range []string{"go_gc_cycles_total", "go_memory_heap_bytes", "go_memory_total_bytes"} {
		if read[i].Value.Kind() == metrics.KindUint64 {
			s.Add(name, float64(read[i].Value.Uint64()))
		}
	}
	s.Add("go_goroutines", float64(runtime.NumGoroutine()))
	s.Add("go_threads_max", float64(runtime.GOMAXPROCS(0)))
	s.Add("go_info", 1, runtime.Version())
}

// addJourneys adds what the recorder has counted.
func addJourneys(s *Set, st trace.Stats, routes []trace.RouteStats) {
	for kind, n := range st.Kinds {
		s.Add("roundtrip_journeys_total", float64(n), kind)
	}
	for cause, n := range st.Kept {
		s.Add("roundtrip_journeys_kept_total", float64(n), cause)
	}
	s.Add("roundtrip_journeys_held", float64(st.HeldKept), "kept")
	s.Add("roundtrip_journeys_held", float64(st.Held-st.HeldKept), "recent")
	s.Add("roundtrip_journeys_bounded_total", float64(st.Bounded))
	s.Add("roundtrip_journey_hops_lost_total", float64(st.Hops))
	s.Add("roundtrip_log_lines_lost_total", float64(st.LogLines))
	for i := range routes {
		rt := &routes[i]
		name := routeLabel(rt.Route)
		for class, n := range rt.Classes {
			if n > 0 {
				s.Add("roundtrip_http_requests_total", float64(n), name, classLabel(class))
			}
		}
		for code, n := range rt.Codes {
			s.Add("roundtrip_rpc_calls_total", float64(n), name, code.String())
		}
		for _, f := range rt.Refusals {
			s.Add("roundtrip_http_requests_refused_total", float64(f.Count), name, classLabel(f.Class), f.Code.String(), f.Reason.Code())
		}
		if rt.Slow > 0 {
			s.Add("roundtrip_http_slow_threshold_seconds", rt.Slow.Seconds(), name)
		}
	}
}

// routeLabel names those that found no route, since an empty label is none.
func routeLabel(route string) string {
	if route == "" {
		return "none"
	}
	return route
}

func classLabel(class int) string {
	if class == 0 {
		return "none"
	}
	return strconv.Itoa(class) + "xx"
}

// durations writes the histogram of the routes, with three of the recorder's ten edges in each decade: 1, 2.5 and 5.
func (p *page) durations(n *Name, routes []trace.RouteStats) {
	if len(routes) == 0 {
		return
	}
	p.family(n)
	edges := trace.Edges()
	for i := range routes {
		rt := &routes[i]
		name, count := routeLabel(rt.Route), uint64(0)
		for k, in := range rt.Buckets {
			count += in
			if k < len(edges) && shown(edges[k]) {
				p.line("_bucket", float64(count), "route", name, "le", strconv.FormatFloat(edges[k].Seconds(), 'g', -1, 64))
			}
		}
		p.line("_bucket", float64(count), "route", name, "le", "+Inf")
		p.line("_sum", rt.Sum.Seconds(), "route", name)
		p.line("_count", float64(count), "route", name)
	}
}

// shown reports whether an edge is 1, 2.5 or 5 times a power of ten.
func shown(edge time.Duration) bool {
	for edge >= 100*time.Nanosecond && edge%10 == 0 {
		edge /= 10
	}
	return edge == 10 || edge == 25 || edge == 50
}

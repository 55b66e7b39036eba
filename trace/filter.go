package trace

import (
	"slices"
	"strings"
	"time"
)

// Filter chooses journeys. The zero Filter takes requests and everything else.
type Filter struct {
	Kinds  []Kind // none: all
	Kept   Kept   // any of these causes; 0: all
	Route  string // the template, "" for all
	Host   string
	Path   string // a beginning of it
	Reason string // a code, or the first part of one: dns
	Status int    // 404, or 4 for 4xx
	Since  time.Time
}

// Match reports whether the filter takes the journey.
func (f *Filter) Match(s *Snapshot) bool {
	return (len(f.Kinds) == 0 || slices.Contains(f.Kinds, s.Kind)) &&
		(f.Kept == 0 || s.Kept&f.Kept != 0) &&
		(f.Route == "" || s.Route == f.Route) &&
		(f.Host == "" || strings.EqualFold(f.Host, hostOf(s.Host))) &&
		strings.HasPrefix(s.Path, f.Path) &&
		(f.Reason == "" || s.Reason.Code() == f.Reason || strings.HasPrefix(s.Reason.Code(), f.Reason+".")) &&
		(f.Status == 0 || s.Status == f.Status || s.Status/100 == f.Status) &&
		(f.Since.IsZero() || !s.Start.Before(f.Since))
}

// hostOf is a Host without its port.
func hostOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

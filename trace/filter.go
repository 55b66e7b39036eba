package trace

import (
	"slices"
	"strconv"
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
	Code   Code   // how a call ended; 0: all
	Since  time.Time
}

// SetStatus asks for what ended so: 404, 4 or 4xx, or the name of a call's code, such as PERMISSION_DENIED. "" asks for
// nothing. It reports whether the word is one.
func (f *Filter) SetStatus(word string) bool {
	if word == "" {
		return true
	}
	if c, ok := CodeNamed(word); ok {
		f.Code = c
		return true
	}
	n, err := strconv.Atoi(strings.TrimSuffix(word, "xx"))
	if err != nil || n < 1 || n > 599 || n > 5 && n < 100 {
		return false
	}
	f.Status = n
	return true
}

// all reports whether the filter takes each journey.
func (f *Filter) all() bool {
	return len(f.Kinds) == 0 && f.Kept == 0 && f.Route == "" && f.Host == "" && f.Path == "" && f.Reason == "" && f.Status == 0 && f.Code == 0 && f.Since.IsZero()
}

// takes is Match for a journey that has ended.
func (f *Filter) takes(j *Journey) bool {
	s := j.head()
	return f.Match(&s)
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
		(f.Code == 0 || s.Code == f.Code) &&
		(f.Since.IsZero() || !s.Start.Before(f.Since))
}

// hostOf is a Host without its port.
func hostOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

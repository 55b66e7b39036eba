package trace

import (
	"net/netip"
	"slices"
	"time"
)

// Snapshot is a copy of a journey that has ended.
type Snapshot struct {
	ID         ID
	Kind       Kind
	Start      time.Time
	Took       time.Duration
	Generation uint32
	Method     string
	Host       string
	Path       string
	Route      string
	Proto      string
	RPC        string
	Client     netip.Addr
	Account    int64
	Status     int
	Code       Code
	Bytes      int64
	Reason     Reason
	Decided    int
	Dropped    int
	Headers    string
	Kept       Kept
	Links      []Link
	Hops       []Hop
	Awaits     bool // a note of one of its hops is still to come
}

// snapshot copies an ended journey.
func (j *Journey) snapshot() Snapshot {
	s := j.head()
	s.fill(j)
	return s
}

// head copies what can be copied without an allocation: all but the links and hops.
func (j *Journey) head() Snapshot {
	return Snapshot{
		ID: j.ID, Kind: j.Kind, Start: j.Start, Took: j.Took, Generation: j.Generation,
		Method: j.Method, Host: j.Host, Path: j.Path, Route: j.Route, Proto: j.Proto, RPC: j.RPC, Client: j.Client,
		Account: j.Account, Status: j.Status, Code: j.Code, Bytes: j.Bytes, Reason: j.Reason, Decided: j.Decided, Dropped: j.Dropped,
		Headers: j.Headers, Kept: j.Kept,
	}
}

// fill copies the links and hops. Of a step that is still open only what it began with is copied: the rest is being
// written.
func (s *Snapshot) fill(j *Journey) {
	s.Links = append([]Link(nil), j.links[:j.nlink]...)
	s.Hops = make([]Hop, j.Len())
	for i := range s.Hops {
		switch h := &j.hops[i]; {
		case j.marks.isDone(i):
			s.Hops[i] = *h
		case j.marks.isOpen(i):
			s.Hops[i] = Hop{Layer: h.Layer, Name: h.Name, Start: h.Start}
		}
	}
	s.takeLate(j)
}

func sortNewest(all []Snapshot) {
	slices.SortStableFunc(all, func(a, b Snapshot) int { return b.Start.Compare(a.Start) })
}

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
	Client     netip.Addr
	Account    int64
	Status     int
	Bytes      int64
	Reason     Reason
	Decided    int
	Dropped    int
	Hops       []Hop
}

func (j *Journey) snapshot() Snapshot {
	return Snapshot{
		ID: j.ID, Kind: j.Kind, Start: j.Start, Took: j.Took, Generation: j.Generation,
		Method: j.Method, Host: j.Host, Path: j.Path, Route: j.Route, Proto: j.Proto, Client: j.Client,
		Account: j.Account, Status: j.Status, Bytes: j.Bytes, Reason: j.Reason, Decided: j.Decided, Dropped: j.Dropped,
		Hops: slices.Clone(j.Hops[:j.Len()]),
	}
}

func sortNewest(all []Snapshot) {
	slices.SortFunc(all, func(a, b Snapshot) int { return b.Start.Compare(a.Start) })
}

// Package trace is the diary of a journey: what each station on the path of a request saw and decided, when, and why.
//
// A [Recorder] begins a [Journey] where a request enters, hands it on in the context, and keeps it when it ends. Every
// station opens a [Step] on it and closes it with a [Verdict] and, if it refused, a [Reason]. A nil *Journey and a zero
// Step do nothing and cost nothing, so no station asks whether it is being watched.
//
// Journeys are reused. What makes that safe: once a journey has ended, [Journey.Begin] gives zero Steps and [From] gives
// nil, and a journey with a step that somebody still holds open is never filled again. So a goroutine that may outlive
// its request opens its step first, or takes the journey from the context when it needs it, and keeps no *Journey.
package trace

import (
	"encoding/hex"
	"net/netip"
	"sync/atomic"
	"time"
)

// HopsMax is how many hops one journey holds; further ones are counted in Dropped.
const HopsMax = 24

// textMax bounds what a client can make a journey keep of its method, host or path, or in the note of a hop, in bytes.
const textMax = 512

// ID is the name of a journey, in the form of a W3C trace-id (16 bytes, 32 hex digits).
type ID [16]byte

// String returns 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// AppendTo appends 32 hex digits.
func (id ID) AppendTo(b []byte) []byte { return hex.AppendEncode(b, id[:]) }

// Kind says what travelled.
type Kind uint8

// The kinds of a journey.
const (
	Request Kind = iota + 1
	Connection
	Query  // of the name server
	Drop   // packets that the firewall dropped
	Event  // a change on its way to those who watch
	Push   // a message to another program, a device or a mailbox
	Report // of a browser: what it saw, and we perhaps did not
	kindCount
)

// String returns the kind's word.
func (k Kind) String() string {
	names := [...]string{"", "request", "connection", "query", "drop", "event", "push", "report"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Journey is the record of one request from its first hop to its last. All of its methods may be called on nil. Its
// fields belong to the goroutine that serves the request, until [Recorder.End].
type Journey struct {
	ID         ID
	Kind       Kind
	Start      time.Time
	Took       time.Duration
	Generation uint32 // of the declaration that was in force
	Method     string
	Host       string
	Path       string // without the query
	Route      string // the route's template, "" where none was found
	Proto      string
	RPC        string // the protocol of a call: gRPC, gRPC-Web, Connect; "" for what is none
	Client     netip.Addr
	Account    int64 // id of the account, 0 for strangers
	Status     int
	Code       Code   // how a call ended, whose status is mostly 200
	Bytes      int64  // of the answer's body
	Reason     Reason // why it ended as it did; None where all went well
	Decided    int    // index of the deciding hop, -1 where nothing refused
	Dropped    int    // hops beyond HopsMax
	Headers    string // those of the request that journeys.headers names, a line each; "" by default
	Kept       Kept   // why it is kept longer than most; set when it ends, but for Probed and Traced

	marks    marks
	n        atomic.Int32  // slots given out; negative once the journey has ended
	turn     atomic.Uint32 // grows each time the journey is filled anew
	end      int32         // what n was when the journey ended
	shard    uint32
	promised atomic.Bool              // a note that comes late
	late     atomic.Pointer[lateNote] // the note, once it has come
	seq      uint64                   // its place among those that ended in its shard
	clock    func() time.Time         // nil: the machine's monotonic clock
	nlink    int
	links    [linksMax]Link
	hops     [HopsMax]Hop
}

// ended is what n becomes at the end: so far below zero that no number of late calls brings it back.
const ended = -1 << 30

// Len returns how many hops were recorded.
func (j *Journey) Len() int {
	if j == nil {
		return 0
	}
	n := j.n.Load()
	if n < 0 {
		n = j.end
	}
	return int(min(n, HopsMax))
}

// Begin opens a step. It may be called by several goroutines at once, and does nothing on a journey that has ended.
func (j *Journey) Begin(layer Layer, name string) Step {
	i := j.slot()
	if i < 0 {
		return j.nowhere()
	}
	return j.open(i, layer, name, int64(j.since()))
}

// open writes what the hop of a slot begins with.
func (j *Journey) open(i int32, layer Layer, name string, start int64) Step {
	h := &j.hops[i]
	h.Layer, h.Name, h.Start = layer, name, start
	j.marks.open(i)
	return Step{j: j, i: i, turn: j.turn.Load()}
}

// nowhere is a step that has no room. What follows upon it is counted in Dropped, too.
func (j *Journey) nowhere() Step {
	if j == nil {
		return Step{}
	}
	return Step{j: j, i: -1, turn: j.turn.Load()}
}

// Add records a hop that took no time of its own, or that ended before, such as what is known of the connection. Its
// Start and Took are kept as given.
func (j *Journey) Add(h Hop) {
	if i := j.slot(); i >= 0 {
		h.Note = bounded(h.Note)
		j.hops[i] = h
		j.marks.done(i)
	}
}

// slot gives out the next free hop, or -1 where there is none.
func (j *Journey) slot() int32 {
	if j == nil {
		return -1
	}
	i := j.n.Add(1) - 1
	if i < 0 || i >= HopsMax {
		return -1
	}
	return i
}

// Elapsed returns the time since the journey's start.
func (j *Journey) Elapsed() time.Duration {
	if j == nil {
		return 0
	}
	return j.since()
}

// SetAccount notes who asked.
func (j *Journey) SetAccount(id int64) {
	if j != nil {
		j.Account = id
	}
}

// SetReason notes why the journey ends as it does; it wins over what the hops say.
func (j *Journey) SetReason(r Reason) {
	if j != nil {
		j.Reason = r
	}
}

// SetRoute notes the template of the route.
func (j *Journey) SetRoute(template string) {
	if j != nil {
		j.Route = template
	}
}

// SetRPC notes the protocol of a call: gRPC, gRPC-Web, Connect. It must be a constant.
func (j *Journey) SetRPC(protocol string) {
	if j != nil {
		j.RPC = protocol
	}
}

// SetCode notes how a call ended.
func (j *Journey) SetCode(c Code) {
	if j != nil {
		j.Code = c
	}
}

func (j *Journey) since() time.Duration {
	if j.clock != nil {
		return j.clock().Sub(j.Start)
	}
	return time.Since(j.Start)
}

// close ends the journey: no slot is given out from here on.
func (j *Journey) close() {
	j.Took = j.since()
	j.end = j.n.Swap(ended)
	j.Dropped = max(0, int(j.end)-HopsMax)
	j.decide()
}

// decide finds the hop that ended the journey: the last one that refused or failed, with the journey's own reason where
// it has one. A request that was answered well in spite of a failed hop has none.
func (j *Journey) decide() {
	j.Decided = -1
	if j.Kind == Request && j.Status > 0 && j.Status < 400 && j.Reason == None && !j.Code.refused() {
		return
	}
	for i := j.Len() - 1; i >= 0; i-- {
		h := &j.hops[i]
		if !j.marks.isDone(i) || !h.Verdict.Refused() || (j.Reason != None && h.Reason != j.Reason) {
			continue
		}
		j.Decided, j.Reason = i, h.Reason
		return
	}
}

// idle reports whether nobody holds a step of an ended journey open or owes it a note, so that it can be filled again.
func (j *Journey) idle() bool { return j.marks.allDone(j.Len()) && !j.awaits() }

// reset empties an ended journey for the next request. What was given out under the old turn stays dead.
func (j *Journey) reset() {
	j.turn.Add(1)
	j.shard = (j.shard + 1) % shardCount // so that one goroutine alone fills all rings
	clear(j.hops[:j.Len()])
	j.marks.clear()
	j.Took, j.Method, j.Host, j.Path, j.Route, j.Proto, j.RPC = 0, "", "", "", "", "", ""
	j.Client, j.Account, j.Status, j.Code, j.Bytes, j.Reason, j.Dropped = netip.Addr{}, 0, 0, 0, 0, None, 0
	j.Headers, j.Kept, j.nlink = "", 0, 0
	j.end = 0
	if j.promised.Load() {
		j.promised.Store(false)
		j.late.Store(nil)
	}
	j.n.Store(0)
}

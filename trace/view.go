package trace

import (
	"net/netip"
	"strings"
	"time"
)

// Sight says what somebody may see of a journey.
type Sight uint8

// The sights, each sees what the one before it sees.
const (
	Visitor  Sight = iota // its id, status, and the reason's title
	Viewer                // all but who it was
	Operator              // who it was, too: the account, and the network of the client
)

// View is a journey as it is shown: in the console, and by roundtrip journey --json. Times are milliseconds since Start.
type View struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`
	Start    time.Time  `json:"start"`
	MS       float64    `json:"ms"`
	Method   string     `json:"method,omitempty"`
	Host     string     `json:"host,omitempty"`
	Path     string     `json:"path,omitempty"`
	Route    string     `json:"route,omitempty"`
	Proto    string     `json:"proto,omitempty"`
	RPC      string     `json:"rpc,omitempty"` // gRPC, gRPC-Web, Connect: it was a call
	Status   int        `json:"status,omitempty"`
	Code     string     `json:"code,omitempty"` // of a call: OK, PERMISSION_DENIED; its status is mostly 200
	Bytes    int64      `json:"bytes,omitempty"`
	Client   string     `json:"client,omitempty"`  // a network: /24 or /56
	Account  string     `json:"account,omitempty"` // its id as the API writes it; "": a stranger
	Outcome  string     `json:"outcome"`           // the verdict of the deciding hop: ok, deny, error, timeout
	Reason   string     `json:"reason,omitempty"`
	Flag     string     `json:"flag,omitempty"`
	Layer    string     `json:"layer,omitempty"`    // of the deciding hop
	Sentence string     `json:"sentence,omitempty"` // of the reason
	Fix      string     `json:"fix,omitempty"`
	Where    string     `json:"where,omitempty"`   // the line of the declaration that decided: FILE:LINE:COLUMN
	Decided  int        `json:"decided"`           // index of the deciding hop, -1: none
	Config   uint32     `json:"config"`            // the generation of the declaration
	Headers  []string   `json:"headers,omitempty"` // NAME: VALUE, of the request; only what the declaration lets journeys keep
	Kept     []string   `json:"kept,omitempty"`
	Dropped  int        `json:"dropped,omitempty"` // hops that had no room
	Links    []LinkView `json:"links,omitempty"`
	Hops     []HopView  `json:"hops"`
}

// HopView is one hop of a [View].
type HopView struct {
	Layer    string  `json:"layer"`
	Name     string  `json:"name,omitempty"`
	Note     string  `json:"note,omitempty"`
	T        float64 `json:"t"`
	MS       float64 `json:"ms"`
	Verdict  string  `json:"verdict"`
	Evidence string  `json:"evidence"`
	Reason   string  `json:"reason,omitempty"`
	Flag     string  `json:"flag,omitempty"`
	N        []int64 `json:"n,omitempty"`
	Where    string  `json:"where,omitempty"`
}

// LinkView is one link of a [View].
type LinkView struct {
	Role     string `json:"role"`
	Evidence string `json:"evidence"`
	ID       string `json:"id"`
}

// Places says where in the declaration of a generation what a hop decided by stands: FILE:LINE:COLUMN, or "" where that is
// not known (any more).
type Places func(generation uint32, h *Hop) string

// View returns the journey as somebody with that sight may see it. places may be nil.
func (s *Snapshot) View(sight Sight, places Places) View {
	v := View{
		ID: s.ID.String(), Kind: s.Kind.String(), Start: s.Start.UTC(), MS: ms(int64(s.Took)), Status: s.Status, Code: s.Code.String(),
		Outcome: OK.String(), Decided: -1, Config: s.Generation, Hops: []HopView{},
	}
	v.Reason, v.Flag, v.Sentence = s.Reason.Code(), s.Reason.Flag(), ""
	if s.Reason != None {
		v.Outcome, v.Sentence = Fail.String(), s.Reason.Text()
	}
	if sight == Visitor {
		return v
	}
	v.Method, v.Host, v.Path, v.Route, v.Proto, v.RPC, v.Bytes = s.Method, s.Host, s.Path, s.Route, s.Proto, s.RPC, s.Bytes
	v.Fix, v.Kept, v.Dropped, v.Decided = s.Reason.Fix(), s.Kept.Words(), s.Dropped, s.Decided
	if sight >= Operator {
		v.Account = accountText(s.Account)
		v.Client = network(s.Client)
		if s.Headers != "" {
			v.Headers = strings.Split(s.Headers, "\n")
		}
	}
	for i := range s.Hops {
		v.Hops = append(v.Hops, s.Hops[i].view(s.Generation, places))
	}
	if s.Decided >= 0 && s.Decided < len(v.Hops) {
		h := v.Hops[s.Decided]
		v.Outcome, v.Layer, v.Where = h.Verdict, h.Layer, h.Where
	}
	for _, l := range s.Links {
		v.Links = append(v.Links, LinkView{l.Role.String(), l.Evidence.String(), l.ID.String()})
	}
	return v
}

func (h *Hop) view(generation uint32, places Places) HopView {
	v := HopView{
		Layer: h.Layer.String(), Name: h.Name, Note: h.Note, T: ms(h.Start), MS: ms(h.Took), Verdict: h.Verdict.String(),
		Evidence: h.Evidence.String(), Reason: h.Reason.Code(), Flag: h.Reason.Flag(),
	}
	if h.N != [2]int64{} {
		v.N = h.N[:]
	}
	if places != nil {
		v.Where = places(generation, h)
	}
	return v
}

// accountText is an id as the doors write it, 13 digits of Crockford's base32 (as roundtrip.ID, which this package may not
// know).
func accountText(id int64) string {
	if id == 0 {
		return ""
	}
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, 0, 13)
	for shift := 60; shift >= 0; shift -= 5 {
		b = append(b, digits[uint64(id)>>shift&31])
	}
	return string(b)
}

func network(a netip.Addr) string { return string(appendPrefix(nil, a)) }

// ms turns nanoseconds into milliseconds, to the microsecond.
func ms(ns int64) float64 { return float64(ns/1000) / 1000 }

package policy

import "github.com/roundtrip-dev/roundtrip"

// node is one node of the checked tree: names are positions, types fit. It does not change after compilation.
type node struct {
	op    op
	kind  kind
	sign  sign // opCompare
	pos   int  // byte offset in the source
	kids  []*node
	value roundtrip.Value       // opConst
	field int                   // opColumn, opAuthField, opInput, opInputGiven: position of the field
	decl  *roundtrip.Field      // of a value that comes from a field
	of    *roundtrip.Collection // kindID: whose ids these are; nil where not known
	at    *place                // opColumn: which record; opExists: the record it ranges over
	slot  int                   // opSlot: its place among the bound values
	free  bool                  // no record is needed: known as soon as the call is
	fixed bool                  // the call isn't needed either
	auth  bool                  // the caller has part in it
	local bool                  // no other record than the own one is needed
}

// op is what a node does.
type op uint8

const (
	opBad       op = iota // stands where a mistake was reported
	opConst               // a literal, or what was computed of literals
	opSlot                // a value of the call, computed once when it is bound
	opAuthID              // auth.id
	opAuthField           // auth.handle
	opRoles               // auth.roles
	opNow                 //
	opIP                  // request.ip
	opInput               // input.caption
	opColumn              // a field of a record
	opList                // [a, b]: only inside in and size
	opSize                //
	opNegate              //
	opAdd                 //
	opSubtract            //

	// What follows says yes or no, never null.
	opInputGiven // has(input.caption)
	opAnd
	opOr
	opNot
	opCompare
	opIsNull
	opNotNull
	opIn      // kids[0] in the others
	opInRoles // kids[0] in auth.roles
	opStarts
	opEnds
	opContains
	opExists // kids[0] holds for a record at the place
)

// logic reports whether the node is two-valued: it is never null.
func (n *node) logic() bool { return n.op >= opInputGiven }

// constant returns the value of a boolean constant.
func (n *node) constant() (value, ok bool) {
	if n.op != opConst {
		return false, false
	}
	return n.value.Kind() == roundtrip.BoolValue && n.value.Bool(), true
}

// sign is a comparison.
type sign uint8

const (
	signEqual sign = iota
	signNotEqual
	signLess
	signLessEqual
	signGreater
	signGreaterEqual
)

func (s sign) String() string { return [...]string{"==", "!=", "<", "<=", ">", ">="}[s] }

// flip returns the sign with its sides exchanged.
func (s sign) flip() sign {
	return [...]sign{0, 1, signGreater, signGreaterEqual, signLess, signLessEqual}[s]
}

func signOf(name string) sign {
	for s := signEqual; s <= signGreaterEqual; s++ {
		if s.String() == name {
			return s
		}
	}
	return signEqual
}

// kind is the static type of a node.
type kind uint8

const (
	kindBad kind = iota
	kindNull
	kindBool
	kindInt
	kindFloat
	kindText
	kindTime
	kindID
	kindDuration // microseconds as an int
	kindList
	kindOpaque // json and files: there or not there
)

func (k kind) String() string {
	return [...]string{"nothing", "null", "a bool", "an int", "a float", "a text", "a time", "an id", "a duration", "a list", "json"}[k]
}

func (k kind) number() bool { return k == kindInt || k == kindFloat }

func kindOf(t roundtrip.FieldType) kind {
	switch t.Value() {
	case roundtrip.BoolValue:
		return kindBool
	case roundtrip.IntValue:
		return kindInt
	case roundtrip.FloatValue:
		return kindFloat
	case roundtrip.TimeValue:
		return kindTime
	case roundtrip.IDValue:
		return kindID
	case roundtrip.JSONValue:
		return kindOpaque
	case roundtrip.TextValue, roundtrip.Null:
	}
	return kindText
}

// place is a record that a tree speaks of: the own one, one that an exists ranges over, or one that a ref leads to.
type place struct {
	collection *roundtrip.Collection
	parent     *place // the record whose ref leads here, nil for the own record and those of exists
	field      int    // position of that ref
	guard      *node  // what must hold for the record to be there at all: its read rule; nil where it is not asked
	index      int
	exists     bool
}

// hops counts the refs between a place and one that it hangs on.
func (p *place) hops(root *place) int {
	n := 0
	for p != root && p.parent != nil {
		p = p.parent
		n++
	}
	return n
}

// joinable reports whether only refs lead from the own record to the place.
func (p *place) joinable() bool {
	for p.parent != nil {
		p = p.parent
	}
	return !p.exists
}

// program is one compiled rule or filter.
type program struct {
	root    *node
	slots   []*node                          // what is computed when the call is known; opSlot nodes point here
	values  []func(f *frame) roundtrip.Value // the same as closures
	places  []*place                         // places[0] is the own record
	guarded bool                             // a place has a read rule
	counts  bool                             // a count field is looked at
	inputs  []int                            // input fields whose value is looked at
	check   condition                        // the whole in memory; nil until needed for a filter
}

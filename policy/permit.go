package policy

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Permit is a decision: this caller may do this, to the records for which the condition holds. Only this package can make
// one, and the store takes nothing else, so no path reaches a record without a decision. It belongs to one call and is
// used by one goroutine at a time.
type Permit struct {
	action     roundtrip.Action
	collection *roundtrip.Collection
	call       *roundtrip.Call
	principal  *roundtrip.Principal
	name       string  // photos.read: the rule's name, interned
	never      bool    // rule or filter are constantly false
	rule       *bound  // the access rule with what is known of the caller put in; nil means always
	filter     *bound  // the caller's filter; nil means none, or always
	see        *Permit // Update, Delete: the read permit for the same record
	query      Query
	ops        []*Permit // Batch
}

// Action returns what is permitted.
func (p *Permit) Action() roundtrip.Action { return p.action }

// Collection returns the collection, nil for a batch.
func (p *Permit) Collection() *roundtrip.Collection { return p.collection }

// Call returns the call that was decided on.
func (p *Permit) Call() *roundtrip.Call { return p.call }

// Principal returns the caller.
func (p *Permit) Principal() *roundtrip.Principal { return p.principal }

// ID returns the record of a get, update or delete.
func (p *Permit) ID() roundtrip.ID { return p.call.ID }

// Input returns what a create or update brings.
func (p *Permit) Input() *roundtrip.Record { return p.call.Input }

// Time returns when the call arrived.
func (p *Permit) Time() time.Time { return p.call.Time }

// Rule returns the name of the rule that decided, such as photos.read.
func (p *Permit) Rule() string { return p.name }

// See returns the read permit for the record of an update or delete, which tells "not there" from "not allowed".
func (p *Permit) See() *Permit { return p.see }

// Query returns the checked query of a get, list or aggregate.
func (p *Permit) Query() *Query { return &p.query }

// Ops returns the permits of a batch's writes, in order.
func (p *Permit) Ops() []*Permit { return p.ops }

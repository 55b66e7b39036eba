package policy

import "github.com/roundtrip-dev/roundtrip"

// Query is a caller's query after it was checked: names are positions, texts are trees, tokens are values.
type Query struct {
	Order      []Order           // never empty for a list; its last field is always id
	Size       int               // records on a page, of an aggregate the groups that it may give
	After      []roundtrip.Value // the sort values of the last record of the page before, one for each of Order; nil on the first page
	Fields     []bool            // which fields to answer with, by position; nil means all
	Expand     []Expand
	Count      bool // also count all records that match
	Groups     []int
	Aggregates []Aggregate
	token      tokenScope // what the next page's token is bound to
}

// Order is one sort field.
type Order struct {
	Field int
	Desc  bool
}

// Expand says that a ref is to be followed.
type Expand struct {
	Field  int     // position of the ref in the collection that is expanded
	Name   string  // its name
	Permit *Permit // Get on the ref's target: its read rule, and its own Query.Expand for longer paths
}

// AggregateFunc is a function over the records of a group.
type AggregateFunc uint8

// The aggregate functions.
const (
	CountAll AggregateFunc = iota + 1
	Sum
	Avg
	Min
	Max
)

// Aggregate is one selected value of a group.
type Aggregate struct {
	Func  AggregateFunc
	Field int    // not for CountAll
	Name  string // the member's name in the answer: count, sum_likes, max_create_time
}

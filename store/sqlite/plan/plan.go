// Package plan compares a declared schema with what a database holds and says, step by step, what would make them the
// same. It reads and writes nothing itself: the store loads the [History], runs the steps, and keeps the new history.
package plan

import (
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Risk says what a step may cost.
type Risk uint8

// The risks. Safe steps are applied, and those that lose data when they are allowed by name.
const (
	Safe      Risk = iota + 1 // adds, renames, counts anew, or asks for less
	Rewrites                  // would have to rewrite or check existing records
	LosesData                 // drops what records hold
	Blocked                   // existing records stand in its way
)

// String returns the risk's words.
func (r Risk) String() string {
	switch r {
	case Safe:
		return "safe"
	case Rewrites:
		return "rewrites"
	case LosesData:
		return "loses data"
	case Blocked:
		return "blocked"
	}
	return "unknown"
}

// Step is one change of the database.
type Step struct {
	Risk Risk
	Text string   // what it does, for people: add photos.caption (text)
	Fix  string   // for a step that is not applied: what the user can do
	SQL  []string // the statements that do it; empty for a step that is never applied
	Pos  roundtrip.Pos

	Unique *Unique // for a step that makes a unique index: what may stand in its way
	Loss   *Loss   // for a step that drops something
}

// Unique names the fields of a unique index that is to be made.
type Unique struct {
	Collection string
	Fields     []string
	Types      []roundtrip.FieldType // of the fields

	Table   string   // the collection's table before any step is done; "" where it is not there yet
	Columns []string // what stands for the fields in it: their columns, or the value that a new field will get
}

// Loss says what a step drops: a field, or a whole collection.
type Loss struct {
	Name    string // notes.text or notes: what allows it
	Allowed bool

	// What it is called in the database before any step is done.
	Table  string
	Column string   // of a field; "" for a collection
	Files  []string // the columns that hold files, whose bytes go too
	Stay   []string // for a collection: the tables that stay
}

// Plan is the difference between a declaration and a database.
type Plan struct {
	Steps   []Step
	History *History // how the database will stand once the steps are done
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Applied reports whether the step is applied as things stand.
func (s Step) Applied() bool { return s.Risk == Safe || s.Loss != nil && s.Loss.Allowed }

// Refused returns the steps that are not applied.
func (p *Plan) Refused() []Step {
	var refused []Step
	for _, s := range p.Steps {
		if !s.Applied() {
			refused = append(refused, s)
		}
	}
	return refused
}

// String lists the steps, one a line, with their risk, and what to do about those that are refused.
func (p *Plan) String() string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%-10s  %s\n", s.Risk, s.Text)
		if s.Fix != "" && !s.Applied() {
			fmt.Fprintf(&b, "%-10s    %s\n", "", s.Fix)
		}
	}
	return b.String()
}

// Err returns nil if all steps can be applied, and otherwise an Unprocessable error that lists those that can't.
func (p *Plan) Err() error {
	refused := p.Refused()
	if len(refused) == 0 {
		return nil
	}
	e := roundtrip.E(roundtrip.Unprocessable, "store.failed",
		"The declaration differs from the database in ways that are not applied by themselves:\n%s",
		strings.TrimSuffix((&Plan{Steps: refused}).String(), "\n"))
	for _, s := range refused {
		e.Details = append(e.Details, roundtrip.Detail{Code: strings.ReplaceAll(s.Risk.String(), " ", "_"), Message: s.Text})
	}
	return e
}

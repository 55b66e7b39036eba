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

// The risks. Only safe steps are applied.
const (
	Safe      Risk = iota + 1 // adds, renames, or counts anew
	Rewrites                  // would have to rewrite or check existing records
	LosesData                 // would drop what records hold
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
	}
	return "unknown"
}

// Step is one change of the database.
type Step struct {
	Risk Risk
	Text string   // what it does, for people: add photos.caption (text)
	Fix  string   // for a step that is not applied: what the user can do
	SQL  []string // the statements that do it; empty for a step that is not applied
	Pos  roundtrip.Pos

	Unique *Unique // for a step that makes a unique index: what may stand in its way
}

// Unique names the fields of a unique index that is to be made.
type Unique struct {
	Collection string
	Fields     []string
}

// Plan is the difference between a declaration and a database.
type Plan struct {
	Steps   []Step
	History *History // how the database will stand once the steps are done
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Refused returns the steps that are not applied.
func (p *Plan) Refused() []Step {
	var refused []Step
	for _, s := range p.Steps {
		if s.Risk != Safe {
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
		if s.Fix != "" {
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
		"The declaration differs from the database in ways that are not applied by themselves:\n%s", (&Plan{Steps: refused}).String())
	for _, s := range refused {
		e.Details = append(e.Details, roundtrip.Detail{Code: strings.ReplaceAll(s.Risk.String(), " ", "_"), Message: s.Text + ": " + s.Fix})
	}
	return e
}

package sqlite

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// failed turns what SQLite says into an error of the house. late says whether an interrupted statement was out of its
// own time (and not out of its caller's).
func failed(op string, err error, late bool) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*raw.Error](err)
	if !ok {
		return roundtrip.Wrap(op, err)
	}
	out := roundtrip.E(roundtrip.Internal, "store.failed", "")
	switch e.Primary() {
	case raw.CodeInterrupt:
		out = roundtrip.E(roundtrip.Deadline, "store.deadline", "The database took too long to answer. Ask for less, or add an index that serves this.")
		if !late {
			out = roundtrip.E(roundtrip.Deadline, "store.deadline", "The request's time was over before the database had answered.")
		}
	case raw.CodeBusy:
		out = roundtrip.E(roundtrip.Unavailable, "store.failed", "Another program holds the database. Try again.")
		out.Retry = time.Second
	case raw.CodeFull:
		out = roundtrip.E(roundtrip.Unavailable, "store.failed", "The disk of the server is full.")
	case raw.CodeError:
		if strings.Contains(e.Message, "integer overflow") {
			out = roundtrip.E(roundtrip.Unprocessable, "store.failed", "The sum is over 64 bits: select fewer records.")
		}
	}
	out.Op, out.Err = op, err
	return out
}

// over is what a call gets whose context ended while it waited.
func over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		e := roundtrip.E(roundtrip.Deadline, "client.aborted", "The client left before the answer was complete.")
		e.Err = ctx.Err()
		return e
	}
	e := roundtrip.E(roundtrip.Deadline, "store.deadline", "The request's time was over before the database had answered.")
	e.Err = ctx.Err()
	return e
}

func missing(c *roundtrip.Collection, id roundtrip.ID) error {
	return roundtrip.E(roundtrip.Missing, "store.missing", "There is no record %q in %s.", id.String(), c.Name)
}

// denied says that the rule of a permit does not hold.
func denied(p *policy.Permit) error {
	if p.Principal().Stranger() {
		return roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "Sign in first: the rule %s does not hold for strangers here.", p.Rule())
	}
	if p.Action() == roundtrip.Create {
		return roundtrip.E(roundtrip.Denied, "access.rule_denied",
			"The rule %s does not hold for you and this record, or a record that it points to is not there for you.", p.Rule())
	}
	return roundtrip.E(roundtrip.Denied, "access.rule_denied", "The rule %s does not hold for you and this record.", p.Rule())
}

// constraint turns a failed INSERT or UPDATE of a collection into an error that names the field. Foreign keys have no
// name in SQLite's report: the caller looks which ref it was.
func constraint(op string, c *roundtrip.Collection, err error) error {
	e, ok := errors.AsType[*raw.Error](err)
	if !ok || e.Primary() != raw.CodeConstraint {
		return failed(op, err, true)
	}
	fields := fieldsOf(c, e.Message)
	var out *roundtrip.Error
	switch e.Code {
	case raw.CodeUnique, raw.CodePrimaryKey, raw.CodeRowID:
		out = roundtrip.E(roundtrip.Conflict, "store.unique", "Another record of %s has this %s already.", c.Name, strings.Join(fields, " and "))
		for _, f := range fields {
			_ = out.With(roundtrip.Detail{Pointer: "/" + f, Code: "unique", Message: "this value is taken"})
		}
	case raw.CodeNotNull:
		out = roundtrip.E(roundtrip.Invalid, "schema.invalid", "A required field has no value.")
		for _, f := range fields {
			_ = out.With(roundtrip.Detail{Pointer: "/" + f, Code: "required", Message: f + " needs a value"})
		}
	case raw.CodeDataType:
		out = roundtrip.E(roundtrip.Invalid, "schema.invalid", "The number does not fit into 64 bits.")
		for _, f := range fields {
			_ = out.With(roundtrip.Detail{Pointer: "/" + f, Code: "out_of_range", Message: "the sum is over 64 bits"})
		}
	default:
		return failed(op, err, true)
	}
	out.Op, out.Err = op, err
	return out
}

// fieldsOf finds the fields that SQLite's sentence about a constraint names, as table.column.
func fieldsOf(c *roundtrip.Collection, message string) []string {
	var fields []string
	for _, word := range strings.FieldsFunc(message, func(r rune) bool { return r == ' ' || r == ',' || r == ':' }) {
		table, column, ok := strings.Cut(word, ".")
		if _, known := c.Lookup(column); ok && known && table == c.Name && !slices.Contains(fields, column) {
			fields = append(fields, column)
		}
	}
	return fields
}

// end closes a step of the journey with what became of it.
func end(step trace.Step, err error) {
	if err == nil {
		step.OK()
		return
	}
	e := roundtrip.AsError(err)
	reason := trace.ReasonOf(e.Reason)
	switch e.Kind {
	case roundtrip.Deadline:
		step.End(trace.Timeout, reason)
	case roundtrip.Internal, roundtrip.Unavailable:
		step.End(trace.Fail, reason)
	default:
		step.Deny(reason)
	}
}

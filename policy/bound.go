package policy

import "github.com/roundtrip-dev/roundtrip"

type bound struct{}

type tokenScope struct{}

// Engine holds the compiled rules of one schema. It does not change and may be used by many goroutines.
type Engine struct{}

// New compiles the rules of a schema. key (32 bytes) signs page tokens. The error lists every mistake of every rule.
func New(schema *roundtrip.Schema, key []byte) (*Engine, error) { panic("policy") }

// Decide turns a call and its caller into a permit, or refuses.
func (e *Engine) Decide(call *roundtrip.Call, who *roundtrip.Principal) (*Permit, error) {
	panic("policy")
}

// Job permits a call of our own, whatever the rules say. The reason is written to the journey.
func (e *Engine) Job(call *roundtrip.Call, reason string) (*Permit, error) { panic("policy") }

// Never reports whether the condition is constantly false, so that no statement is needed.
func (p *Permit) Never() bool { panic("policy") }

// Always reports whether the condition (rule and filter) is constantly true.
func (p *Permit) Always() bool { panic("policy") }

// AppendCondition appends the condition, rule and filter, as one SQL expression over alias r that is never NULL-sensitive
// at its top level (usable behind WHERE and AND). It appends a true constant where Always.
func (p *Permit) AppendCondition(b *SQL, form Form) { panic("policy") }

// AppendJoins appends the LEFT JOINs that the Joined form of the condition needs, each with a leading space.
func (p *Permit) AppendJoins(b *SQL) { panic("policy") }

// Check decides in memory over one row. known is false where the condition needs other records (ref paths, exists,
// readable), which only SQL can answer.
func (p *Permit) Check(row roundtrip.Row) (allowed, known bool) { panic("policy") }

// ReadsCounts reports whether the condition looks at a count field of any collection.
func (p *Permit) ReadsCounts() bool { panic("policy") }

// Token returns the page token for the page after a record with these sort values.
func (q *Query) Token(last []roundtrip.Value) string { panic("policy") }

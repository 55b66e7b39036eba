//go:build !linux

package kernel

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
)

// Table is our table in the kernel, which only Linux has.
type Table struct{}

// New makes a table that is never available.
func New(Options) (*Table, error) { return &Table{}, nil }

// Available says why groups can't be enforced in the kernel here.
func (*Table) Available(context.Context) error {
	return roundtrip.E(roundtrip.Unavailable, "firewall.kernel", "this system has no nftables: groups are enforced in the process alone")
}

// Apply refuses.
func (t *Table) Apply(ctx context.Context, _, _ *Plan) (Report, error) {
	return Report{}, t.Available(ctx)
}

// Off finds no table.
func (*Table) Off(context.Context) (there bool, err error) { return false, nil }

// State refuses.
func (t *Table) State(ctx context.Context, _ *Plan) (State, error) { return State{}, t.Available(ctx) }

// Digest finds no table.
func (*Table) Digest(context.Context) (digest string, there bool, err error) { return "", false, nil }

// String says which table it would be.
func (*Table) String() string { return "inet " + TableName }

// Generation refuses.
func (t *Table) Generation(ctx context.Context) (uint32, error) { return 0, t.Available(ctx) }

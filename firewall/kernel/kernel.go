// Package kernel enforces the groups with nftables, for every program of the machine: one table of ours and nothing else of
// anybody's. A [Plan] is what the table is to say, as plain data; a [Table] brings it into the kernel in one transaction,
// reads it back and compares; [Hands] keep the operator from locking himself out.
//
// What arrives is judged in the hook prerouting, before addresses are translated: by the port that the other end has asked
// for. A port that Docker publishes is judged like every other one, which a firewall in the hook input would not see. What
// is only passed on, to a container or to another machine, is not for us to judge.
package kernel

import (
	"log/slog"
	"time"
)

// TableName is the one table that is ours, of the family inet.
const TableName = "roundtrip"

// Options is what a table needs.
type Options struct {
	NetNS int // file descriptor of the network namespace, which must stay open; 0 is the namespace of the thread
	Now   func() time.Time
	Log   *slog.Logger
}

// Report says what was brought into the kernel.
type Report struct {
	Digest string        `json:"digest"`
	Rules  int           `json:"rules"` // of nftables; one of ours may take several
	Sets   int           `json:"sets"`
	Ranges int           `json:"ranges"` // of addresses in all sets; neighbouring networks are one
	Took   time.Duration `json:"took"`   // with reading back
}

// Counts are packets and bytes.
type Counts struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// RuleState is one rule of a group and what it has admitted: the first packets of connections, since what follows them is
// admitted with them.
type RuleState struct {
	ID   uint16 `json:"id"`
	Name string `json:"name"`
	Out  bool   `json:"out,omitempty"`
	Counts
}

// DropState is what was dropped for one reason.
type DropState struct {
	Out    bool   `json:"out,omitempty"`
	Reason string `json:"reason"` // no_rule, invalid_state
	Counts
}

// SetState is one set of addresses.
type SetState struct {
	Name   string `json:"name"`
	Ranges int    `json:"ranges"`
}

// State is what the kernel has, compared with what it ought to have.
type State struct {
	There  bool        `json:"there"`            // a table of ours
	Digest string      `json:"digest,omitempty"` // of the plan that it was made of
	Rules  []RuleState `json:"rules,omitempty"`
	Drops  []DropState `json:"drops,omitempty"`
	Sets   []SetState  `json:"sets,omitempty"`
	Drift  []string    `json:"drift,omitempty"` // how it differs from the plan, in words; empty where it does not
}

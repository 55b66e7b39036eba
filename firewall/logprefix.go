package firewall

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// LogGroup is the NFLOG group to which the kernel hands copies of what it drops, unless another one is asked for.
const LogGroup uint16 = 5333

// The reasons that a rule in the kernel can know for itself; their codes have "firewall." before them. Others are found
// from the packet: that a group is stale, for one, only the policy knows.
const (
	LogNoRule  = "no_rule"       // no rule allows it
	LogInvalid = "invalid_state" // the connection table knows no connection to which it could belong
)

// LogPrefix is what the kernel writes before the copy of a dropped packet: rt:in:no_rule. The prefix is all that the two
// ends of NFLOG share.
func LogPrefix(out bool, reason string) string {
	if out {
		return "rt:out:" + reason
	}
	return "rt:in:" + reason
}

// ParseLogPrefix reads what [LogPrefix] wrote. ok is false for the prefix of somebody else's rule.
func ParseLogPrefix(s string) (out bool, reason trace.Reason, ok bool) {
	rest, ok := strings.CutPrefix(s, "rt:")
	if !ok {
		return false, trace.None, false
	}
	direction, word, ok := strings.Cut(rest, ":")
	if !ok || (direction != "in" && direction != "out") {
		return false, trace.None, false
	}
	switch word {
	case LogNoRule:
		reason = trace.ReasonOf("firewall.no_rule")
	case LogInvalid:
		reason = trace.ReasonOf("firewall.invalid_state")
	default:
		return false, trace.None, false
	}
	return direction == "out", reason, true
}

package names

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/dns"
)

// counted is how often something has happened.
type counted struct {
	n    uint64
	what string
}

// writeCounts writes what the name server has done since it started.
func writeCounts(out io.Writer, s *dns.Stats) {
	fmt.Fprintf(out, "%s over UDP, %s over TCP since the start", terminal.Count64(s.UDP, "message"), terminal.Count64(s.TCP, "message"))
	if s.Connections > 0 {
		fmt.Fprintf(out, "; %s open", terminal.Count64(s.Connections, "connection"))
	}
	fmt.Fprintln(out)
	var all []counted
	for _, found := range slices.Sorted(maps.Keys(s.Found)) {
		all = append(all, counted{s.Found[found], "answers: " + strings.ReplaceAll(found, "_", " ")})
	}
	for _, code := range slices.Sorted(maps.Keys(s.Rcodes)) {
		if code != "NOERROR" && code != "NXDOMAIN" && code != "REFUSED" { // those are told by how they were found
			all = append(all, counted{s.Rcodes[code], code})
		}
	}
	all = append(all,
		counted{s.Truncated, "truncated: too long for UDP"}, counted{s.Limited, "held back by rate limiting"},
		counted{s.Slipped, "sent without records by rate limiting"}, counted{s.WouldLimit, "rate limiting would have held back (dry_run)"},
		counted{s.Barred, "not admitted by the firewall"}, counted{s.Slow, "signed, or transfers"}, counted{s.Forwarded, "forwarded to other servers"},
		counted{s.Busy, "dropped: too many transfers or forwarded queries at once"}, counted{s.Refused, "connections refused: too many"},
		counted{s.Unsent, "not taken by the system"})
	for _, one := range all {
		if one.n > 0 {
			fmt.Fprintf(out, "  %10d  %s\n", one.n, one.what)
		}
	}
}

package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// judgeNames is the first station: a name becomes an address.
func (s *Sides) judgeNames() Step {
	n := s.Facts.Names
	switch n.Source {
	case Literal:
		return skip(trace.DNS, "dns", "the URL has an address, so no name is looked up")
	case Given:
		return skip(trace.DNS, "dns", addresses(n.Addresses)+" was given with --resolve")
	case Hosts:
		return s.judgeGiven(pass(trace.DNS, "dns", addresses(n.Addresses)+" stands in "+n.Via, n.Took, Here))
	case Localhost:
		return pass(trace.DNS, "dns", addresses(n.Addresses[:1])+", as every name below localhost (RFC 6761)", n.Took, Here)
	case Resolver:
	}
	if n.Real.Has() {
		return s.judgeFound()
	}
	return s.judgeMissing()
}

// probeSeen reports whether our name server was asked for the unique name by whom this machine asks.
func (s *Sides) probeSeen() bool { return s.Saw != nil && len(s.Saw.Queries) > 0 }

// judgeGiven looks whether the hosts file leads elsewhere than the zone does. It stops the request only if that fails.
func (s *Sides) judgeGiven(step Step) Step {
	n := s.Facts.Names
	if s.Begun == nil || s.Begun.Zone == "" || len(s.Begun.Records.Addresses) == 0 || overlap(n.Addresses, s.Begun.Records.Addresses) {
		return step
	}
	text := fmt.Sprintf("%s gives it %s; its zone says %s", n.Via, addresses(n.Addresses), addresses(s.Begun.Records.Addresses))
	if s.strayed() {
		return stop(trace.DNS, "dns", "dns.hosts_file", text, n.Took, Both)
	}
	step.Notes = append(step.Notes, sentence(text))
	return step
}

// judgeFound is a name that has addresses: are they the right ones?
func (s *Sides) judgeFound() Step {
	n := s.Facts.Names
	via := n.Via
	text := addresses(n.Addresses) + ", asked through " + strings.TrimSuffix(via, ":53")
	step := pass(trace.DNS, "dns", text, n.Took, Here)
	step.Notes = s.nameNotes()
	if s.Begun == nil {
		return step
	}
	if s.probeSeen() {
		step.Sentence += ", our log has the probe name"
		step.Side = Both
	}
	code, why, where, evidence := s.wrongAddress()
	if code == "" {
		return step
	}
	if !s.strayed() {
		step.Notes = append(step.Notes, sentence(why))
		return step
	}
	bad := stop(trace.DNS, "dns", code, why, n.Took, step.Side)
	bad.Where, bad.Evidence = where, evidence.String()
	if code == "dns.delegation_mismatch" {
		s.sayDelegation(&bad)
	}
	bad.Notes = append([]string{sentence(text)}, step.Notes...)
	return bad
}

// wrongAddress says what is wrong with the addresses, as far as both sides can tell: "" for nothing.
func (s *Sides) wrongAddress() (code, why, where string, evidence trace.Evidence) {
	n, b := s.Facts.Names, s.Begun
	if b.Zone == "" {
		if b.Site != "" && len(b.Reach) > 0 && !s.anyOurs() {
			return "dns.wrong_address", fmt.Sprintf("%s is none of the addresses at which this server is reached (%s)", addresses(n.Addresses), addresses(b.Reach)), "", trace.Likely
		}
		return "", "", "", trace.Seen
	}
	switch {
	case !overlap(n.Addresses, b.Records.Addresses) && s.probeSeen():
		return "dns.stale_answer", fmt.Sprintf("the resolver still says %s, for %s; the zone says %s", addresses(n.Addresses), ttlText(n.Real.TTL), orElse(addresses(b.Records.Addresses), "nothing")), b.Records.Where, trace.Seen
	case !overlap(n.Addresses, b.Records.Addresses) && b.Probe != "":
		return "dns.delegation_mismatch", fmt.Sprintf("the resolver says %s, and asked another name server than ours; the zone here says %s%s", addresses(n.Addresses), orElse(addresses(b.Records.Addresses), "nothing"), s.parentText()), "", s.parentEvidence()
	case !s.anyOurs() && len(b.Reach) > 0:
		return "dns.wrong_address", fmt.Sprintf("the record leads to %s; this server is reached at %s", addresses(n.Addresses), addresses(b.Reach)), b.Records.Where, trace.Seen
	}
	return "", "", "", trace.Seen
}

func (s *Sides) anyOurs() bool { return slices.ContainsFunc(s.Facts.Names.Addresses, s.ours) }

// strayed reports whether the request did not come to the server: no connection, another one's certificate, or an answer of
// which the server knows nothing.
func (s *Sides) strayed() bool {
	f := s.Facts
	if len(f.Dials) == 0 || s.Saw == nil {
		return false
	}
	last := s.reached()
	switch {
	case last.Failure != None:
		return len(s.Saw.Drops) == 0 || !s.Saw.Drops[0].Exact
	case f.TLS != nil && f.TLS.Reason != "":
		return len(s.Saw.Connections) == 0 && !s.ours(last.To.Addr())
	}
	return s.stranger()
}

// stranger reports whether somebody else answered the request.
func (s *Sides) stranger() bool {
	f := s.Facts
	if s.Saw != nil && slices.ContainsFunc(s.Saw.Connections, func(c Connection) bool { return c.Exact }) {
		return false
	}
	for _, e := range []*Exchange{f.Answer, f.Preflight} {
		if e != nil && e.Failure == None && e.ID != "" {
			return s.view(e) == nil
		}
	}
	return false
}

// judgeMissing is a name without an address.
func (s *Sides) judgeMissing() Step {
	n, b := s.Facts.Names, s.Begun
	via := strings.TrimSuffix(n.Via, ":53")
	side := Here
	if b != nil && b.Zone != "" {
		side = Both
	}
	with := func(code, text, where string, e trace.Evidence) Step {
		step := stop(trace.DNS, "dns", code, text, n.Took, side)
		step.Where, step.Evidence, step.Notes = where, e.String(), s.nameNotes()
		return step
	}
	switch {
	case !n.Real.Answered():
		side = Here
		return with("dns.resolver_failed", fmt.Sprintf("the resolver %s: %s", via, orElse(n.Real.Error, "no answer")), "", trace.Seen)
	case slices.ContainsFunc(n.Real.Extended, aboutSignatures):
		return with("dns.dnssec_bogus", fmt.Sprintf("the resolver %s says: %s", via, strings.Join(n.Real.Extended, "; ")), "", trace.Reported)
	case b == nil || b.Zone == "":
		side = Here
		return with(missingCode(n.Real.Rcode), fmt.Sprintf("the resolver %s says %s", via, rcodeText(n.Real.Rcode)), "", trace.Seen)
	case s.probeSeen() && len(b.Records.Addresses) == 0:
		return with(missingCode(b.Records.Rcode), sentence("the name has no address in the zone "+b.Zone)+" "+b.Records.Why, b.Records.Where, trace.Seen)
	case s.probeSeen():
		return with("dns.stale_answer", fmt.Sprintf("the resolver %s still says %s; the zone has %s", via, rcodeText(n.Real.Rcode), addresses(b.Records.Addresses)), b.Records.Where, trace.Seen)
	case b.Probe == "":
		return with(missingCode(n.Real.Rcode), fmt.Sprintf("the resolver %s says %s; our name server does not run, so its side is not known", via, rcodeText(n.Real.Rcode)), b.Records.Where, trace.Seen)
	case n.Parent != nil && !s.parentDiffers() && !n.Direct.Answered():
		return with("dns.resolver_failed", fmt.Sprintf("the resolver %s can't reach our name server: %s; the zone above names the right servers", via, rcodeText(n.Real.Rcode)), "", trace.Likely)
	}
	text := fmt.Sprintf("the resolver %s says %s, and nobody asked our name server, which has %s, for the probe name%s", via, rcodeText(n.Real.Rcode), b.Zone, s.parentText())
	if len(b.Records.Addresses) == 0 {
		text += "; nor has the zone here an address for it"
	}
	step := with("dns.delegation_mismatch", text, "", s.parentEvidence())
	s.sayDelegation(&step)
	return step
}

// sayDelegation is what to write at the zone above.
func (s *Sides) sayDelegation(step *Step) {
	var lines []string
	for _, ns := range s.Begun.NS {
		lines = append(lines, s.Begun.Zone+". NS "+ns+".")
	}
	if len(lines) > 0 {
		step.Fix = "at the registrar, or in the zone above: " + strings.Join(lines, "; ")
	}
}

// parentDiffers reports whether the zone above names other servers than the zone itself, or none.
func (s *Sides) parentDiffers() bool {
	p := s.Facts.Names.Parent
	if p == nil {
		return false
	}
	return !slices.ContainsFunc(p.Servers, func(ns string) bool { return slices.Contains(s.Begun.NS, ns) })
}

func (s *Sides) parentEvidence() trace.Evidence {
	if s.parentDiffers() {
		return trace.Seen
	}
	return trace.Likely
}

func (s *Sides) parentText() string {
	p := s.Facts.Names.Parent
	if p == nil || !s.parentDiffers() {
		return ""
	}
	above := p.Zone
	if above == "." {
		above = "the root"
	}
	if len(p.Servers) == 0 {
		return fmt.Sprintf("; %s (asked at %s) delegates %s to nobody", above, p.Server, s.Begun.Zone)
	}
	return fmt.Sprintf("; %s (asked at %s) delegates %s to %s, the zone names %s", above, p.Server, s.Begun.Zone, printable(strings.Join(p.Servers, ", ")), strings.Join(s.Begun.NS, ", "))
}

// nameNotes tells what else was seen of the name.
func (s *Sides) nameNotes() []string {
	n := s.Facts.Names
	var notes []string
	if len(n.Real.Aliases) > 0 {
		notes = append(notes, "It is an alias of "+printable(strings.Join(n.Real.Aliases, ", "))+".")
	}
	for _, e := range n.Real.Extended {
		notes = append(notes, "The resolver says besides: "+sentence(e))
	}
	if n.Direct != nil && !n.Direct.Answered() && s.Begun != nil && len(s.Begun.Names) > 0 {
		notes = append(notes, fmt.Sprintf("Our name server at %s: %s.", n.Direct.Server, orElse(n.Direct.Error, "no answer")))
	}
	if s.Begun != nil && s.Begun.Probe != "" && n.Source == Resolver && n.Real.Has() && !s.probeSeen() {
		notes = append(notes, "The probe name did not come to our name server: the resolver asks another one for this zone.")
	}
	return notes
}

func aboutSignatures(e string) bool {
	return strings.Contains(e, "DNSSEC") || strings.Contains(e, "Signature") || strings.Contains(e, "DNSKEY") || strings.Contains(e, "RRSIG") || strings.Contains(e, "NSEC")
}

func missingCode(rcode string) string {
	switch rcode {
	case "NXDOMAIN":
		return "dns.no_name"
	case "NOERROR":
		return "dns.no_data"
	}
	return "dns.resolver_failed"
}

func rcodeText(rcode string) string {
	switch rcode {
	case "NXDOMAIN":
		return "that there is no such name (NXDOMAIN)"
	case "NOERROR":
		return "that the name has no address"
	case "SERVFAIL":
		return "that it could not find out (SERVFAIL)"
	case "REFUSED":
		return "that it does not answer us (REFUSED)"
	}
	return rcode
}

func overlap[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// daysLeft says how long a certificate holds.
func daysLeft(c *Certificate, now time.Time) string {
	days := int(c.NotAfter.Sub(now).Hours() / 24)
	switch {
	case days < 1:
		return "ends today"
	case days == 1:
		return "1 day left"
	}
	return fmt.Sprintf("%d days left", days)
}

package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// judgeDoor is the second station: may this address connect? It is left out where nobody knows.
func (s *Sides) judgeDoor() []Step {
	if s.Begun == nil || s.Saw == nil {
		return nil
	}
	last := s.reached()
	if hop, ok := s.firewallHop(); ok {
		return []Step{s.doorOf(hop)}
	}
	failed := last.Failure != None || s.Facts.TLS != nil && s.Facts.TLS.Failure == Reset
	if failed && len(s.Saw.Drops) > 0 {
		d := s.Saw.Drops[0]
		step := stop(trace.Firewall, "firewall", d.Reason, d.Text, 0, Both)
		step.Evidence, step.Where, step.Fix = d.Evidence, d.Where, orElse(d.Fix, step.Fix)
		return []Step{step}
	}
	door := s.Saw.Door
	switch {
	case door == nil && s.ours(last.To.Addr()):
		return []Step{skip(trace.Firewall, "firewall", "the declaration has no security groups")}
	case door == nil, !s.ours(last.To.Addr()):
		return nil
	case !door.Allowed && failed:
		step := stop(trace.Firewall, "firewall", door.Reason, door.Text, 0, There)
		step.Evidence, step.Where, step.Fix = trace.Likely.String(), door.Where, orElse(door.Fix, step.Fix)
		step.Notes = append(step.Notes, "The rules refuse it; that they did so now was not seen.")
		return []Step{step}
	case !door.Allowed:
		return nil // it came in: a proxy or NAT stands between, and the rules were asked about another address
	}
	step := pass(trace.Firewall, "firewall", orElse(door.Rule, door.Text), 0, There)
	step.Evidence, step.Where = trace.Predicted.String(), door.Where
	return []Step{step}
}

// firewallHop is what the server's record says of the door.
func (s *Sides) firewallHop() (trace.HopView, bool) {
	find := func(v *trace.View) (trace.HopView, bool) {
		if v == nil {
			return trace.HopView{}, false
		}
		i := slices.IndexFunc(v.Hops, func(h trace.HopView) bool { return h.Layer == trace.Firewall.String() })
		if i < 0 {
			return trace.HopView{}, false
		}
		return v.Hops[i], true
	}
	for _, e := range []*Exchange{s.Facts.Answer, s.Facts.Preflight} {
		if h, ok := find(s.view(e)); ok {
			return h, true
		}
	}
	for i := range s.Saw.Connections {
		if h, ok := find(&s.Saw.Connections[i].View); ok && (s.Saw.Connections[i].Exact || h.Verdict != trace.OK.String()) {
			if !s.Saw.Connections[i].Exact {
				h.Evidence = trace.Likely.String()
			}
			return h, true
		}
	}
	return trace.HopView{}, false
}

func (s *Sides) doorOf(h trace.HopView) Step {
	if h.Verdict == trace.OK.String() {
		text := h.Name
		switch {
		case h.Note != "" && text == "groups":
			text = h.Note
		case h.Note != "":
			text += ", " + h.Note
		}
		step := pass(trace.Firewall, "firewall", text, 0, There)
		step.Evidence, step.Where = h.Evidence, h.Where
		return step
	}
	step := stop(trace.Firewall, "firewall", h.Reason, h.Note, 0, Both)
	step.Evidence, step.Where = h.Evidence, h.Where
	if d := s.Saw.Door; d != nil && !d.Allowed {
		step.Sentence, step.Fix, step.Where = orElse(d.Text, step.Sentence), orElse(d.Fix, step.Fix), orElse(step.Where, d.Where)
	}
	return step
}

// judgeConnection is whether TCP came about.
func (s *Sides) judgeConnection(stopped bool) Step {
	d := s.reached()
	notes := s.triedToo()
	if d.Failure == None {
		step := pass(trace.TCP, "tcp", fmt.Sprintf("%d at %s", d.To.Port(), d.To.Addr()), d.Took, Here)
		if len(s.records()) > 0 {
			step.Side = Both
		}
		step.Notes = notes
		return step
	}
	if stopped {
		return Step{
			Layer: trace.TCP.String(), Title: "tcp", Verdict: notReached, Sentence: fmt.Sprintf("%s: %s", d.To, failureText(d.Failure)), MS: millis(d.Took), Side: Here,
			Evidence: trace.Seen.String(), Notes: notes,
		}
	}
	code, text, side, where := s.whyNotConnected(d)
	step := stop(trace.TCP, "tcp", code, text, d.Took, side)
	step.Notes, step.Where = notes, where
	if d.Failure == TimedOut {
		step.Verdict = trace.Timeout.String()
	}
	return step
}

// whyNotConnected separates what looks the same from the client's side.
func (s *Sides) whyNotConnected(d *Dial) (code, text string, side Side, where string) {
	switch here := s.Saw != nil && s.ours(d.To.Addr()); {
	case d.Failure == Unreachable:
		return "connection.unreachable", fmt.Sprintf("there is no way to %s from here: %s", d.To.Addr(), printable(d.Error)), Here, ""
	case d.Failure == Refused && here:
		return s.refused(d)
	case d.Failure == Refused:
		return "connection.refused", fmt.Sprintf("%s refused the connection at once: nothing listens on port %d there, or a firewall rejects it", d.To.Addr(), d.To.Port()), Here, ""
	case d.Failure == TimedOut && s.Begun != nil && s.Begun.Ours:
		return "connection.not_seen", fmt.Sprintf("%s did not answer in %.0f s, and this server saw nothing of it: it was dropped before this machine", d.To, d.Took.Seconds()), Both, ""
	case d.Failure == TimedOut:
		return "connection.timed_out", fmt.Sprintf("%s did not answer in %.0f s", d.To, d.Took.Seconds()), Here, ""
	}
	return "connection.reset", fmt.Sprintf("%s: %s", d.To, printable(d.Error)), Here, ""
}

// refused is a port of the server's own machine that nobody listens on.
func (s *Sides) refused(d *Dial) (code, text string, side Side, where string) {
	var list []string
	loopback := false
	for _, l := range s.Saw.Listens {
		list = append(list, l.String())
		if l.Port() != d.To.Port() {
			continue
		}
		if !takes(l.Addr(), d.To.Addr()) {
			loopback = loopback || l.Addr().IsLoopback() && !d.To.Addr().IsLoopback()
			continue
		}
		return "connection.refused", fmt.Sprintf("%s refused the connection, though the server listens on %s: something between rejects it", d.To, l), Both, ""
	}
	if loopback {
		return "connection.loopback_only", fmt.Sprintf("the server listens on loopback only (%s), and %s is not loopback", strings.Join(list, ", "), d.To.Addr()), Both, ""
	}
	at := fmt.Sprintf("port %d", d.To.Port())
	if slices.ContainsFunc(s.Saw.Listens, func(l netip.AddrPort) bool { return l.Port() == d.To.Port() }) {
		at = d.To.String() // the port is the right one
	}
	return "connection.no_listener", fmt.Sprintf("nothing listens on %s; the server listens on %s", at, orElse(strings.Join(list, ", "), "no port")), Both, ""
}

// takes reports whether a listener takes what comes to an address. One on all addresses of IPv6 has those of IPv4, too.
func takes(listener, to netip.Addr) bool {
	return listener == to || listener.IsUnspecified() && (listener.Is6() || to.Is4())
}

// triedToo tells of the other addresses, which did not take the connection.
func (s *Sides) triedToo() []string {
	var notes []string
	counts := s.reached()
	for i := range s.Facts.Dials {
		if d := &s.Facts.Dials[i]; d != counts {
			notes = append(notes, fmt.Sprintf("%s was tried too: %s after %.0f ms.", d.To, failureText(d.Failure), millis(d.Took)))
		}
	}
	return notes
}

func failureText(f Failure) string {
	switch f {
	case TimedOut:
		return "no answer"
	case Refused:
		return "refused"
	case Unreachable:
		return "no way there"
	case Reset:
		return "closed"
	case None:
		return "connected"
	case Other:
	}
	return "failed"
}

// records are the connections that the server has a journey of.
func (s *Sides) records() []Connection {
	if s.Saw == nil {
		return nil
	}
	if s.view(s.Facts.Answer) != nil || s.view(s.Facts.Preflight) != nil {
		return append([]Connection{{Exact: true}}, s.Saw.Connections...)
	}
	return s.Saw.Connections
}

// judgeTLS is the third station.
func (s *Sides) judgeTLS(stopped bool) Step {
	h := s.Facts.TLS
	switch {
	case h == nil:
		return skip(trace.TLS, "tls", "none: the URL is http, so that everybody on the way can read it")
	case stopped && h.Reason != "":
		return Step{Layer: trace.TLS.String(), Title: "tls", Verdict: notReached, Sentence: printable(h.Error), MS: millis(h.Took), Side: Here, Evidence: trace.Seen.String()}
	case h.Reason == "":
		return s.goodTLS(h)
	}
	code, side := h.Reason, Here
	text := s.tlsText(h)
	step := stop(trace.TLS, "tls", code, text, h.Took, side)
	for _, c := range s.records() {
		theirs := trace.ReasonOf(c.View.Reason)
		if c.View.Layer != trace.TLS.String() || theirs == trace.None {
			continue
		}
		step.Side = Both
		if h.Leaf == nil || theirs.Code() == "tls.certificate_pending" { // we saw no certificate: the server knows better
			step.Reason, step.Flag, step.Fix = theirs.Code(), theirs.Flag(), theirs.Fix()
			step.Sentence = theirs.Text() + s.tlsHint(theirs.Code())
		}
		step.Where = c.View.Where
	}
	if s.Begun != nil {
		switch other := s.otherProgram(); {
		case other != "" && h.Leaf != nil && !h.Leaf.Ours: // the certificate is not of this declaration
			step.Sentence += "; " + other
			step.Fix = "correct the port, or stop the program that has it"
		case step.Reason != "tls.no_tls" && step.Reason != "connection.reset": // it is the port that is another one, not the certificate
			step.Where = orElse(s.Begun.TLSWhere, step.Where)
		}
		if h.Leaf != nil && h.Leaf.Ours && h.Reason == "tls.client_rejected_ca" {
			step.Fix = "roundtrip trust lets this machine trust it; or, for this command alone, --ca " + s.Begun.CA
		}
	}
	return step
}

// otherProgram says that at the address of this server, at that port, somebody else answers; "" where that is not known.
func (s *Sides) otherProgram() string {
	to := s.reached().To
	if s.Saw == nil || len(s.Saw.Listens) == 0 || len(s.records()) > 0 || !s.ours(to.Addr()) || slices.ContainsFunc(s.Saw.Listens, func(l netip.AddrPort) bool { return l.Port() == to.Port() }) {
		return ""
	}
	return fmt.Sprintf("another program answers at port %d, where this server does not listen", to.Port())
}

func (s *Sides) tlsHint(code string) string {
	if code == "tls.no_certificate_for_name" && s.Begun != nil && s.Begun.Near != "" {
		return "; the nearest is " + s.Begun.Near
	}
	return ""
}

func (s *Sides) goodTLS(h *Handshake) Step {
	issuer := h.Leaf.Issuer
	if h.Leaf.Ours {
		issuer = "our own authority"
	}
	text := fmt.Sprintf("name matches, %s, %s trusted here, %s", daysLeft(h.Leaf, h.At), issuer, h.Version)
	if h.ALPN != "" {
		text += " " + h.ALPN
	}
	step := pass(trace.TLS, "tls", text, h.Took, Here)
	if len(s.records()) > 0 {
		step.Side = Both
	}
	return step
}

// tlsText says what is wrong with the certificate, with what is on it.
func (s *Sides) tlsText(h *Handshake) string {
	host := s.Facts.Target.Host
	switch h.Reason {
	case "tls.name_mismatch":
		return fmt.Sprintf("the certificate is for %s, not for %s", clip(h.Leaf.Names), host)
	case "tls.client_rejected_ca":
		if h.Leaf.Ours {
			return fmt.Sprintf("the certificate is one of our own authority (%s), which this machine does not trust", h.Leaf.Issuer)
		}
		return fmt.Sprintf("the certificate was issued by %s, whom this machine does not trust", h.Leaf.Issuer)
	case "tls.certificate_expired", "tls.certificate_not_yet_valid":
		return h.Error
	case "connection.reset":
		return "the connection was closed before the handshake was done"
	}
	return trace.ReasonOf(h.Reason).Text() + ": " + printable(h.Error)
}

// clip shortens a list of names.
func clip(names []string) string {
	const most = 4
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return printable(orElse(text, "no name"))
}

package why

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// judgeBrowser is the decision table of a page that tried it itself. A page learns whether an answer came, and not why none
// did, so that most of it is told by what the server saw.
func (s *Sides) judgeBrowser() []Step {
	f, b := s.Facts, s.Facts.Browser
	if f.Mixed && !s.arrived() {
		return append(s.judgePage(), Step{Layer: trace.App.String(), Title: "request", Verdict: notSent, Sentence: "not sent: browsers stop it before they look the name up", Side: Nobody, Evidence: trace.Predicted.String()})
	}
	steps := []Step{s.browserNames()}
	steps = append(steps, s.browserDoor()...)
	steps = append(steps, s.browserConnection(refusedAt(steps))...)
	if refusedAt(steps) {
		return append(steps, Step{Layer: trace.App.String(), Title: "request", Verdict: notReached, Sentence: "not reached", Side: Nobody, Evidence: trace.Seen.String()})
	}
	if f.Preflight != nil {
		steps = append(steps, s.browserPreflight())
	}
	switch {
	case f.Answer != nil:
		steps = append(steps, s.browserAnswer()...)
	case refusedAt(steps):
		steps = append(steps, Step{Layer: trace.App.String(), Title: "request", Verdict: notSent, Sentence: "not sent, as the browser stopped at the preflight", Side: Nobody, Evidence: trace.Likely.String()})
	}
	if last := s.browserReading(steps); last != nil {
		steps = append(steps, *last)
	}
	if b.CORS.Redirected != "" {
		steps[len(steps)-1].Notes = append(steps[len(steps)-1].Notes, "It was redirected to "+b.CORS.Redirected+".")
	}
	return steps
}

// browserAnswer is the request and the server's stations. They are as certain as it is that the record is of this request.
func (s *Sides) browserAnswer() []Step {
	e := s.Facts.Answer
	steps := append([]Step{s.judgeStatus(e)}, s.stations(s.view(e), problem(e))...)
	for i := range steps {
		if steps[i].Side != Here && steps[i].Evidence == trace.Seen.String() {
			steps[i].Evidence = s.evidence()
		}
	}
	return steps
}

// arrived reports whether a request of the page came to a server.
func (s *Sides) arrived() bool {
	return s.Facts.Browser.answered() || len(s.Saw.Requests) > 0
}

// local reports whether browsers take the name for their own machine without asking (RFC 6761 section 6.3).
func local(host string) bool { return host == "localhost" || strings.HasSuffix(host, ".localhost") }

// browserNames is the name, as far as the browser's side of it shows.
func (s *Sides) browserNames() Step {
	f, b := s.Facts, s.Begun
	_, literal := f.Target.Addr()
	switch {
	case literal:
		return skip(trace.DNS, "dns", "the URL has an address, so no name is looked up")
	case local(f.Target.Host):
		return skip(trace.DNS, "dns", "browsers take every name below localhost for their own machine and ask nobody (RFC 6761)")
	case s.arrived():
		return s.browserFound()
	case b.Zone == "" || b.Probe == "" || !f.Browser.Probed:
		return Step{Layer: trace.DNS.String(), Title: "dns", Verdict: unknown, Sentence: "whether the browser found an address is not known: it does not tell pages", Side: Nobody, Evidence: trace.Hint.String()}
	case s.probeSeen() && len(b.Records.Addresses) == 0:
		step := stop(trace.DNS, "dns", missingCode(b.Records.Rcode), sentence("the name has no address in the zone "+b.Zone)+" "+b.Records.Why, 0, There)
		step.Where = b.Records.Where
		return step
	case s.probeSeen() && len(b.Reach) > 0 && !slices.ContainsFunc(b.Records.Addresses, s.ours):
		step := stop(trace.DNS, "dns", "dns.wrong_address", fmt.Sprintf("the record leads to %s; this server is reached at %s", addresses(b.Records.Addresses), addresses(b.Reach)), 0, There)
		step.Where, step.Evidence = b.Records.Where, trace.Likely.String()
		return step
	case s.probeSeen():
		step := pass(trace.DNS, "dns", "the zone says "+addresses(b.Records.Addresses), 0, There)
		step.Where, step.Notes = b.Records.Where, s.resolverNotes()
		return step
	case len(s.Saw.Drops) > 0 || len(s.Saw.Connections) > 0:
		return pass(trace.DNS, "dns", "something of the browser's address came here", 0, There)
	}
	step := stop(trace.DNS, "dns", "dns.delegation_mismatch", fmt.Sprintf("there was no answer, and nobody asked our name server, which has %s, for the probe name: the browser's resolver asks another one, or none", b.Zone), 0, Both)
	step.Evidence = trace.Likely.String()
	s.sayDelegation(&step)
	return step
}

// browserFound is a name that led to something that answers.
func (s *Sides) browserFound() Step {
	f, b := s.Facts, s.Begun
	var ms float64
	if f.Browser.Timing != nil {
		ms = f.Browser.Timing.DNS
	}
	step := pass(trace.DNS, "dns", "the browser has an address", took(ms), Here)
	step.Notes = s.resolverNotes()
	switch {
	case len(s.Saw.Requests) > 0:
		step.Sentence, step.Side = "the name led the browser to this server", Both
		step.Evidence = s.evidence()
	case b.Site != "" && f.Browser.CORS.OK && f.Browser.CORS.Journey == "":
		bad := stop(trace.DNS, "dns", "dns.wrong_address", fmt.Sprintf("another server answered (%s): the answer has no X-Journey, and this server no record of the request", statusText(f.Browser.CORS.Status)), took(ms), Both)
		bad.Evidence, bad.Notes = trace.Likely.String(), step.Notes
		return bad
	}
	return step
}

// resolverNotes says whom the browser asks for names, where the probe showed it.
func (s *Sides) resolverNotes() []string {
	if !s.probeSeen() {
		return nil
	}
	return []string{"The browser's resolver asked our name server for the probe name, from " + orElse(s.Saw.Queries[0].Client, "an address that is not told") + "."}
}

// evidence is how certain it is that the server's records are of this page's requests.
func (s *Sides) evidence() string {
	if s.Facts.exact {
		return trace.Seen.String()
	}
	return trace.Likely.String()
}

// browserDoor is what the security groups say of the browser's address. Its port is not known to a page.
func (s *Sides) browserDoor() []Step {
	door := s.Saw.Door
	if hop, ok := s.firewallHop(); ok {
		return []Step{s.doorOf(hop)}
	}
	switch {
	case !s.Begun.Ours:
		return nil
	case !s.arrived() && len(s.Saw.Drops) > 0:
		d := s.Saw.Drops[0]
		step := stop(trace.Firewall, "firewall", d.Reason, d.Text, 0, There)
		step.Evidence, step.Where, step.Fix = trace.Likely.String(), d.Where, orElse(d.Fix, step.Fix)
		step.Notes = []string{"A packet from the browser's address to this port was dropped meanwhile."}
		return []Step{step}
	case door == nil:
		return []Step{skip(trace.Firewall, "firewall", "the declaration has no security groups")}
	case door.Allowed:
		step := pass(trace.Firewall, "firewall", orElse(door.Rule, door.Text), 0, There)
		step.Evidence, step.Where = trace.Predicted.String(), door.Where
		return []Step{step}
	case s.arrived():
		return nil // by another address than the page came from
	}
	step := stop(trace.Firewall, "firewall", door.Reason, door.Text, 0, There)
	step.Evidence, step.Where, step.Fix = trace.Likely.String(), door.Where, orElse(door.Fix, step.Fix)
	step.Notes = []string{"The rules refuse the browser's address; that they did so now was not seen."}
	return []Step{step}
}

// browserConnection is the connection and TLS.
func (s *Sides) browserConnection(stopped bool) []Step {
	f := s.Facts
	if s.arrived() {
		return s.browserConnected()
	}
	none := func(l trace.Layer) Step {
		return Step{Layer: l.String(), Title: l.String(), Verdict: notReached, Sentence: "not reached", Side: Nobody, Evidence: trace.Seen.String()}
	}
	var steps []Step
	for _, c := range s.Saw.Connections {
		r, layer := trace.ReasonOf(c.View.Reason), layerOf(c.View.Layer)
		if stopped || r == trace.None || layer != trace.TLS && layer != trace.TCP {
			continue
		}
		if layer == trace.TLS {
			came := pass(trace.TCP, "tcp", fmt.Sprintf("a connection from the browser's address came to port %d", f.Target.Port), 0, There)
			came.Evidence = trace.Likely.String()
			steps = append(steps, came)
		}
		step := stop(layer, layer.String(), r.Code(), r.Text()+s.tlsHint(r.Code()), 0, Both)
		step.Evidence, step.Where = trace.Likely.String(), c.View.Where
		if layer == trace.TLS {
			step.Where = orElse(step.Where, s.Begun.TLSWhere)
		}
		return append(steps, step)
	}
	if steps = []Step{none(trace.TCP)}; !stopped {
		steps[0] = s.browserSilence()
	}
	if f.Target.Secure {
		steps = append(steps, none(trace.TLS))
	}
	return steps
}

// browserConnected is a connection over which an answer came.
func (s *Sides) browserConnected() []Step {
	f := s.Facts
	t := f.Browser.Timing
	if t == nil {
		t = &BrowserTiming{}
	}
	side := Here
	if f.exact {
		side = Both
	}
	steps := []Step{pass(trace.TCP, "tcp", fmt.Sprintf("port %d answers", f.Target.Port), took(max(0, t.Connect-t.TLS)), side)}
	if !f.Target.Secure {
		return append(steps, skip(trace.TLS, "tls", "none: the URL is http, so that everybody on the way can read it"))
	}
	text := "the browser took the certificate"
	if t.Protocol != "" {
		text += ", " + t.Protocol
	}
	return append(steps, pass(trace.TLS, "tls", text, took(t.TLS), side))
}

// browserSilence is a request to which nothing answered, and of which the server saw nothing.
func (s *Sides) browserSilence() Step {
	f, b := s.Facts, s.Begun
	mine := b.Site != "" || b.Zone != "" || isLoopbackName(f.Target.Host)
	if mine && len(s.Saw.Listens) > 0 {
		var list []string
		there := false
		for _, l := range s.Saw.Listens {
			list = append(list, l.String())
			there = there || l.Port() == f.Target.Port
		}
		if !there {
			step := stop(trace.TCP, "tcp", "connection.no_listener", fmt.Sprintf("nothing answers on port %d; the server listens on %s", f.Target.Port, strings.Join(list, ", ")), took(f.Browser.CORS.MS), Both)
			step.Evidence = trace.Likely.String()
			return step
		}
	}
	text := "no answer came, and the browser does not tell pages why: the name, the connection or the certificate"
	if f.Browser.CORS.Late {
		text = fmt.Sprintf("no answer came in %.0f s, and the browser does not tell pages why", (time.Duration(f.Browser.CORS.MS) * time.Millisecond).Seconds())
	}
	if b.Ours {
		text += "; this server saw nothing of it"
	}
	step := stop(trace.TCP, "tcp", "client.connect_failed", text, took(f.Browser.CORS.MS), Here)
	step.Verdict = trace.Fail.String()
	return step
}

// browserPreflight is the browser's question, of which only the server has seen the answer.
func (s *Sides) browserPreflight() Step {
	f := s.Facts
	e := f.Preflight
	v := s.view(e)
	if v.Reason != "" {
		step := stop(trace.CORS, "preflight", v.Reason, "", 0, Both)
		step.Notes = []string{stops}
		s.sayRefusal(&step, v, e, f.asked)
		step.Evidence = s.evidenceOfPreflight()
		return step
	}
	if e.Status < 200 || e.Status > 299 {
		step := stop(trace.CORS, "preflight", "cors.preflight_refused", "the preflight was answered with "+statusText(e.Status)+"; a browser wants 200 to 299", 0, Both)
		step.Evidence, step.Where, step.Notes = s.evidenceOfPreflight(), v.Where, []string{stops}
		return step
	}
	if f.Answer == nil {
		step := stop(trace.CORS, "preflight", "cors.preflight_refused", "the preflight was answered with "+statusText(e.Status)+", and the browser did not go on: the answer allows less than it asked for", 0, Both)
		step.Evidence, step.Notes = s.evidenceOfPreflight(), []string{stops}
		return step
	}
	step := pass(trace.CORS, "preflight", "the preflight allows "+f.Method+" to pages of "+f.Origin, 0, There)
	step.Evidence = s.evidenceOfPreflight()
	if h := corsHop(v); h != nil {
		step.Where = h.Where
	}
	return step
}

// evidenceOfPreflight is always that of a record which was found by address, path and time: no page sees a preflight.
func (s *Sides) evidenceOfPreflight() string { return trace.Likely.String() }

// browserReading is the browser's last word: may the page have the answer? nil: nothing is to be said besides.
func (s *Sides) browserReading(steps []Step) *Step {
	f, b := s.Facts, s.Facts.Browser
	foreign := !f.Target.Same(f.Origin)
	if b.CORS.OK {
		if !foreign {
			return nil
		}
		step := pass(trace.CORS, "cors", "pages of "+f.Origin+" may have the answer", 0, Here)
		return &step
	}
	if f.Answer == nil && refusedAt(steps) {
		return nil
	}
	if !foreign {
		step := stop(trace.Client, "browser", "client.bad_answer", "an answer came, and the browser could not take it: it broke off, or led to another origin", 0, Here)
		step.Verdict, step.Evidence = trace.Fail.String(), trace.Likely.String()
		return &step
	}
	step := stop(trace.CORS, "cors", "cors.origin_not_allowed", "something answers, and the browser does not let pages of "+f.Origin+" have it", 0, Here)
	step.Notes = []string{"Which line of the answer is wrong or missing, browsers do not tell pages: roundtrip why " + f.Target.Shown + " --origin " + f.Origin + " shows it. " + stops}
	if step.Evidence = trace.Likely.String(); f.Answer == nil {
		if s.Begun.Site != "" {
			step.Notes = append(step.Notes, "This server has no record of it from the browser's address: another server answered, or it came by another address.")
		}
		return &step
	}
	h := corsHop(s.view(f.Answer))
	if h == nil || h.Reason == "" {
		return &step
	}
	r := trace.ReasonOf(h.Reason)
	step.Reason, step.Flag, step.Fix, step.Sentence, step.Where, step.Side = r.Code(), r.Flag(), r.Fix(), r.Text(), h.Where, Both
	s.sayRule(&step, f.asked)
	step.Notes = []string{"The request was carried out; the page is not told. " + stops}
	if f.Method == http.MethodGet {
		step.Notes[0] = stops
	}
	return &step
}

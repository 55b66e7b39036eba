package why

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// judgePage is what a browser decides by itself.
func (s *Sides) judgePage() []Step {
	f := s.Facts
	if !f.Mixed {
		return nil
	}
	step := stop(trace.Client, "browser", "client.mixed_content", "the page is of "+f.Origin+", and browsers let no page of https call http", 0, Here)
	step.Evidence = trace.Predicted.String()
	return []Step{step}
}

// stops is what a script learns of a refusal by the browser.
const stops = `A browser stops here and tells the script only "Failed to fetch".`

// judgePreflight is the question that a browser asks beforehand.
func (s *Sides) judgePreflight() Step {
	f := s.Facts
	e := f.Preflight
	if e.Failure != None {
		step := s.broken(e, "preflight")
		step.Layer = trace.CORS.String()
		return step
	}
	asked := listed(e.Sent["Access-Control-Request-Headers"])
	j := judgePreflight(e, f.Origin, f.Method, asked, f.Credentials)
	side := Here
	v := s.view(e)
	if v != nil {
		side = Both
	}
	if j.reason == "" {
		step := pass(trace.CORS, "preflight", j.sentence, e.Took, side)
		step.Notes = j.notes
		if h := corsHop(v); h != nil {
			step.Where = h.Where
		}
		return step
	}
	step := stop(trace.CORS, "preflight", j.reason, j.sentence, e.Took, side)
	step.Notes = append(step.Notes, stops)
	if v == nil || v.Reason == "" {
		step.Sentence += problemText(e)
		return step
	}
	s.sayRefusal(&step, v, e, asked)
	return step
}

// sayRefusal says what the server's record has of a preflight that was refused.
func (s *Sides) sayRefusal(step *Step, v *trace.View, e *Exchange, asked []string) {
	r := trace.ReasonOf(v.Reason)
	if !strings.HasPrefix(v.Reason, "cors.") { // another station refused it
		step.Layer, step.Title = v.Layer, v.Layer
		step.Sentence = "the preflight was refused: " + r.Text() + problemText(e)
	}
	step.Reason, step.Flag, step.Fix, step.Where = r.Code(), r.Flag(), r.Fix(), v.Where
	s.sayRule(step, asked)
}

// sayRule puts a refusal by the site's own rule into words, with the line that would allow it.
func (s *Sides) sayRule(step *Step, asked []string) {
	f, rule := s.Facts, &CORS{}
	if s.Begun.CORS != nil {
		rule = s.Begun.CORS
	}
	list := func(words []string) string { return "[" + strings.Join(words, ", ") + "]" }
	switch step.Reason {
	case "cors.origin_not_allowed":
		step.Sentence = "pages of " + f.Origin + " may not call this site"
		if len(rule.Origins) > 0 {
			step.Fix = "origins: " + list(append(slices.Clone(rule.Origins), f.Origin))
		}
	case "cors.method_not_allowed":
		step.Sentence = f.Method + " is not among the allowed methods (" + strings.Join(rule.Methods, ", ") + ")"
		step.Fix = "methods: " + list(append(slices.Clone(rule.Methods), f.Method))
	case "cors.header_not_allowed":
		var missing []string
		for _, name := range asked {
			if !slices.ContainsFunc(rule.Headers, func(h string) bool { return strings.EqualFold(h, name) }) {
				missing = append(missing, name)
			}
		}
		step.Sentence = "the header " + strings.Join(missing, ", ") + " is not among the allowed ones (" + orElse(strings.Join(rule.Headers, ", "), "none") + ")"
		step.Fix = "headers: " + list(append(slices.Clone(rule.Headers), missing...))
	}
}

// corsHop is what the gate's rule for pages of other origins last did.
func corsHop(v *trace.View) *trace.HopView {
	if v == nil {
		return nil
	}
	for i := len(v.Hops) - 1; i >= 0; i-- {
		if v.Hops[i].Layer == trace.CORS.String() {
			return &v.Hops[i]
		}
	}
	return nil
}

// broken is an exchange that came to no answer.
func (s *Sides) broken(e *Exchange, title string) Step {
	code, text := e.Reason, "there was no answer: "+e.Error
	switch {
	case code != "":
		text = trace.ReasonOf(code).Text()
	case e.Failure == TimedOut:
		code, text = "app.deadline", fmt.Sprintf("no answer came in %.1f s", e.Took.Seconds())
	default:
		code = "connection.reset"
	}
	layer := trace.App
	switch {
	case strings.HasPrefix(code, "tls."):
		layer = trace.TLS
	case strings.HasPrefix(code, "connection."):
		layer = trace.TCP
	}
	step := stop(layer, title, code, text, e.Took, Here)
	for _, c := range s.records() {
		if theirs := trace.ReasonOf(c.View.Reason); theirs != trace.None && c.View.Layer == layer.String() {
			step.Side, step.Reason, step.Flag, step.Fix, step.Sentence, step.Where = Both, theirs.Code(), theirs.Flag(), theirs.Fix(), theirs.Text(), c.View.Where
		}
	}
	if s.Begun != nil && strings.HasPrefix(step.Reason, "tls.") {
		step.Where = orElse(step.Where, s.Begun.TLSWhere)
	}
	return step
}

// judgeAnswer is the request itself: what came back, what the server's stations did, and whether the page may have it.
func (s *Sides) judgeAnswer() []Step {
	f := s.Facts
	e := f.Answer
	if e.Failure != None && e.Status == 0 && s.view(e) == nil {
		return []Step{s.broken(e, s.requestTitle())}
	}
	if s.Begun != nil && s.Begun.Ours && s.stranger() {
		return []Step{s.somebodyElse(e)}
	}
	steps := append([]Step{s.judgeStatus(e)}, s.stations(s.view(e), problem(e))...)
	if f.Origin != "" && !f.Target.Same(f.Origin) && !f.Target.Socket {
		steps = append(steps, s.judgeReading(e, refusedAt(steps)))
	}
	return steps
}

// somebodyElse is an answer of which the server has no record.
func (s *Sides) somebodyElse(e *Exchange) Step {
	to := s.reached().To
	text := fmt.Sprintf("%s answered %s, and it was not this server: that has no record of the request", to, statusText(e.Status))
	code := "dns.wrong_address"
	if s.ours(to.Addr()) {
		var list []string
		for _, l := range s.Saw.Listens {
			list = append(list, l.String())
		}
		text += fmt.Sprintf("; another program of this machine listens on port %d (this server listens on %s), or a proxy answers by itself", to.Port(), strings.Join(list, ", "))
		code = "connection.no_listener"
	}
	step := stop(trace.TCP, s.requestTitle(), code, text, e.Took, Both)
	if code == "dns.wrong_address" {
		step.Layer = trace.DNS.String()
	}
	step.Evidence = trace.Likely.String()
	if by := e.Header.Get("Server"); by != "" {
		step.Notes = append(step.Notes, "The answer says that it is of "+printable(by)+".")
	}
	return step
}

// judgeStatus is the request's own step. Which station refused it is told by the next ones, where the server knows.
func (s *Sides) judgeStatus(e *Exchange) Step {
	v := s.view(e)
	side := Here
	if v != nil {
		side = Both
	}
	if e.Call != nil && e.Status == http.StatusOK {
		return s.judgeCall(e, side)
	}
	text := statusText(e.Status)
	if e.Proto != "" {
		text += ", " + e.Proto
	}
	good := e.Status > 0 && e.Status < 400
	if s.Facts.Target.Socket {
		good = e.Status == http.StatusSwitchingProtocols
	}
	if good || v != nil && v.Decided >= 0 {
		step := pass(trace.App, s.requestTitle(), text, e.Took, side)
		step.Notes = s.Facts.Withheld
		if e.Status >= 300 && e.Status < 400 && e.Status != http.StatusNotModified && e.Header.Get("Location") != "" {
			step.Notes = append(step.Notes, "It is a redirect to "+printable(e.Header.Get("Location"))+": a browser goes on there. Ask why of that address.")
		}
		if !good {
			step.Sentence = "answered " + text
		}
		return step
	}
	code, layer := "app.error_status", trace.App
	if s.Facts.Target.Socket {
		code, layer = "stream.upgrade_refused", trace.Stream
	}
	said := problem(e)
	if r := trace.ReasonOf(said.Reason); said.Reason != "" && r.Code() == said.Reason { // another Roundtrip says why
		code = said.Reason
		layer = reasonLayer(code)
	}
	for _, c := range s.records() { // it was answered before it was a request
		if r := trace.ReasonOf(c.View.Reason); v == nil && c.Exact && r != trace.None {
			step := stop(layerOf(c.View.Layer), s.requestTitle(), r.Code(), r.Text(), e.Took, Both)
			step.Notes = []string{"It was answered " + text + "."}
			return step
		}
	}
	step := stop(layer, s.requestTitle(), code, "the server answered "+text+problemText(e), e.Took, side)
	if s.Facts.Target.Socket {
		step.Sentence = "the server answered " + statusText(e.Status) + " instead of 101 Switching Protocols" + problemText(e)
	}
	step.Notes = s.Facts.Withheld
	if e.Status >= 500 {
		step.Verdict = trace.Fail.String()
	}
	if v != nil {
		step.Where = v.Where
		if r := trace.ReasonOf(v.Reason); r != trace.None {
			step.Reason, step.Flag, step.Fix = r.Code(), r.Flag(), r.Fix()
		}
	}
	return step
}

// said is what a problem (RFC 9457) tells.
type said struct {
	Reason, Detail, Title string
}

func problem(e *Exchange) said {
	var p said
	if strings.HasPrefix(e.Header.Get("Content-Type"), "application/problem+json") {
		_ = json.Unmarshal(e.Body, &p) // what is no problem after all says nothing
	}
	return p
}

func problemText(e *Exchange) string {
	if text := orElse(problem(e).Detail, problem(e).Title); text != "" {
		return ": " + printable(text)
	}
	return ""
}

// reasonLayer is the station of a code's first word.
func reasonLayer(code string) trace.Layer {
	word, _, _ := strings.Cut(code, ".")
	switch word {
	case "connection":
		return trace.TCP
	case "request", "route":
		return trace.Route
	case "store":
		return trace.SQL
	case "file":
		return trace.Files
	case "ws":
		return trace.Stream
	}
	if l := layerOf(word); l != 0 {
		return l
	}
	return trace.App
}

// judgeReading is the browser's last word: may the page have the answer?
func (s *Sides) judgeReading(e *Exchange, failed bool) Step {
	f := s.Facts
	j := judgeOrigin(e.Header, f.Origin, f.Credentials)
	side := Here
	v := s.view(e)
	where := ""
	if h := corsHop(v); h != nil {
		side, where = Both, h.Where
	}
	if j.reason == "" {
		step := pass(trace.CORS, "cors", j.sentence, 0, side)
		if f.Simple != "" {
			step.Sentence += " (" + f.Simple + ")"
		}
		step.Notes, step.Where = j.notes, where
		return step
	}
	code := j.reason
	if e.Status >= 400 && code == "cors.origin_not_allowed" && f.Preflight != nil { // the preflight allowed it, so the error alone lacks the headers
		code = "cors.error_without_headers"
	}
	step := stop(trace.CORS, "cors", code, j.sentence, 0, side)
	step.Where = where
	if failed {
		step.Notes = append(step.Notes, stops, "So the page does not learn why the request was refused, either.")
	} else {
		step.Notes = append(step.Notes, "The request was carried out; the page is not told. "+stops)
	}
	return step
}

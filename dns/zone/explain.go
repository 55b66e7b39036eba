package zone

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// Explanation says how a name is answered, and why so.
type Explanation struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Rcode string `json:"rcode"` // NOERROR, NXDOMAIN, REFUSED or YXDOMAIN
	Steps []Step `json:"steps"` // one for each name that was looked for: more than one where aliases lead on
	Why   string `json:"why"`   // in a sentence

	Answer     []string `json:"answer,omitempty"` // records, as in a zone file
	Authority  []string `json:"authority,omitempty"`
	Additional []string `json:"additional,omitempty"`
}

// Step is how one name was looked for (RFC 1034 section 4.3.2).
type Step struct {
	Name     string   `json:"name"`
	Zone     string   `json:"zone,omitempty"`     // the closest zone of ours around the name, "" for none
	Encloser string   `json:"encloser,omitempty"` // the longest end of the name that is there, "" if the name itself is
	Wildcard string   `json:"wildcard,omitempty"` // the * that was considered, "" if none was
	Stands   bool     `json:"stands,omitempty"`   // whether that * is there, and stands for the name
	Cut      string   `json:"cut,omitempty"`      // the delegation or DNAME that takes over
	Types    []string `json:"types,omitempty"`    // the types that the name, or the * for it, has
	From     string   `json:"from,omitempty"`     // where the records stand, or what they follow from
	Result   string   `json:"result"`             // what came of it
}

// Explain says how a name is answered, and why so. name may have a dot at its end.
func (s *Set) Explain(name string, typ uint16) Explanation {
	e := Explanation{Name: strings.TrimSuffix(name, "."), Type: typeName(typ), Rcode: "FORMERR"}
	key, ok := wireName(name)
	if !ok {
		e.Why = "This is no name: labels have at most 63 characters, and a name 253."
		return e
	}
	q := &message.Query{Name: key, Type: typ, Class: dns.ClassINET}
	q.Question = append(append([]byte{}, key...), byte(typ>>8), byte(typ), 0, byte(dns.ClassINET))
	lower(key)
	q.Key, q.Labels = key, starts(key, q.Starts[:])
	b, r := s.Answer(message.AppendQuestion(nil, q), q, 1<<16-1)
	message.PutHeader(b, q, r, false)
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		e.Why = "The answer can't be read: " + err.Error()
		return e
	}
	e.Rcode = dns.RcodeToString[int(r.Rcode)]
	e.Answer, e.Authority, e.Additional = show(m.Answer), show(m.Ns), show(m.Extra)
	e.Steps = append(e.Steps, s.explainStep(key, typ))
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && typ != dns.TypeCNAME && typ != dns.TypeANY {
			if to, ok := wireName(c.Target); ok {
				lower(to)
				e.Steps = append(e.Steps, s.explainStep(to, typ))
			}
		}
	}
	e.Why = why(r, e)
	if last := e.Steps[len(e.Steps)-1]; r.Rcode == dns.RcodeNameError && last.Zone != "" {
		if key, ok := wireName(last.Name + "." + last.Zone); ok {
			lower(key)
			if twice := s.explainStep(key, typ); twice.Encloser == "" && twice.Zone == last.Zone {
				e.Why += fmt.Sprintf(" But %s is there: its line lacks the dot at the end of the name.", twice.Name)
			}
		}
	}
	return e
}

func show(rrs []dns.RR) []string {
	out := make([]string, len(rrs))
	for i, rr := range rrs {
		h := rr.Header()
		out[i] = fmt.Sprintf("%s %d %s %s", h.Name, h.Ttl, typeName(h.Rrtype), dataOf(rr))
	}
	return out
}

// explainStep looks for a name as an answer does.
func (s *Set) explainStep(key []byte, typ uint16) Step {
	var at [message.LabelsMax]uint8
	n := starts(key, at[:])
	step := Step{Name: plain(key)}
	z := s.closest(key, at[:n], typ)
	if z == nil {
		step.Result = "no zone of ours has this name"
		return step
	}
	step.Zone = z.name
	p := z.seek(key, at[:n])
	found := p.node
	if !p.exact {
		step.Encloser = plain(z.wireOf(p.node))
		step.Wildcard = "*." + step.Encloser
		step.Stands = p.wildcard != nil
		found = p.wildcard
	}
	switch {
	case p.delegation(typ):
		step.Cut, step.Wildcard = plain(z.wireOf(p.cut)), ""
		step.From = z.whence(p.cut, dns.TypeNS)
		step.Result = step.Cut + " is delegated: its name servers know"
		return step
	case p.cut != nil && p.cut.flags&delegates == 0:
		step.Cut, step.Wildcard = plain(z.wireOf(p.cut)), ""
		step.From = z.whence(p.cut, dns.TypeDNAME)
		step.Result = "the DNAME record of " + step.Cut + " moves all names below it"
		return step
	case found == nil:
		step.Result = fmt.Sprintf("the name is not there, and neither is %s", step.Wildcard)
		return step
	}
	for _, o := range z.setsOf(found) {
		step.Types = append(step.Types, typeName(o.typ))
	}
	switch {
	case z.set(found, typ) != nil:
		step.From, step.Result = z.whence(found, typ), "it has "+typeName(typ)+" records"
	case found.flags&aliased != 0:
		step.From, step.Result = z.whence(found, dns.TypeCNAME), "it is an alias"
	case found.count == 0:
		step.Result = "it is there only because of names below it, and has no records"
	case typ == dns.TypeANY:
		step.Result = "of ANY one set is given (RFC 8482)"
	default:
		step.Result = "it has no " + typeName(typ) + " records"
	}
	return step
}

// whence says where a set of a node comes from.
func (z *Zone) whence(n *node, typ uint16) string {
	s := z.set(n, typ)
	if s == nil {
		return ""
	}
	if note := z.note(s); note != "" {
		return strings.TrimPrefix(note, "from ")
	}
	return fmt.Sprintf("%s:%d", z.files[s.file], s.line)
}

// why puts the result into a sentence.
func why(r message.Result, e Explanation) string {
	first, last := e.Steps[0], e.Steps[len(e.Steps)-1]
	through := ""
	if len(e.Steps) > 1 {
		through = fmt.Sprintf("%s leads to %s. ", first.Name, last.Name)
	}
	switch r.Found {
	case message.Refused:
		return "No zone of ours has this name, so the question is refused. What we do not know we do not look up."
	case message.ChainOut:
		return through + "That is in no zone of ours: whoever asks goes on there by itself."
	case message.ChainLoop:
		return "The aliases lead back to where they came from, or on and on: they are given once, and nothing else."
	case message.TooLong:
		return "The DNAME record of " + last.Cut + " makes this name longer than a name may be."
	case message.Delegation:
		return last.Cut + " is delegated, so only its name servers know. The answer names them."
	case message.Minimal:
		return "Of ANY one set is given (RFC 8482)."
	case message.Data, message.NoData, message.Empty, message.NoName, message.Chain:
	}
	switch {
	case last.Cut != "" && r.Authorities > 0 && r.Answers > 0:
		return through + last.Cut + " is delegated, so its name servers are named."
	case last.Cut != "":
		return through + last.Result + "."
	case r.Rcode == dns.RcodeNameError:
		return through + fmt.Sprintf("There is no %s: the longest end of it that is there is %s, and it has no %s.", last.Name, last.Encloser, last.Wildcard)
	case last.Stands && r.Answers > 0 && r.Authorities == 0:
		return through + fmt.Sprintf("%s is not there, so %s stands for it.", last.Name, last.Wildcard)
	case last.Stands:
		return through + fmt.Sprintf("%s is not there; %s stands for it, and has no %s records (it has %s).", last.Name, last.Wildcard, e.Type, words(last.Types))
	case len(last.Types) == 0:
		return through + fmt.Sprintf("%s is there only because there are names below it. A name that is there is not stood for by a *.", last.Name)
	case r.Authorities > 0:
		return through + fmt.Sprintf("%s is there, and has no %s records (it has %s).", last.Name, e.Type, words(last.Types))
	}
	return through + fmt.Sprintf("%s has %s records.", last.Name, e.Type)
}

func words(types []string) string {
	if len(types) == 0 {
		return "none"
	}
	return strings.Join(types, ", ")
}

// String returns the explanation for a terminal of 80 columns.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n%s\n", e.Name, e.Type, e.Rcode, wrap(e.Why, "", 80))
	for _, s := range e.Steps {
		fmt.Fprintf(&b, "\n%s\n", s.Name)
		line := func(what, value string) {
			if value != "" {
				fmt.Fprintf(&b, "  %-17s %s\n", what, wrap(value, strings.Repeat(" ", 20), 60))
			}
		}
		line("zone", s.Zone)
		line("closest encloser", s.Encloser)
		if s.Wildcard != "" {
			line("wildcard", s.Wildcard+map[bool]string{true: " stands for it", false: " is not there"}[s.Stands])
		}
		line("types", strings.Join(s.Types, ", "))
		line("from", s.From)
		line("result", s.Result)
	}
	for _, section := range []struct {
		name    string
		records []string
	}{{"answer", e.Answer}, {"authority", e.Authority}, {"additional", e.Additional}} {
		if len(section.records) > 0 {
			fmt.Fprintf(&b, "\n%s\n  %s\n", section.name, strings.Join(section.records, "\n  "))
		}
	}
	return b.String()
}

// wrap breaks a text into lines.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteString("\n" + indent)
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

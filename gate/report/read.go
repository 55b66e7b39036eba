package report

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// delivered is one report as browsers write it (Reporting API, section 3.6).
type delivered struct {
	Type string
	Age  float64 // milliseconds
	URL  string
	Body struct {
		// Of a network error; NEL, section 5.
		Type            string
		Phase           string
		ServerIP        string `json:"server_ip"`
		Protocol        string
		Method          string
		StatusCode      float64             `json:"status_code"`
		ElapsedTime     float64             `json:"elapsed_time"`
		ResponseHeaders map[string][]string `json:"response_headers"`

		// Of a page.
		ID                 string
		Message            string
		Reason             string
		EffectiveDirective string
		BlockedURL         string
		PolicyID           string `json:"policyId"`
	}
}

// Read reads a delivery. ours says whether a host is one of this server. Reports that are of no use here are counted in
// ignored: of types that nothing is known of, about other sites, and those beyond a bound. The error is Invalid
// request.malformed.
func Read(body []byte, ours func(host string) bool) (list []Report, ignored int, err error) {
	var all []json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		e := roundtrip.E(roundtrip.Invalid, "request.malformed", "Reports are a list in JSON (%s).", MediaType)
		e.Err = err
		return nil, 0, e
	}
	for i, one := range all {
		if i == most {
			return list, ignored + len(all) - most, nil
		}
		var d delivered
		if json.Unmarshal(one, &d) != nil {
			ignored++
			continue
		}
		if r, ok := d.understand(ours); ok {
			list = append(list, r)
		} else {
			ignored++
		}
	}
	return list, ignored, nil
}

func (d *delivered) understand(ours func(host string) bool) (r Report, ok bool) {
	if !r.about(d.URL, ours) {
		return r, false
	}
	r.Age = milliseconds(d.Age)
	if d.Type == "network-error" {
		return r, d.network(&r)
	}
	return r, d.page(&r)
}

// milliseconds is a duration of a stranger's making: of two days at most.
func milliseconds(ms float64) time.Duration {
	if math.IsNaN(ms) || ms < 0 {
		return 0
	}
	return time.Duration(min(ms, 48*60*60*1000) * float64(time.Millisecond))
}

// network reads what is known of a request that failed.
func (d *delivered) network(r *Report) bool {
	kind, ok := kindOf(d.Body.Type)
	if !ok {
		return false
	}
	r.Name, r.Reason, r.Took = kind.name, trace.ReasonOf(kind.reason), milliseconds(d.Body.ElapsedTime)
	r.Method, r.Proto = word(d.Body.Method), word(d.Body.Protocol)
	if d.Body.StatusCode >= 100 && d.Body.StatusCode < 600 {
		r.Status = int(d.Body.StatusCode)
	}
	var notes []string
	if phase := d.Body.Phase; slices.Contains([]string{"dns", "connection", "application"}, phase) {
		notes = append(notes, "in the phase "+phase)
	}
	if at, err := netip.ParseAddr(d.Body.ServerIP); err == nil {
		notes = append(notes, "at "+at.WithZone("").String())
	}
	r.Note = strings.Join(notes, ", ")
	for name, values := range d.Body.ResponseHeaders {
		if strings.EqualFold(name, "X-Journey") && len(values) == 1 && hex.DecodedLen(len(values[0])) == len(r.Of) {
			if _, err := hex.Decode(r.Of[:], []byte(values[0])); err != nil {
				r.Of = trace.ID{}
			}
		}
	}
	return true
}

// page reads what a page of ours did.
func (d *delivered) page(r *Report) bool {
	b := &d.Body
	switch d.Type {
	case "csp-violation":
		r.Name, r.Reason = "csp-violation", trace.ReasonOf("client.policy_violation")
		r.Note = fmt.Sprintf("%s blocked %s", orElse(word(b.EffectiveDirective), "a directive"), origin(b.BlockedURL))
	case "permissions-policy-violation", "document-policy-violation":
		r.Name, r.Reason = "permissions-policy-violation", trace.ReasonOf("client.policy_violation")
		r.Note = orElse(word(b.PolicyID), "a feature") + " was refused"
	case "coep", "coop", "integrity-violation":
		r.Name, r.Reason = "isolation", trace.ReasonOf("client.policy_violation")
	case "deprecation":
		r.Name, r.Reason, r.Note = "deprecation", trace.ReasonOf("client.deprecated"), orElse(word(b.ID), "a feature")
	case "intervention":
		r.Name, r.Reason, r.Note = "intervention", trace.ReasonOf("client.intervention"), orElse(word(b.ID), "a feature")
	case "crash":
		r.Name, r.Reason, r.Note = "crash", trace.ReasonOf("client.crashed"), orElse(word(b.Reason), "for no reason that was told")
	default:
		return false
	}
	return true
}

// word is a text of a stranger that should be one token, "" where it is none.
func word(s string) string {
	ok := len(s) <= 40 && strings.IndexFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./", c)
	}) < 0
	if !ok {
		return ""
	}
	return s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// origin is what of a URL tells where something came from, and nothing about who asked for it.
func origin(text string) string {
	if w := word(text); w != "" { // inline, eval, data …
		return w
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "something"
	}
	return bounded(u.Scheme+"://"+u.Host, 80)
}

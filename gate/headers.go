package gate

import (
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/report"
)

// headers is what all answers of a site have besides their own, as header lines made once.
type headers struct {
	hsts                             []string     // nil: the name is not promised to have TLS
	nosniff, referrer, frame, opener []string     // nil: no advice
	reports, pages                   []headerLine // which ask for reports: of any answer, and of pages; nil: none are taken
	set                              []headerLine
	remove                           []string
}

type headerLine struct {
	name  string
	value []string
}

func newHeaders(s *config.Site, name string) headers {
	h := headers{remove: s.Headers.Remove}
	if trusted := s.TLS.Mode == config.TLSAuto || s.TLS.Mode == config.TLSFiles; s.Headers.HSTS && trusted && config.IsPublic(name) {
		h.hsts = []string{"max-age=31536000"}
	}
	if s.Headers.Security {
		h.nosniff, h.referrer = []string{"nosniff"}, []string{"strict-origin-when-cross-origin"}
		h.frame, h.opener = []string{"SAMEORIGIN"}, []string{"same-origin-allow-popups"}
	}
	if s.Reports {
		h.askForReports()
	}
	for _, line := range s.Headers.Set {
		h.set = append(h.set, headerLine{line.Name, []string{line.Value}})
	}
	return h
}

func (s *headers) askForReports() {
	for name, value := range report.Headers() {
		if line := (headerLine{name, value}); name == "Reporting-Endpoints" {
			s.pages = append(s.pages, line)
		} else {
			s.reports = append(s.reports, line)
		}
	}
}

// put puts the lines. secure says whether the client speaks TLS: over plain HTTP anybody on the way could make the promise
// of HSTS (RFC 6797 section 7.2).
func (s *headers) put(h http.Header, secure bool) {
	if s.hsts != nil && secure {
		h["Strict-Transport-Security"] = s.hsts
	}
	if s.nosniff != nil {
		advise(h, "X-Content-Type-Options", s.nosniff)
		advise(h, "Referrer-Policy", s.referrer)
		if kind := h["Content-Type"]; len(kind) > 0 && strings.HasPrefix(kind[0], "text/html") {
			advise(h, "X-Frame-Options", s.frame)
			if secure { // browsers complain of it over plain HTTP
				advise(h, "Cross-Origin-Opener-Policy", s.opener)
			}
		}
	}
	if s.reports != nil && secure { // over plain HTTP nobody listens to it
		s.putReports(h)
	}
	for _, name := range s.remove {
		delete(h, name)
	}
	for _, line := range s.set {
		h[line.name] = line.value
	}
}

// advise puts a line where the answer has none of its own.
func advise(h http.Header, name string, value []string) {
	if h[name] == nil {
		h[name] = value
	}
}

func (s *headers) putReports(h http.Header) {
	for _, line := range s.reports {
		advise(h, line.name, line.value)
	}
	if kind := h["Content-Type"]; len(kind) > 0 && strings.HasPrefix(kind[0], "text/html") {
		for _, line := range s.pages {
			advise(h, line.name, line.value)
		}
	}
}

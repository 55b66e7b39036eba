package encode

import (
	"net/http"
	"strings"
)

// Coding is a content coding (RFC 9110 section 8.4.1).
type Coding uint8

// The codings that are known here. Identity is none.
const (
	Identity Coding = iota
	Gzip
	Brotli
	Zstd
	codings // how many there are
)

// String returns the coding's name, as Content-Encoding has it.
func (c Coding) String() string {
	names := [codings]string{"identity", "gzip", "br", "zstd"}
	if c < codings {
		return names[c]
	}
	return "unknown"
}

// Suffix returns what the name of a file in this coding ends in, such as ".br"; "" for identity.
func (c Coding) Suffix() string {
	suffixes := [codings]string{"", ".gz", ".br", ".zst"}
	if c < codings {
		return suffixes[c]
	}
	return ""
}

// unlisted is the weight of identity where the client does not name it: it may be sent, after everything that is named.
const unlisted = 0

// Accepted is what a client takes, with its weights in thousandths. The zero Accepted is a client that sent no
// Accept-Encoding: it gets no coding.
type Accepted struct {
	weight  [codings]uint16
	refused bool // identity, by identity;q=0 or *;q=0
}

// Accept reads the Accept-Encoding lines of a request (RFC 9110 section 12.5.3). What is not well formed is not taken as a
// wish. A star stands for gzip: a client that names nothing knows at least that.
func Accept(lines []string) Accepted {
	var a Accepted
	var listed [codings]bool
	star, starred := uint16(0), false
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			weight, ok := quality(parameters)
			if !ok {
				continue
			}
			name = strings.Trim(name, " \t")
			if name == "*" {
				star, starred = weight, true
				continue
			}
			if c, ok := named(name); ok {
				a.weight[c], listed[c] = weight, true
			}
		}
	}
	if starred && !listed[Gzip] {
		a.weight[Gzip] = star
	}
	if starred && !listed[Identity] {
		a.weight[Identity], listed[Identity] = star, true
	}
	a.refused = listed[Identity] && a.weight[Identity] == 0
	return a
}

func named(name string) (Coding, bool) {
	switch {
	case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"): // RFC 9110 section 8.4.1.3
		return Gzip, true
	case strings.EqualFold(name, "br"):
		return Brotli, true
	case strings.EqualFold(name, "zstd"):
		return Zstd, true
	case strings.EqualFold(name, "identity"):
		return Identity, true
	}
	return Identity, false
}

// quality reads the weight of an item in thousandths (RFC 9110 section 12.4.2); 1,000 where there is none.
func quality(parameters string) (uint16, bool) {
	parameters = strings.Trim(parameters, " \t")
	if parameters == "" {
		return 1000, true
	}
	name, value, ok := strings.Cut(parameters, "=")
	if !ok || name != "q" && name != "Q" || value == "" || len(value) > len("0.000") {
		return 0, false
	}
	if value[0] != '0' && value[0] != '1' || len(value) > 1 && value[1] != '.' {
		return 0, false
	}
	weight, unit := uint16(value[0]-'0')*1000, uint16(100)
	for i := 2; i < len(value); i++ {
		if value[i] < '0' || value[i] > '9' {
			return 0, false
		}
		weight += uint16(value[i]-'0') * unit
		unit /= 10
	}
	return weight, weight <= 1000
}

// Best returns which of the offered codings the client likes best; of those that it likes equally, the first. It returns
// Identity where it takes none of them, or likes identity better.
func (a Accepted) Best(offered ...Coding) Coding {
	best := Identity
	for _, c := range offered {
		if w := a.weight[c]; w > unlisted && w >= a.weight[Identity] && (best == Identity || w > a.weight[best]) {
			best = c
		}
	}
	return best
}

// RefusesIdentity reports whether the client said that it does not take an answer without a coding. It may get one all
// the same where there is no other (RFC 9110 section 12.4.1 leaves that to the server): an answer serves it better than
// a refusal.
func (a Accepted) RefusesIdentity() bool { return a.refused }

// NoTransform reports whether Cache-Control forbids to change a representation (RFC 9111 sections 5.2.1.6 and 5.2.2.6).
func NoTransform(h http.Header) bool {
	for _, line := range h["Cache-Control"] {
		if strings.Contains(line, "no-transform") {
			return true
		}
	}
	return false
}

// AddVary says that an answer depends on Accept-Encoding, unless it says so already.
func AddVary(h http.Header) {
	old := h["Vary"]
	for _, line := range old {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.Trim(item, " \t"); item == "*" || strings.EqualFold(item, "Accept-Encoding") {
				return
			}
		}
	}
	h["Vary"] = append(old[:len(old):len(old)], "Accept-Encoding")
}

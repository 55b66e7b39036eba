package why

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// BrowserOrder is what a page is about to send.
type BrowserOrder struct {
	URL         string   `json:"url"`
	Method      string   `json:"method"`
	Headers     []string `json:"headers"` // NAME: VALUE
	Credentials bool     `json:"credentials"`
}

// Browser is what a page saw of its own requests. A browser tells pages little of what failed, and all of this is its word: the
// server's side decides wherever it has one.
type Browser struct {
	CORS   BrowserTry     `json:"cors"`
	Opaque *BrowserTry    `json:"opaque"` // the URL once more with GET in the mode no-cors; nil: it was not needed
	Probed bool           `json:"probed"` // the browser was asked to look the name of the probe up
	Timing *BrowserTiming `json:"timing"` // nil: the browser does not tell
}

// BrowserTry is one request of a page.
type BrowserTry struct {
	OK         bool    `json:"ok"`   // an answer came, and the page may have it
	Type       string  `json:"type"` // basic, cors, opaque
	Status     int     `json:"status"`
	Journey    string  `json:"journey"` // of its X-Journey
	Redirected string  `json:"redirected"`
	Problem    string  `json:"problem"` // the beginning of an answer that is application/problem+json
	Error      string  `json:"error"`   // which is "Failed to fetch" for all that browsers keep to themselves
	Late       bool    `json:"late"`    // the page waited no longer
	MS         float64 `json:"ms"`
}

// BrowserTiming is Resource Timing of the first try, in milliseconds.
type BrowserTiming struct {
	DNS      float64 `json:"dns"`
	Connect  float64 `json:"connect"` // TLS included
	TLS      float64 `json:"tls"`
	Wait     float64 `json:"wait"`
	Protocol string  `json:"protocol"` // h2, h3, http/1.1
}

// headersMost is how many headers a page may be asked to send.
const headersMost = 32

// ReadBrowserOrder reads what a page of an origin is about to send, as the client's half of a probe. The error is Invalid.
func ReadBrowserOrder(body []byte, origin string) (*Facts, error) {
	var o BrowserOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, wrong("the page sent no good JSON")
	}
	t, err := ParseTarget(o.URL)
	if err != nil {
		return nil, err
	}
	if t.Socket {
		return nil, wrong("WebSockets are not tried here; roundtrip why %s does", printable(t.Shown))
	}
	if origin, err = ParseOrigin(origin); err != nil {
		return nil, err
	}
	f := &Facts{Target: t, Method: strings.ToUpper(orElse(o.Method, http.MethodGet)), Origin: origin, Credentials: o.Credentials}
	if strings.Trim(f.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" || f.Method == http.MethodConnect || f.Method == http.MethodTrace {
		return nil, wrong("%s is no method that a page can use", printable(o.Method))
	}
	if len(o.Headers) > headersMost {
		return nil, wrong("more than %d headers", headersMost)
	}
	h := http.Header{}
	for _, line := range o.Headers {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, wrong("%q is no header; expected Name: value", printable(line))
		}
		if h.Add(name, strings.TrimSpace(value)); forbidden(strings.ToLower(name)) {
			f.Withheld = append(f.Withheld, "A script may not set "+printable(name)+": the browser left it out.")
		}
	}
	f.Mixed = strings.HasPrefix(origin, "https://") && !t.Secure && !isLoopbackName(t.Host)
	because, simple := needsPreflight(&t, origin, f.Method, h)
	if f.Simple = simple; because != "" {
		f.asked = unsafeHeaders(h)
	}
	return f, nil
}

// ReadBrowser reads what a page saw, and its number of the probe. What can't be is put right or left out.
func ReadBrowser(body []byte) (id string, b *Browser, err error) {
	var in struct {
		ID string `json:"id"`
		Browser
	}
	if json.Unmarshal(body, &in) != nil {
		return "", nil, roundtrip.E(roundtrip.Invalid, "request.json", "the page sent no good JSON")
	}
	b = &in.Browser
	b.CORS.bound()
	if b.Opaque != nil {
		b.Opaque.bound()
	}
	if t := b.Timing; t != nil {
		for _, ms := range []*float64{&t.DNS, &t.Connect, &t.TLS, &t.Wait} {
			*ms = boundMS(*ms)
		}
		if !slices.Contains([]string{"http/1.0", "http/1.1", "h2", "h3"}, t.Protocol) {
			t.Protocol = ""
		}
	}
	return in.ID, b, nil
}

func (t *BrowserTry) bound() {
	t.MS, t.Error, t.Redirected = boundMS(t.MS), printable(t.Error), printable(t.Redirected)
	if t.Status < 100 || t.Status > 599 {
		t.Status = 0
	}
	if len(t.Journey) != 2*len(trace.ID{}) {
		t.Journey = ""
	}
}

// boundMS takes what a browser says that something took: no less than nothing, and no more than a minute.
func boundMS(ms float64) float64 {
	if math.IsNaN(ms) || ms < 0 {
		return 0
	}
	return min(ms, 60_000)
}

func took(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// answered reports whether something answers at the URL.
func (b *Browser) answered() bool { return b.CORS.OK || b.Opaque != nil && b.Opaque.OK }

// BrowserWants is how many records of a page's requests there will be at the server, once all of them are written, as far as
// can be told from those that are there.
func BrowserWants(f *Facts, b *Browser, there []trace.View) int {
	if !b.answered() {
		return 1 // there may be none, and a moment's patience shows it
	}
	n := 0
	if b.Opaque != nil && b.Opaque.OK {
		n++
	}
	if f.asked != nil || !simpleMethod(f.Method) && !f.Target.Same(f.Origin) {
		i := slices.IndexFunc(there, func(v trace.View) bool { return v.Method == http.MethodOptions })
		if n++; i >= 0 && (there[i].Reason != "" || there[i].Status > 299) {
			return n // a browser stops there
		}
	}
	return n + 1
}

// JoinBrowser joins what a page saw with what the server did. The requests of saw are those that came from the browser's address
// for the path since the probe began, the oldest first: a page can't mark its requests without changing what browsers make of
// them, so that only an answer that it may read names its record for certain.
func JoinBrowser(f *Facts, b *Browser, begun *Begun, saw *Saw) *Sides {
	f.Browser = b
	rest := slices.Clone(saw.Requests)
	take := func(method string) *trace.View {
		i := slices.IndexFunc(rest, func(v trace.View) bool { return v.Method == method })
		if i < 0 {
			return nil
		}
		v := rest[i]
		rest = slices.Delete(rest, i, i+1)
		return &v
	}
	stopped := false
	if f.Simple == "" {
		if v := take(http.MethodOptions); v != nil {
			f.Preflight = &Exchange{ID: v.ID, Method: v.Method, Status: v.Status, Proto: v.Proto}
			stopped = v.Reason != "" || v.Status > 299
		}
	}
	if b.Opaque != nil && b.Opaque.OK { // the last one is that of the second try
		for i := len(rest) - 1; i >= 0; i-- {
			if rest[i].Method == http.MethodGet {
				rest = slices.Delete(rest, i, i+1)
				break
			}
		}
	}
	e := &Exchange{Method: f.Method, Status: b.CORS.Status, Took: took(b.CORS.MS), Header: http.Header{}}
	if b.CORS.Problem != "" {
		e.Header.Set("Content-Type", roundtrip.ProblemType)
		e.Body = []byte(b.CORS.Problem)
	}
	var v *trace.View
	switch i := slices.IndexFunc(saw.Requests, func(v trace.View) bool { return v.ID == b.CORS.Journey }); {
	case i >= 0:
		v, f.exact = &saw.Requests[i], true
	case !stopped && b.CORS.Journey == "":
		v = take(f.Method)
	}
	if v != nil {
		e.ID, e.Proto = v.ID, v.Proto
		if e.Status == 0 {
			e.Status = v.Status
		}
	}
	if v != nil || b.CORS.OK {
		f.Answer = e
	}
	return &Sides{Facts: f, Begun: begun, Saw: saw, Done: true}
}

package proxy

import (
	_ "embed"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// page is what a person sees where there is no answer. It is whole in itself: nothing else may be reachable.
//
//go:embed page.html
var page string

// refuse answers a browser with a page. For everybody else it returns the error, and the gate makes what the client reads of it.
func (f *forward) refuse(e *roundtrip.Error) error {
	putProxyStatus(f.w.Header(), e)
	if f.grpc || !f.wantsPage(e) {
		return e
	}
	f.showPage(e)
	f.journey.SetReason(trace.ReasonOf(e.Reason))
	return nil
}

// wantsPage reports whether a person looks at the answer, and it is one that a person can do nothing about.
func (f *forward) wantsPage(e *roundtrip.Error) bool {
	if status := e.HTTPStatus(); status < http.StatusBadGateway || status == http.StatusLoopDetected {
		return false
	}
	for _, line := range f.r.Header["Accept"] {
		if strings.Contains(line, "text/html") {
			return true
		}
	}
	return false
}

func (f *forward) showPage(e *roundtrip.Error) {
	title, hop := "The server is not answering", "It could not be reached. You are not the reason, and neither is your connection."
	switch e.Reason {
	case "proxy.busy":
		title, hop = "Too much is going on", "All servers behind this address are busy. It usually passes within a minute."
	case "proxy.no_upstream":
		hop = "No server behind this address is well at the moment. You are not the reason."
	case "proxy.first_byte_timeout", "proxy.connect_timeout":
		title, hop = "The server takes too long", "It was reached but did not answer in time."
	case "proxy.bad_answer", reasonReset:
		title, hop = "The answer broke off", "The server began to answer and stopped, or said something that can't be read."
	}
	if e.Reason == "proxy.connect_timeout" {
		hop = "It did not take the connection in time. You are not the reason, and neither is your connection."
	}
	next := "Wait a moment, then load the page again."
	if !f.safe {
		next = "What you sent may have arrived: look for it before you send it again."
	}
	id := ""
	if f.journey != nil {
		id = f.journey.ID.String()
	}
	status := e.HTTPStatus()
	text := strings.NewReplacer("{{title}}", title, "{{hop}}", hop, "{{next}}", next, "{{status}}", strconv.Itoa(status), "{{journey}}", id).Replace(page)
	h := f.w.Header()
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"}
	if e.Retry > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int((e.Retry + time.Second - 1) / time.Second))}
	}
	f.w.WriteHeader(status)
	if f.r.Method != http.MethodHead {
		_, _ = f.w.Write([]byte(text)) // a client that left is seen by the gate
	}
}

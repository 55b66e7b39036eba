package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// deliver passes an answer on, and gives the lease back.
func (f *forward) deliver(l *pool.Lease, a *reply) {
	if a.Status == http.StatusSwitchingProtocols {
		f.tunnel(l, a)
		return
	}
	f.putHeaders(l, a)
	f.w.WriteHeader(a.Status)
	failed := f.copyBody(a)
	a.source.finish(f, failed == nil)
	f.step.N(int64(a.took), f.bytes)
	switch {
	case failed == nil:
		l.Done(pool.Outcome{Took: a.took})
		f.step.Note(a.note).OK()
	case failed.blame == pool.Client:
		l.Done(failed.outcome())
		f.step.Note("the client left").End(trace.Fail, trace.ReasonOf(failed.reason))
	default:
		l.Done(failed.outcome())
		f.broken(failed)
	}
}

// putHeaders puts the headers of the answer where the gate sends them from.
func (f *forward) putHeaders(l *pool.Lease, a *reply) {
	h := f.w.Header()
	lines := make([]string, len(a.Fields)) // one piece for all values
	connection := connectionOf(a.Fields)
	for i := range a.Fields {
		field := &a.Fields[i]
		if !f.goesDown(field.Name) || connection != nil && listed(connection, field.Name) {
			continue
		}
		if before, ok := h[field.Name]; ok {
			h[field.Name] = append(before, field.Value)
			continue
		}
		lines[i] = field.Value
		h[field.Name] = lines[i : i+1 : i+1]
	}
	if a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		delete(h, "Content-Length")
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // so that net/http does not guess
	}
	if cookie := l.Cookie(); cookie != "" {
		h["Set-Cookie"] = append(h["Set-Cookie"], cookie)
	}
	if names := h["Trailer"]; names != nil && !a.Chunked() {
		delete(h, "Trailer")
	}
}

// connectionOf returns the Connection headers that name others; nil for none, and for the words of every day.
func connectionOf(fields []http1.Field) []string {
	var lines []string
	for i := range fields {
		if fields[i].Name != "Connection" || strings.EqualFold(fields[i].Value, "keep-alive") || strings.EqualFold(fields[i].Value, "close") {
			continue
		}
		lines = append(lines, fields[i].Value)
	}
	return lines
}

// goesDown reports whether a header of the upstream is passed on: not what is of its connection, and not what the gate
// says itself.
func (f *forward) goesDown(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "Te", "Transfer-Encoding", "Upgrade",
		"Alt-Svc", "X-Journey":
		return false
	}
	return !f.p.ownCORS || !strings.HasPrefix(name, "Access-Control-")
}

// copyBody passes the body on as it comes. What the upstream has sent is never held back while it pauses.
func (f *forward) copyBody(a *reply) *fault {
	events := false
	if kind := f.w.Header()["Content-Type"]; len(kind) == 1 {
		events = strings.HasPrefix(kind[0], "text/event-stream")
	}
	if (events || f.grpc) && a.source.Waiting() {
		if err := f.flush(); err != nil { // the head alone is news
			return clientLeft(err)
		}
	}
	for {
		if a.source.Waiting() {
			a.source.Allow(f.p.declared.IdleStream)
		}
		part, err := a.source.Next()
		if len(part) > 0 {
			n, err := f.w.Write(part)
			f.bytes += int64(n)
			if err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
				return clientLeft(err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			f.putTrailers(a)
			return nil
		case err != nil:
			if err := f.sender.blame(); err != nil {
				return clientLeft(err)
			}
			return answerFault(err, "proxy.idle_timeout")
		case a.source.Waiting() && (len(part) < partFull || events || f.grpc):
			if err := f.flush(); err != nil {
				return clientLeft(err)
			}
		}
	}
}

// partFull is a part so large that more is on its way: it is not worth a flush.
const partFull = 16 << 10

// putTrailers passes on what came after the body. Whether it was announced is the same to the client.
func (f *forward) putTrailers(a *reply) {
	h := f.w.Header()
	for _, field := range a.source.Trailers() {
		if mayTrail(field.Name) {
			name := http.TrailerPrefix + field.Name
			h[name] = append(h[name], field.Value)
		}
	}
}

func (f *forward) flush() error {
	if w, ok := f.w.(interface{ FlushError() error }); ok {
		return w.FlushError()
	}
	return http.NewResponseController(f.w).Flush()
}

func clientLeft(err error) *fault {
	return &fault{reason: reasonClient, blame: pool.Client, cause: err}
}

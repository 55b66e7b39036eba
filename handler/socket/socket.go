// Package socket is the door of streams: WebSocket (RFC 6455) and server-sent events (WHATWG HTML section 9.2) bring what
// the hub of [stream/live] has for a client, and what the client wants of it. docs/live.md is its contract.
package socket

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options is what a [Door] is made of. All of it must be given.
type Options struct {
	Hub *live.Hub
	Now func() time.Time
}

// Door opens streams.
type Door struct {
	hub *live.Hub
	now func() time.Time
}

// New makes the door.
func New(o Options) (*Door, error) {
	if o.Hub == nil || o.Now == nil {
		return nil, errors.New("socket: Hub and Now must be given")
	}
	return &Door{hub: o.Hub, now: o.Now}, nil
}

// Live serves GET live: a WebSocket, or else server-sent events of the topics in the query. An error is for the caller to
// answer with; nothing was sent then.
func (d *Door) Live(w http.ResponseWriter, r *http.Request, from handler.Caller) error {
	if hasToken(r.Header["Upgrade"], "websocket") {
		return d.upgrade(w, r, from)
	}
	q := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if name != "topic" && name != "cursor" {
			return unknownParameter(name)
		}
	}
	topics := q["topic"]
	if len(topics) == 0 {
		e := roundtrip.E(roundtrip.Invalid, "request.invalid", "%s",
			"open this path as a WebSocket, or name what to send: live?topic=photos%3Ffilter%3D… (server-sent events)")
		return e.With(roundtrip.Detail{Parameter: "topic", Code: "required", Message: "name at least one topic"})
	}
	return d.events(w, r, from, topics, q.Get("cursor"))
}

func unknownParameter(name string) error {
	e := roundtrip.E(roundtrip.Invalid, "request.unknown_parameter", "there is no parameter %q here; read here are topic and cursor", name)
	if near := nearest.Of(name, []string{"topic", "cursor"}); near != "" {
		e.Public += fmt.Sprintf("; did you mean %q?", near)
	}
	return e.With(roundtrip.Detail{Parameter: name, Code: "unknown_parameter", Message: "percent-encode each topic as a whole, its own ? and & too"})
}

// Watch serves GET COLLECTION:watch: server-sent events of one topic, or one message to who accepts only JSON.
func (d *Door) Watch(w http.ResponseWriter, r *http.Request, from handler.Caller, topic, cursor string) error {
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/event-stream") {
		return d.poll(w, r, from, topic, cursor)
	}
	return d.events(w, r, from, []string{topic}, cursor)
}

// poll answers at once, with a snapshot or with the changes since a cursor.
func (d *Door) poll(w http.ResponseWriter, r *http.Request, from handler.Caller, topic, cursor string) error {
	who, err := d.hub.Who(r.Context(), from.Token)
	if err != nil {
		return err
	}
	f, err := d.hub.Once(r.Context(), who, from.Addr, topic, cursor)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(f.JSON()) // a client that has gone is noticed by the gate
	return nil
}

// hasToken reports whether a list header has a token (RFC 9110 section 5.6.1).
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// step notes in the journey that a stream was opened, or why it was not.
func step(ctx context.Context, name string, err error) {
	s := trace.From(ctx).Begin(trace.Stream, name)
	if err != nil {
		s.Deny(trace.ReasonOf(roundtrip.AsError(err).Reason))
		return
	}
	s.OK()
}

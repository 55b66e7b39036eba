package rpc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// fail makes connect's error of ours, notes in the journey why the call ended so, and says in the header what a status
// can't. It is the one place where errors leave.
func (c *call) fail(ctx context.Context, err error) *connect.Error {
	if done, ok := errors.AsType[*connect.Error](err); ok {
		return done // the word that nothing was modified
	}
	e := c.because(ctx, err)
	c.note(e)
	if e.Kind == roundtrip.Unauthenticated {
		c.header["Www-Authenticate"] = []string{challenge(e)}
		if !c.atDesk {
			caller.DropCookie(c.header, c.request, c.from, e)
		}
	}
	if e.Retry > 0 {
		c.header["Retry-After"] = []string{strconv.FormatInt(int64((e.Retry+time.Second-1)/time.Second), 10)}
	}
	e = inMessage(e)
	out := connect.NewError(c.code(ctx, e), errors.New(e.Message()))
	c.journey.SetCode(trace.CodeOf(int(out.Code())))
	for _, d := range e.StatusDetails(c.journeyID()) {
		detail, err := connect.NewErrorDetail(&anypb.Any{TypeUrl: roundtrip.StatusType + d.Type, Value: d.Value})
		if err == nil { // of an Any there is none
			out.AddDetail(detail)
		}
	}
	return out
}

// inMessage calls what is wrong by the names that it has in messages, where stations know it by those of REST.
func inMessage(e *roundtrip.Error) *roundtrip.Error {
	for i := range e.Details {
		name := fieldOf(e.Details[i].Parameter)
		if name == e.Details[i].Parameter {
			continue
		}
		renamed := *e
		renamed.Details = slices.Clone(e.Details)
		if rest, ok := strings.CutPrefix(e.Public, e.Details[i].Parameter+" is wrong"); ok { // the sentence begins with the name
			renamed.Public = name + " is wrong" + rest
		}
		for j := i; j < len(renamed.Details); j++ {
			renamed.Details[j].Parameter = fieldOf(renamed.Details[j].Parameter)
		}
		return &renamed
	}
	return e
}

func fieldOf(parameter string) string {
	switch parameter {
	case "fields":
		return "read_mask"
	case "If-Match":
		return "etag"
	}
	return parameter
}

// because is the error that says why: one that came of the call's own end says that. The hub of streams takes it for the
// server's.
func (c *call) because(ctx context.Context, err error) *roundtrip.Error {
	e := roundtrip.AsError(err)
	switch ended := ctx.Err(); {
	case ended == nil:
	case e.Kind == roundtrip.Deadline, e.Kind == roundtrip.Internal, e.Reason == "app.stopping" && errors.Is(ended, context.DeadlineExceeded):
		return c.ended(ended, e)
	}
	return e
}

// ended says that the call's own time was over, or that its caller went: whatever else went wrong came of that.
func (c *call) ended(why error, e *roundtrip.Error) *roundtrip.Error {
	switch {
	case e.Reason == "client.aborted" || e.Reason == "store.deadline":
		return e
	case errors.Is(why, context.DeadlineExceeded):
		return &roundtrip.Error{Kind: roundtrip.Deadline, Reason: "app.deadline", Public: "The deadline of the call was over before its answer.", Op: e.Op, Err: e.Err}
	}
	return &roundtrip.Error{Kind: roundtrip.Deadline, Reason: "client.aborted", Public: "The client left before the answer was complete.", Op: e.Op, Err: e.Err}
}

// code is the status of an error: that of its kind, but for a call that its caller has cancelled.
func (c *call) code(ctx context.Context, e *roundtrip.Error) connect.Code {
	if e.Reason == "client.aborted" && errors.Is(ctx.Err(), context.Canceled) {
		return connect.CodeCanceled
	}
	return connect.Code(e.Kind.GRPC())
}

func (c *call) journeyID() string {
	if c.journey == nil {
		return ""
	}
	return c.journey.ID.String()
}

// note writes into the journey why a call was refused. What a station behind the door refused, it has noted itself.
func (c *call) note(e *roundtrip.Error) {
	first := !c.refused
	c.refused = true
	if !first || c.inside {
		return
	}
	step := c.journey.Begin(trace.App, "rpc")
	switch e.Kind {
	case roundtrip.Internal:
		step.End(trace.Fail, trace.ReasonOf(e.Reason))
	case roundtrip.Deadline:
		step.End(trace.Timeout, trace.ReasonOf(e.Reason))
	default:
		step.Deny(trace.ReasonOf(e.Reason))
	}
}

// refuse answers a request whose message was not read, in the form of its protocol. One that is no call gets a problem, as
// REST would answer.
func (c *call) refuse(ctx context.Context, w http.ResponseWriter, err error) {
	c.secure()
	if c.protocol != noProtocol {
		if err := c.door.refuser.Write(w, c.request, c.fail(ctx, err)); err != nil {
			c.journey.Begin(trace.App, "rpc").End(trace.Fail, trace.ReasonOf("client.aborted"))
		}
		return
	}
	e := roundtrip.AsError(err)
	c.note(e)
	c.out = e.AppendProblem(c.out[:0], c.request.URL.Path, c.journeyID())
	c.header["Content-Type"] = []string{roundtrip.ProblemType}
	c.header["Content-Length"] = []string{strconv.Itoa(len(c.out))}
	if e.Allow != "" {
		c.header["Allow"] = []string{e.Allow}
	}
	w.WriteHeader(e.HTTPStatus())
	if _, err := w.Write(c.out); err != nil {
		c.journey.Begin(trace.App, "rpc").End(trace.Fail, trace.ReasonOf("client.aborted"))
	}
}

// secure sets what every answer has: the type that it really has, and that it belongs to one caller. A read by GET may be
// kept by the browser if it asks each time.
func (c *call) secure() {
	c.header["X-Content-Type-Options"] = []string{"nosniff"}
	c.header["Cache-Control"] = []string{"no-store"}
	if c.request.Method == http.MethodGet && c.method != nil {
		c.header["Cache-Control"] = []string{"private, no-cache"}
	}
	c.header.Set("Vary", "Authorization, Cookie")
}

// challenge is the WWW-Authenticate value (RFC 6750 section 3).
func challenge(e *roundtrip.Error) string {
	if e.Reason == "auth.missing" {
		return `Bearer realm="api"`
	}
	return `Bearer realm="api", error="invalid_token"`
}

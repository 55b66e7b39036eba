package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// People serves the accounts to operators, below /api/people/. What it does is what roundtrip user can do, and is in the
// audit before it is done.
func (a *App) people() http.Handler {
	return a.operatorPages(func(h *house, w http.ResponseWriter, r *http.Request) {
		answer, err := h.serveOne(r, a.around.Now())
		answerJSON(w, r, answer, err)
	})
}

// peopleRoutes is what is served of one account, one line a route.
func peopleRoutes() []peopleRoute {
	return []peopleRoute{
		{"GET", "", (*house).showPerson},
		{"PUT", "roles", (*house).putRoles},
		{"POST", "password", (*house).putPassword},
		{"DELETE", "sessions", (*house).endSessions},
		{"DELETE", "sessions/{id}", (*house).endSession},
		{"DELETE", "failures", (*house).forgetFailures},
	}
}

type peopleRoute struct {
	method, path string
	serve        func(h *house, ctx context.Context, o personOrder) (any, error)
}

// personOrder is what is asked of one account.
type personOrder struct {
	who    roundtrip.ID
	target string // as the audit names it
	name   string // what stands at {id}
	body   io.Reader
}

// serveOne finds the route and runs it.
func (h *house) serveOne(r *http.Request, now time.Time) (any, error) {
	if err := mayData(r.Context()); err != nil {
		return nil, err
	}
	path := strings.TrimPrefix(r.URL.Path, peopleMount)
	journey := trace.From(r.Context())
	journey.SetRoute(peopleMount)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if path == "" {
		switch method {
		case http.MethodGet:
			return h.people(r, now)
		case http.MethodPost:
			return h.addPerson(r.Context(), r.Body, now)
		}
		return nil, notServed(r.Method, "GET, HEAD, POST")
	}
	users := h.identity.Users()
	first, rest, _ := strings.Cut(path, "/")
	id, ok := roundtrip.ParseID(first)
	if users == nil || !ok {
		return nil, roundtrip.E(roundtrip.Missing, "store.missing", "there is no such account")
	}
	o := personOrder{who: id, target: users.Name + "/" + id.String(), body: r.Body}
	var allow []string
	for _, route := range peopleRoutes() {
		fixed, open := strings.CutSuffix(route.path, "{id}")
		name, below := strings.CutPrefix(rest, fixed)
		if open && (!below || name == "" || strings.Contains(name, "/")) || !open && rest != route.path {
			continue
		}
		if route.method == method {
			journey.SetRoute(strings.TrimSuffix(peopleMount+"{id}/"+route.path, "/"))
			o.name = name
			return route.serve(h, r.Context(), o)
		}
		allow = append(allow, route.method)
	}
	if allow != nil {
		return nil, notServed(r.Method, strings.Join(allow, ", "))
	}
	return nil, roundtrip.E(roundtrip.Missing, "request.unknown_path", "nothing is served below %s but roles, password, sessions and failures", peopleMount+"ID/")
}

func notServed(method, allow string) error {
	e := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here; use %s", method, allow)
	e.Allow = allow
	return e
}

func (h *house) showPerson(ctx context.Context, o personOrder) (any, error) {
	return h.person(ctx, o.who)
}

// putRoles replaces the roles of an account.
func (h *house) putRoles(ctx context.Context, o personOrder) (any, error) {
	var want struct {
		Roles []string `json:"roles"`
	}
	if err := readOrder(o.body, &want); err != nil {
		return nil, err
	}
	u, err := h.identity.User(ctx, o.who)
	if err != nil {
		return nil, err
	}
	change := people.RolesText(u.Roles) + " → " + people.RolesText(want.Roles)
	err = noted(ctx, console.Entry{What: "people.roles", Target: o.target, Note: change}, func() error {
		return h.identity.SetUserRoles(ctx, o.who, want.Roles)
	})
	if err != nil {
		return nil, err
	}
	return h.person(ctx, o.who)
}

// putPassword gives an account a new password: the one that is asked for, or one that is made here and shown this once.
func (h *house) putPassword(ctx context.Context, o personOrder) (any, error) {
	var want struct {
		Password string `json:"password"`
	}
	if err := readOrder(o.body, &want); err != nil {
		return nil, err
	}
	answer := passwordAnswer{}
	if want.Password == "" {
		made, err := h.identity.NewPassword()
		if err != nil {
			return nil, err
		}
		want.Password, answer.Password = made, made
	}
	err := noted(ctx, console.Entry{What: "people.password", Target: o.target, Note: "all sessions end"}, func() error {
		return h.identity.SetUserPassword(ctx, o.who, want.Password)
	})
	return answer, err
}

// passwordAnswer shows a password that was made here; it stands nowhere else.
type passwordAnswer struct {
	ID       string `json:"id,omitempty"`
	Password string `json:"password,omitempty"`
}

// addPerson makes an account, as roundtrip user add does.
func (h *house) addPerson(ctx context.Context, body io.Reader, now time.Time) (any, error) {
	var want struct {
		Fields   map[string]string `json:"fields"`
		Password string            `json:"password"`
		Roles    []string          `json:"roles"`
	}
	if err := readOrder(body, &want); err != nil {
		return nil, err
	}
	users := h.identity.Users()
	if users == nil {
		return nil, roundtrip.E(roundtrip.Missing, "request.unknown_path", "there are no accounts here; declare identity.accounts to have some")
	}
	record := roundtrip.NewRecord(users)
	entry := console.Entry{What: "people.add", Note: "with " + people.RolesText(want.Roles)}
	for name, text := range want.Fields {
		if err := people.PutField(record, name, text); err != nil {
			return nil, err
		}
		entry.Fields = append(entry.Fields, name)
	}
	if err := h.schema.Check(&roundtrip.Call{Action: roundtrip.Create, Collection: users, Input: record, Time: now}, &roundtrip.Principal{}); err != nil {
		return nil, err
	}
	answer := passwordAnswer{}
	if want.Password == "" {
		made, err := h.identity.NewPassword()
		if err != nil {
			return nil, err
		}
		want.Password, answer.Password = made, made
	}
	record.Put(roundtrip.FieldID, roundtrip.Ref(h.operators.core.NewID())) // so that the audit can name it
	entry.Target = users.Name + "/" + record.ID().String()
	err := noted(ctx, entry, func() error {
		_, err := h.identity.CreateUser(ctx, record, want.Password, want.Roles)
		return err
	})
	answer.ID = record.ID().String()
	return answer, err
}

func (h *house) endSessions(ctx context.Context, o personOrder) (any, error) {
	return nil, noted(ctx, console.Entry{What: "people.sign_out", Target: o.target, Note: "all sessions"}, func() error {
		return h.identity.EndUserSessions(ctx, o.who)
	})
}

func (h *house) endSession(ctx context.Context, o personOrder) (any, error) {
	session, ok := roundtrip.ParseID(o.name)
	if !ok {
		return nil, roundtrip.E(roundtrip.Missing, "store.missing", "there is no such session")
	}
	return nil, noted(ctx, console.Entry{What: "people.sign_out", Target: o.target, Note: "session " + session.String()}, func() error {
		return h.identity.EndUserSession(ctx, o.who, session)
	})
}

func (h *house) forgetFailures(ctx context.Context, o personOrder) (any, error) {
	u, err := h.identity.User(ctx, o.who)
	if err != nil {
		return nil, err
	}
	return nil, noted(ctx, console.Entry{What: "people.let_in", Target: o.target}, func() error {
		h.identity.ForgetFailures(u.Account)
		return nil
	})
}

// mayData refuses operators whose role sees no records, and accounts are some.
func mayData(ctx context.Context) error {
	who, err := operatorOf(ctx)
	if err == nil && !who.Operator.Data {
		err = roundtrip.E(roundtrip.Denied, "access.operator", "Your role sees no records and no accounts: ask an owner for the role operator.")
		trace.From(ctx).Begin(trace.Access, "operator").Deny(trace.ReasonOf("access.operator"))
	}
	return err
}

// noted does something after it stands in the audit, which hears of it again if it failed.
func noted(ctx context.Context, e console.Entry, do func() error) error {
	if err := console.Note(ctx, e); err != nil {
		return err
	}
	err := do()
	if err != nil {
		e.Refused = roundtrip.AsError(err).Reason
		_ = console.Note(ctx, e) // the entry of the attempt is there
	}
	return err
}

// orderMaxBytes bounds the body of an order about an account.
const orderMaxBytes = 64 << 10

// readOrder reads a body of JSON, of which no member may be unknown. An empty one is an empty object.
func readOrder(body io.Reader, into any) error {
	in := json.NewDecoder(io.LimitReader(body, orderMaxBytes))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		e := roundtrip.E(roundtrip.Invalid, "request.malformed", "the body is not the JSON object that is expected here: %s", strings.TrimPrefix(err.Error(), "json: "))
		e.Err = err
		return e
	}
	return nil
}

// answerJSON writes an answer, 204 for none, or the problem.
func answerJSON(w http.ResponseWriter, r *http.Request, answer any, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	var body []byte
	if err == nil && answer != nil {
		body, err = json.Marshal(answer)
	}
	switch {
	case err != nil:
		e := roundtrip.AsError(err)
		h.Set("Content-Type", roundtrip.ProblemType)
		if e.Allow != "" {
			h.Set("Allow", e.Allow)
		}
		journey := ""
		if j := trace.From(r.Context()); j != nil {
			journey = j.ID.String()
		}
		w.WriteHeader(e.HTTPStatus())
		_, _ = w.Write(e.AppendProblem(nil, r.URL.Path, journey)) //nolint:gosec // JSON, with its type and nosniff
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}
}

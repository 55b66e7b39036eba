package app

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Where the console has records and accounts.
const (
	dataMount   = "/api/data/"
	peopleMount = "/api/people/"
)

// operatorDoor is how operators come to the records of a house: the same corridor and the same door as everybody's, with
// the console's people instead of the site's.
type operatorDoor struct {
	core *handler.Core
	door *rest.Door
}

// assembleOperators makes the operators' door of a house.
func (a *App) assembleOperators(h *house, b *base) (err error) {
	d := &operatorDoor{}
	d.core, err = handler.New(handler.Options{
		Schema: h.schema, Policy: h.policy, Store: b.store, Identity: h.identity, Files: b.files, IDs: b.ids, Now: a.around.Now,
		Who:    func(ctx context.Context, _ string) (*roundtrip.Principal, error) { return operatorOf(ctx) },
		Ledger: ledger{},
	})
	if err != nil {
		return err
	}
	d.door, err = rest.New(d.core, dataMount, rest.Options{Records: true})
	h.operators = d
	return err
}

// operatorOf makes the principal of the operator who is signed in to the console. It is the one place where operators are
// made; nothing of the request has a part in it but the console's session.
func operatorOf(ctx context.Context) (*roundtrip.Principal, error) {
	step := trace.From(ctx).Begin(trace.Auth, "console")
	o, ok := console.OperatorFrom(ctx)
	if !ok {
		step.Deny(trace.ReasonOf("auth.missing"))
		return nil, identity.Missing()
	}
	step.Note(o.Role.String() + " " + o.Name).OK()
	return &roundtrip.Principal{Operator: &roundtrip.Operator{Name: o.Name, Data: o.Role >= operators.Operate}}, nil
}

// ledger writes into the console's audit what operators do to records: before it is done, so that nothing is done that
// stands nowhere, and once more if it came to nothing.
type ledger struct{}

// Writing notes each write of a permit.
func (l ledger) Writing(ctx context.Context, p *policy.Permit) error {
	for _, op := range l.ops(p) {
		if err := console.Note(ctx, l.entry(op)); err != nil {
			return err
		}
	}
	return nil
}

// Failed notes that they were not done. That this can't be written loses nothing: the entry of the attempt is there.
func (l ledger) Failed(ctx context.Context, p *policy.Permit, err error) {
	for _, op := range l.ops(p) {
		e := l.entry(op)
		e.Refused = roundtrip.AsError(err).Reason
		_ = console.Note(ctx, e)
	}
}

func (ledger) ops(p *policy.Permit) []*policy.Permit {
	if p.Action() == roundtrip.Batch {
		return p.Ops()
	}
	return []*policy.Permit{p}
}

func (ledger) entry(p *policy.Permit) console.Entry {
	e := console.Entry{What: "data." + p.Action().String(), Target: p.Collection().Name + "/" + p.ID().String()}
	in := p.Input()
	if in == nil {
		return e
	}
	if p.Action() == roundtrip.Create {
		e.Target = p.Collection().Name + "/" + in.ID().String()
	}
	for i := roundtrip.FirstField; i < len(in.Set); i++ {
		if in.Set[i] {
			e.Fields = append(e.Fields, p.Collection().Fields[i].Name)
		}
	}
	for _, add := range p.Call().Adds {
		e.Fields = append(e.Fields, p.Collection().Fields[add.Field].Name)
	}
	return e
}

// operatorPages serves what the console shows of the stations behind the gate, of the house in force.
func (a *App) operatorPages(serve func(h *house, w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || trace.From(r.Context()) != nil {
			serve(a.house.Load(), w, r)
			return
		}
		a.writes(serve, w, r)
	})
}

// writes gives a write of an operator a journey, so that it is found among the others, and what it sets off leads back to it.
func (a *App) writes(serve func(h *house, w http.ResponseWriter, r *http.Request), w http.ResponseWriter, r *http.Request) {
	j := a.recorder.Begin(trace.Request)
	if j == nil {
		serve(a.house.Load(), w, r)
		return
	}
	j.Method, j.Host, j.Path, j.Proto = r.Method, r.Host, r.URL.Path, r.Proto
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		j.Client = from.Addr().Unmap()
	}
	w.Header().Set("X-Journey", j.ID.String())
	seen := &statusWriter{ResponseWriter: w}
	defer func() {
		j.Status = seen.status
		a.recorder.End(j)
	}()
	serve(a.house.Load(), seen, r.WithContext(trace.With(r.Context(), j)))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader sends the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a ResponseController through.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

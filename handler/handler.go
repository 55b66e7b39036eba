// Package handler is station 4 of the path: it carries one call through identity, policy, schema and the store, and hands
// the rows back to the door that it came in by. It knows nothing of HTTP; the doors are its subfolders.
package handler

import (
	"context"
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/files"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options is what a [Core] is made of. All of it must be given, except Files where no collection has a file field, and Inbox
// where the doors show none.
type Options struct {
	Schema   *schema.Schema
	Policy   *policy.Engine
	Store    store.Store
	Identity *identity.Identity
	Files    *files.Store
	Inbox    *inbox.Service
	IDs      *roundtrip.IDs
	Now      func() time.Time

	// Who tells who makes a call, instead of Identity: the door of the console has its own people. nil: Identity does.
	Who func(ctx context.Context, token string) (*roundtrip.Principal, error)
	// Ledger is told of each write before it is done; nil: nobody is.
	Ledger Ledger
}

// Ledger writes down what is done to records.
type Ledger interface {
	// Writing is called for a write that is permitted and well formed, just before it is done. Its error refuses the write.
	Writing(ctx context.Context, p *policy.Permit) error
	// Failed says that a write of which Writing was called was not done, and why.
	Failed(ctx context.Context, p *policy.Permit, err error)
}

// Core is the one way from a door to the records. Its methods may be called by many goroutines.
type Core struct {
	schema   *schema.Schema
	policy   *policy.Engine
	store    store.Store
	identity *identity.Identity
	files    *files.Store
	inbox    *inbox.Service
	ids      *roundtrip.IDs
	now      func() time.Time
	asker    func(ctx context.Context, token string) (*roundtrip.Principal, error)
	ledger   Ledger
}

// New makes a Core. It does no I/O.
func New(o Options) (*Core, error) {
	if o.Schema == nil || o.Policy == nil || o.Store == nil || o.Identity == nil || o.IDs == nil || o.Now == nil {
		return nil, errors.New("handler: Schema, Policy, Store, Identity, IDs and Now must be given")
	}
	if o.Who == nil {
		o.Who = o.Identity.Who
	}
	return &Core{
		schema: o.Schema, policy: o.Policy, store: o.Store, identity: o.Identity, files: o.Files, inbox: o.Inbox, ids: o.IDs, now: o.Now,
		asker: o.Who, ledger: o.Ledger,
	}, nil
}

// Schema returns the collections that the Core serves.
func (c *Core) Schema() *schema.Schema { return c.schema }

// Identity returns who knows people, for the doors' sign-in pages.
func (c *Core) Identity() *identity.Identity { return c.identity }

// Files returns where the bytes of files lie, or nil.
func (c *Core) Files() *files.Store { return c.files }

// Inbox returns where notifications are read, or nil.
func (c *Core) Inbox() *inbox.Service { return c.inbox }

// NewID makes the id of a new record, where a door needs it before the write.
func (c *Core) NewID() roundtrip.ID { return c.ids.Next() }

// Now returns the time of a call, to the millisecond: all times that the house writes then have the same form as text, and
// sort as they happened.
func (c *Core) Now() time.Time { return c.now().Truncate(time.Millisecond) }

// Do carries one visit through the house. The rows reach v.Answer while they lie under the store's cursor; a write is
// durable when Do returns. The error is a *roundtrip.Error.
func (c *Core) Do(ctx context.Context, v *Visit) error {
	return v.through(ctx,
		c.identify, // 5  who is asking?
		c.permit,   // 6  may they? -> a Permit
		c.check,    // 7  is it well formed?
		c.execute,  // 8  one snapshot, or one transaction; the answer goes back to the door
	)
}

// Admit asks identity and policy alone, before a door reads a large body: a caller whom no record could make welcome is
// refused here. A later Do of the same visit does not identify again.
func (c *Core) Admit(ctx context.Context, v *Visit) error {
	if err := c.identify(ctx, v); err != nil {
		return err
	}
	if _, err := c.policy.Decide(v.Call, v.who); err != nil {
		return refused(trace.From(ctx).Begin(trace.Access, v.rule()), err)
	}
	return nil
}

// identify asks who holds the token. Package identity opens the step.
func (c *Core) identify(ctx context.Context, v *Visit) (err error) {
	if v.who == nil {
		v.who, err = c.asker(ctx, v.Token)
	}
	return err
}

// permit asks whether they may. The rule of an update may look at the input: what it sees must be what will be stored, so
// package schema brings that into form first. What is wrong with it is said by check, to those who may know.
func (c *Core) permit(ctx context.Context, v *Visit) error {
	if v.Call.Action == roundtrip.Update || v.Call.Action == roundtrip.Batch {
		v.wrong = c.checkInput(v.Call, v.who)
	}
	step := trace.From(ctx).Begin(trace.Access, v.rule())
	p, err := c.policy.Decide(v.Call, v.who)
	if err != nil {
		return refused(step, err)
	}
	v.permit = p
	if step = step.Note(p.Rule()); v.brings() {
		v.checking = step.Then(trace.OK, trace.Schema, v.rule())
	} else {
		step.OK()
	}
	return nil
}

// check looks at what a write brings. It follows upon permit at once, which opens the step.
func (c *Core) check(_ context.Context, v *Visit) error {
	if !v.brings() {
		return nil
	}
	step, err := v.checking, v.wrong
	if v.Call.Action == roundtrip.Create {
		err = c.checkInput(v.Call, v.who)
	}
	if err != nil {
		return refused(step, err)
	}
	step.OK()
	return nil
}

func (c *Core) checkInput(call *roundtrip.Call, who *roundtrip.Principal) error {
	switch call.Action {
	case roundtrip.Batch:
		return c.checkOps(call, who)
	case roundtrip.Create, roundtrip.Update:
		return c.schema.Check(call, who)
	case roundtrip.Get, roundtrip.List, roundtrip.Aggregate, roundtrip.Delete:
	}
	return nil
}

// execute reads or writes.
func (c *Core) execute(ctx context.Context, v *Visit) error {
	var err error
	if v.Call.Action.Writes() {
		err = c.write(ctx, v)
	} else {
		err = c.read(ctx, v)
	}
	if err != nil {
		noteRule(ctx, v, err)
	}
	return err
}

// noteRule says in the journey that it was the rule, put into the store's statement, that found nothing.
func noteRule(ctx context.Context, v *Visit, err error) {
	step := func() trace.Step { return trace.From(ctx).Begin(trace.Access, v.rule()).Note(v.permit.Rule()) }
	switch e := roundtrip.AsError(err); {
	case e.Kind == roundtrip.Denied || e.Kind == roundtrip.Unauthenticated:
		step().Deny(trace.ReasonOf(e.Reason))
	case e.Reason == "store.missing" && v.Call.Action == roundtrip.Get && !v.permit.Always():
		step().Deny(trace.ReasonOf("access.hidden"))
	}
}

// refused closes a step with the reason of an error.
func refused(step trace.Step, err error) error {
	e := roundtrip.AsError(err)
	switch e.Kind {
	case roundtrip.Internal, roundtrip.Unavailable:
		step.End(trace.Fail, trace.ReasonOf(e.Reason))
	case roundtrip.Deadline:
		step.End(trace.Timeout, trace.ReasonOf(e.Reason))
	default:
		step.Deny(trace.ReasonOf(e.Reason))
	}
	return e
}

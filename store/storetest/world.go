package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// world is one test's gallery and the people in it.
type world struct {
	Env
	schema *roundtrip.Schema
	rules  *policy.Engine
}

func newWorld(t *testing.T, open func(*testing.T, *roundtrip.Schema) Env) *world {
	t.Helper()
	schema := Gallery()
	w := &world{Env: open(t, schema), schema: schema}
	var err error
	if w.rules, err = policy.New(schema, make([]byte, 32)); err != nil {
		t.Fatalf("the rules of the gallery: %v", err)
	}
	return w
}

// fields are the values of a record by name.
type fields map[string]roundtrip.Value

func (w *world) record(t *testing.T, collection string, f fields) *roundtrip.Record {
	t.Helper()
	r := roundtrip.NewRecord(w.schema.Lookup(collection))
	for name, v := range f {
		if !r.PutName(name, v) {
			t.Fatalf("%s has no field %s", collection, name)
		}
	}
	return r
}

// user makes an account and returns it as a caller.
func (w *world) user(t *testing.T, handle string, roles ...string) *roundtrip.Principal {
	t.Helper()
	r, err := w.CreateAccount(t.Context(), w.record(t, "users", fields{"handle": roundtrip.Text(handle)}), roundtrip.Credential{Password: "x", Roles: roles}, nil)
	if err != nil {
		t.Fatalf("creating %s: %v", handle, err)
	}
	return &roundtrip.Principal{ID: r.ID(), Account: r, Roles: roles}
}

func (w *world) call(t *testing.T, action roundtrip.Action, collection string) *roundtrip.Call {
	t.Helper()
	return &roundtrip.Call{Action: action, Collection: w.schema.Lookup(collection), Time: w.Now()}
}

func (w *world) creating(t *testing.T, collection string, f fields) *roundtrip.Call {
	t.Helper()
	c := w.call(t, roundtrip.Create, collection)
	c.Input = w.record(t, collection, f)
	return c
}

func (w *world) updating(t *testing.T, collection string, id roundtrip.ID, f fields) *roundtrip.Call {
	t.Helper()
	c := w.call(t, roundtrip.Update, collection)
	c.ID, c.Input = id, w.record(t, collection, f)
	return c
}

func (w *world) deleting(t *testing.T, collection string, id roundtrip.ID) *roundtrip.Call {
	t.Helper()
	c := w.call(t, roundtrip.Delete, collection)
	c.ID = id
	return c
}

func (w *world) batch(t *testing.T, ops ...*roundtrip.Call) *roundtrip.Call {
	t.Helper()
	c := w.call(t, roundtrip.Batch, "")
	c.Collection = nil
	for _, op := range ops {
		c.Ops = append(c.Ops, *op)
	}
	return c
}

// write decides and writes.
func (w *world) write(ctx context.Context, call *roundtrip.Call, who *roundtrip.Principal) (*store.Result, error) {
	p, err := w.rules.Decide(call, who)
	if err != nil {
		return nil, err
	}
	return w.Write(ctx, p)
}

// must writes what has to succeed and returns the first record.
func (w *world) must(t *testing.T, call *roundtrip.Call, who *roundtrip.Principal) *roundtrip.Record {
	t.Helper()
	result, err := w.write(t.Context(), call, who)
	if err != nil {
		t.Fatalf("%s %s: %v", call.Action, nameOf(call), err)
	}
	return result.Records[0]
}

func nameOf(call *roundtrip.Call) string {
	if call.Collection == nil {
		return ""
	}
	return call.Collection.Name
}

// photo makes a photo of somebody.
func (w *world) photo(t *testing.T, who *roundtrip.Principal, f fields) *roundtrip.Record {
	t.Helper()
	all := fields{"author": roundtrip.Ref(who.ID)}
	for name, v := range f {
		all[name] = v
	}
	return w.must(t, w.creating(t, "photos", all), who)
}

func (w *world) like(t *testing.T, who *roundtrip.Principal, photo roundtrip.ID) *roundtrip.Record {
	t.Helper()
	return w.must(t, w.creating(t, "likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo)}), who)
}

// read gets a record, or the error.
func (w *world) read(ctx context.Context, collection string, id roundtrip.ID, who *roundtrip.Principal) (*roundtrip.Record, error) {
	c := &roundtrip.Call{Action: roundtrip.Get, Collection: w.schema.Lookup(collection), ID: id, Time: w.Now()}
	p, err := w.rules.Decide(c, who)
	if err != nil {
		return nil, err
	}
	var r *roundtrip.Record
	err = w.View(ctx, func(v store.View) error {
		return v.Get(p, func(row roundtrip.Row) error {
			r = roundtrip.CopyRow(c.Collection, row)
			return nil
		})
	})
	return r, err
}

func (w *world) get(t *testing.T, collection string, id roundtrip.ID, who *roundtrip.Principal) *roundtrip.Record {
	t.Helper()
	r, err := w.read(t.Context(), collection, id, who)
	if err != nil {
		t.Fatalf("get %s %s: %v", collection, id, err)
	}
	return r
}

// list gives one page.
func (w *world) list(ctx context.Context, collection string, q roundtrip.Query, who *roundtrip.Principal) ([]*roundtrip.Record, store.Page, *policy.Permit, error) {
	c := &roundtrip.Call{Action: roundtrip.List, Collection: w.schema.Lookup(collection), Query: q, Time: w.Now()}
	p, err := w.rules.Decide(c, who)
	if err != nil {
		return nil, store.Page{}, nil, err
	}
	var all []*roundtrip.Record
	var page store.Page
	err = w.View(ctx, func(v store.View) error {
		all = nil
		page, err = v.List(p, func(row roundtrip.Row) error {
			all = append(all, roundtrip.CopyRow(c.Collection, row))
			return nil
		})
		return err
	})
	return all, page, p, err
}

func (w *world) all(t *testing.T, collection string, q roundtrip.Query, who *roundtrip.Principal) []*roundtrip.Record {
	t.Helper()
	records, _, _, err := w.list(t.Context(), collection, q, who)
	if err != nil {
		t.Fatalf("list %s %+v: %v", collection, q, err)
	}
	return records
}

// wants fails unless err is of a kind and reason; it returns the error to look at its details.
func wants(t *testing.T, err error, kind roundtrip.Kind, reason string) *roundtrip.Error {
	t.Helper()
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok {
		t.Fatalf("got %v, want an error %s %s", err, kind, reason)
	}
	if e.Kind != kind || e.Reason != reason {
		t.Fatalf("got %s %q (%v), want %s %q", e.Kind, e.Reason, e, kind, reason)
	}
	return e
}

// pointers returns where an error points to.
func pointers(e *roundtrip.Error) []string {
	var all []string
	for _, d := range e.Details {
		all = append(all, d.Pointer)
	}
	return all
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

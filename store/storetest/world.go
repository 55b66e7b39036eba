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
	*testing.T
	Env
	schema *roundtrip.Schema
	rules  *policy.Engine
}

func newWorldOf(t *testing.T, open func(*testing.T, *roundtrip.Schema) Env, schema *roundtrip.Schema) *world {
	t.Helper()
	w := &world{T: t, Env: open(t, schema), schema: schema}
	var err error
	if w.rules, err = policy.New(schema, make([]byte, 32)); err != nil {
		t.Fatalf("the rules of the gallery: %v", err)
	}
	return w
}

// fields are the values of a record by name.
type fields map[string]roundtrip.Value

func (w *world) record(collection string, f fields) *roundtrip.Record {
	w.Helper()
	r := roundtrip.NewRecord(w.schema.Lookup(collection))
	for name, v := range f {
		if !r.PutName(name, v) {
			w.Fatalf("%s has no field %s", collection, name)
		}
	}
	return r
}

// user makes an account and returns it as a caller.
func (w *world) user(handle string, roles ...string) *roundtrip.Principal {
	w.Helper()
	r, err := w.CreateAccount(w.Context(), w.record("users", fields{"handle": roundtrip.Text(handle)}), roundtrip.Credential{Password: "x", Roles: roles}, nil)
	if err != nil {
		w.Fatalf("creating %s: %v", handle, err)
	}
	return &roundtrip.Principal{ID: r.ID(), Account: r, Roles: roles}
}

func (w *world) call(action roundtrip.Action, collection string) *roundtrip.Call {
	w.Helper()
	return &roundtrip.Call{Action: action, Collection: w.schema.Lookup(collection), Time: w.Now()}
}

func (w *world) creating(collection string, f fields) *roundtrip.Call {
	w.Helper()
	c := w.call(roundtrip.Create, collection)
	c.Input = w.record(collection, f)
	return c
}

func (w *world) updating(collection string, id roundtrip.ID, f fields) *roundtrip.Call {
	w.Helper()
	c := w.call(roundtrip.Update, collection)
	c.ID, c.Input = id, w.record(collection, f)
	return c
}

func (w *world) deleting(collection string, id roundtrip.ID) *roundtrip.Call {
	w.Helper()
	c := w.call(roundtrip.Delete, collection)
	c.ID = id
	return c
}

func (w *world) batch(ops ...*roundtrip.Call) *roundtrip.Call {
	w.Helper()
	c := w.call(roundtrip.Batch, "")
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
func (w *world) must(call *roundtrip.Call, who *roundtrip.Principal) *roundtrip.Record {
	w.Helper()
	result, err := w.write(w.Context(), call, who)
	if err != nil {
		w.Fatalf("%s %s: %v", call.Action, nameOf(call), err)
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
func (w *world) photo(who *roundtrip.Principal, f fields) *roundtrip.Record {
	w.Helper()
	all := fields{"author": roundtrip.Ref(who.ID)}
	for name, v := range f {
		all[name] = v
	}
	return w.must(w.creating("photos", all), who)
}

func (w *world) like(who *roundtrip.Principal, photo roundtrip.ID) *roundtrip.Record {
	w.Helper()
	return w.must(w.creating("likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo)}), who)
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

func (w *world) get(collection string, id roundtrip.ID, who *roundtrip.Principal) *roundtrip.Record {
	w.Helper()
	r, err := w.read(w.Context(), collection, id, who)
	if err != nil {
		w.Fatalf("get %s %s: %v", collection, id, err)
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

func (w *world) all(collection string, q roundtrip.Query, who *roundtrip.Principal) []*roundtrip.Record {
	w.Helper()
	records, _, _, err := w.list(w.Context(), collection, q, who)
	if err != nil {
		w.Fatalf("list %s %+v: %v", collection, q, err)
	}
	return records
}

// wants fails unless err is of a kind and reason; it returns the error to look at its details.
func wants(w *world, err error, kind roundtrip.Kind, reason string) *roundtrip.Error {
	w.Helper()
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok {
		w.Fatalf("got %v, want an error %s %s", err, kind, reason)
	}
	if e.Kind != kind || e.Reason != reason {
		w.Fatalf("got %s %q (%v), want %s %q", e.Kind, e.Reason, e, kind, reason)
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

func equal[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

package wire_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
	"github.com/roundtrip-dev/roundtrip/internal/walk"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// permit decides a call of a stranger, to whom all is allowed.
func (w world) permit(t testing.TB, call *roundtrip.Call) *policy.Permit {
	t.Helper()
	for _, c := range w.schema.Collections {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: "true"}
		}
	}
	engine, err := policy.New(w.schema, bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Decide(call, &roundtrip.Principal{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hopsOf lays out what a permit expands, parents first.
func hopsOf(p *policy.Permit) []handler.Hop {
	hops := []handler.Hop{{Parent: -1, Permit: p}}
	for at := 0; at < len(hops); at++ {
		for _, e := range hops[at].Permit.Query().Expand {
			hops = append(hops, handler.Hop{Parent: at, Field: e.Field, Name: e.Name, Permit: e.Permit})
		}
	}
	return hops
}

// answer gives the rows of each hop to an Answer, in both formats.
func (w world) answer(t testing.TB, p *policy.Permit, rows [][]roundtrip.Row, next string, total int64) map[wire.Format][]byte {
	t.Helper()
	bodies := map[wire.Format][]byte{}
	var a wire.Answer
	for _, f := range []wire.Format{wire.Proto, wire.JSON} {
		a.Start(w.plans, f, p.Action())
		hops := hopsOf(p)
		if err := a.Begin(t.Context(), p, hops); err != nil {
			t.Fatal(err)
		}
		for hop := range hops {
			for _, row := range rows[hop] {
				if err := a.Row(hop, row); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := a.End(next, total, false); err != nil {
			t.Fatal(err)
		}
		bodies[f] = bytes.Clone(a.Bytes())
	}
	return bodies
}

// randomPaths are refs to follow, some of them through others.
func randomPaths(r *rand.Rand, c *roundtrip.Collection) []string {
	var paths []string
	for range r.IntN(4) {
		var names []string
		at := c
		for range 1 + r.IntN(3) {
			var refs []*roundtrip.Field
			for _, f := range at.Fields {
				if f.Type == roundtrip.TypeRef {
					refs = append(refs, f)
				}
			}
			if len(refs) == 0 {
				break
			}
			f := pick(r, refs...)
			names, at = append(names, f.Name), f.To
		}
		if len(names) > 0 {
			paths = append(paths, strings.Join(names, "."))
		}
	}
	return paths
}

// A list with refs followed is the message that descriptors make of the same records.
func TestAnswer_ListIsWhatProtobufMakesOfIt(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 2026))
	for range walk.Steps(150) {
		w := newWorld(t, randomSchema(r))
		c := pick(r, w.schema.Collections...)
		call := &roundtrip.Call{Action: pick(r, roundtrip.List, roundtrip.List, roundtrip.Get), Collection: c, ID: 1}
		call.Query.Expand = randomPaths(r, c)
		if r.IntN(2) == 0 {
			call.Query.Fields = []string{pick(r, c.FieldNames()...), pick(r, c.FieldNames()...)}
		}
		p := w.permit(t, call)
		hops := hopsOf(p)
		ids := make([]roundtrip.ID, 6) // few, so that many refs lead to the same record
		for i := range ids {
			ids[i] = roundtrip.ID(1 + r.Int64N(1<<50))
		}
		stored := make([]map[roundtrip.ID]*roundtrip.Record, len(hops)) // what each hop shows
		rows := make([][]roundtrip.Row, len(hops))
		for i, h := range hops {
			stored[i] = map[roundtrip.ID]*roundtrip.Record{}
			for _, id := range ids {
				if i == 0 && call.Action == roundtrip.Get && len(rows[0]) == 1 || i > 0 && r.IntN(4) == 0 {
					continue // not there, or not to be seen
				}
				record := randomRecord(r, h.Permit.Collection())
				record.Put(roundtrip.FieldID, roundtrip.Ref(id))
				for j, f := range record.Collection.Fields {
					if f.Type == roundtrip.TypeRef && !record.Null(j) {
						record.Put(j, roundtrip.Ref(pick(r, ids...)))
					}
				}
				stored[i][id] = record
				rows[i] = append(rows[i], record)
			}
		}
		var message func(hop int, record *roundtrip.Record) *dynamicpb.Message
		message = func(hop int, record *roundtrip.Record) *dynamicpb.Message {
			m := w.message(t, record, hops[hop].Permit.Query().Fields)
			for i, h := range hops {
				if h.Parent != hop {
					continue
				}
				expand := m.Mutable(m.Descriptor().Fields().ByName("expand")).Message()
				if record.Null(h.Field) {
					continue
				}
				if to, ok := stored[i][roundtrip.ID(record.Int(h.Field))]; ok {
					expand.Set(expand.Descriptor().Fields().ByName(protoreflect.Name(h.Name)), protoreflect.ValueOfMessage(message(i, to)))
				}
			}
			return m
		}
		if call.Action == roundtrip.Get {
			b := w.answer(t, p, rows, "", -1)
			sameAs(t, message(0, rows[0][0].(*roundtrip.Record)), b[wire.Proto], b[wire.JSON])
			continue
		}
		next, total := pick(r, "", "token-1_x"), pick(r, int64(-1), 0, 77)
		want := dynamicpb.NewMessage(w.api.Message(w.plural("List", c) + "Response"))
		fields := want.Descriptor().Fields()
		for _, row := range rows[0] {
			want.Mutable(fields.ByNumber(1)).List().Append(protoreflect.ValueOfMessage(message(0, row.(*roundtrip.Record))))
		}
		if next != "" {
			want.Set(fields.ByName("next_page_token"), protoreflect.ValueOfString(next))
		}
		if total >= 0 {
			want.Set(fields.ByName("total_size"), protoreflect.ValueOfInt64(total))
		}
		b := w.answer(t, p, rows, next, total)
		sameAs(t, want, b[wire.Proto], b[wire.JSON])
	}
}

// plural is the name of a message about several records: ListPhotos.
func (w world) plural(verb string, c *roundtrip.Collection) string {
	return verb + strings.ToUpper(c.Name[:1]) + c.Name[1:]
}

// rowValues is a row of any values.
type rowValues []roundtrip.Value

func (r rowValues) Null(i int) bool     { return r[i].IsNull() }
func (r rowValues) Int(i int) int64     { return r[i].Int() }
func (r rowValues) Float(i int) float64 { return r[i].Float() }
func (r rowValues) Bytes(i int) []byte  { return []byte(r[i].Text()) }

func TestAnswer_GroupsAreWhatProtobufMakesOfThem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 2026))
	w := gallery(t)
	c := w.schema.Lookup("photos")
	for _, tt := range []struct{ groups, selects string }{
		{"", "count"},
		{"author,private", ""},
		{"author", "max(taken),count,sum(rank),sum(weight),min(taken),avg(weight),avg(rank),sum(likes),min(weight)"},
		{"title,rank,author", "avg(likes)"},
		{"", "max(create_time),min(rank)"},
	} {
		call := &roundtrip.Call{Action: roundtrip.Aggregate, Collection: c}
		call.Query.GroupBy, call.Query.Select = cut(tt.groups), cut(tt.selects)
		if len(call.Query.Select) == 0 {
			call.Query.Select = []string{"count"}
		}
		p := w.permit(t, call)
		q := p.Query()
		want := dynamicpb.NewMessage(w.api.Message(w.plural("Aggregate", c) + "Response"))
		list := want.Mutable(want.Descriptor().Fields().ByName("groups")).List()
		var rows []roundtrip.Row
		for range 20 {
			var values rowValues
			group := list.AppendMutable().Message()
			part := func(name string) protoreflect.FieldDescriptor {
				return group.Descriptor().Fields().ByName(protoreflect.Name(name))
			}
			put := func(section string, field int) {
				v := roundtrip.Value{}
				if r.IntN(4) > 0 {
					v = randomValue(r, c.Fields[field])
				}
				values = append(values, v)
				m := group.Mutable(part(section)).Message()
				if !v.IsNull() {
					w.put(t, m, &roundtrip.Record{Collection: c, Values: values}, field, len(values)-1)
				}
			}
			for _, f := range q.Groups {
				put("by", f)
			}
			for _, g := range q.Aggregates {
				switch g.Func {
				case policy.CountAll:
					v := roundtrip.Int(r.Int64N(3))
					values = append(values, v)
					group.Set(part("count"), protoreflect.ValueOfInt64(v.Int()))
				case policy.Avg:
					v := pick(r, roundtrip.Value{}, roundtrip.Float(0), roundtrip.Float(r.NormFloat64()))
					values = append(values, v)
					if !v.IsNull() {
						group.Mutable(part("avg")).Map().Set(protoreflect.ValueOfString(c.Fields[g.Field].Name).MapKey(), protoreflect.ValueOfFloat64(v.Float()))
					}
				case policy.Sum:
					put("sum", g.Field)
				case policy.Min:
					put("min", g.Field)
				case policy.Max:
					put("max", g.Field)
				}
			}
			rows = append(rows, values)
		}
		b := w.answer(t, p, [][]roundtrip.Row{rows}, "", -1)
		sameAs(t, want, b[wire.Proto], b[wire.JSON])
	}
}

func cut(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func TestAnswer_TellsWhatWasWritten(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	c := w.schema.Lookup("photos")
	record := photo(w, "")
	for _, tt := range []struct {
		name    string
		action  roundtrip.Action
		written []*roundtrip.Record
		message string
		want    func() *dynamicpb.Message
	}{
		{"create", roundtrip.Create, []*roundtrip.Record{record}, "Photo", func() *dynamicpb.Message { return w.message(t, record, nil) }},
		{"update of what may not be read", roundtrip.Update, []*roundtrip.Record{nil}, "Photo", func() *dynamicpb.Message {
			m := dynamicpb.NewMessage(w.api.Message("Photo"))
			m.Set(m.Descriptor().Fields().ByName("etag"), protoreflect.ValueOfString("7"))
			return m
		}},
		{"batch", roundtrip.Batch, []*roundtrip.Record{record, nil, record}, "BatchResponse", func() *dynamicpb.Message {
			m := dynamicpb.NewMessage(w.api.Message("BatchResponse"))
			list := m.Mutable(m.Descriptor().Fields().ByName("results")).List()
			for _, written := range []bool{true, false, true} {
				result := list.AppendMutable().Message()
				if !written {
					continue
				}
				one := result.Mutable(result.Descriptor().Fields().ByName("record")).Message()
				one.Set(one.Descriptor().Fields().ByName("photos"), protoreflect.ValueOfMessage(w.message(t, record, nil)))
			}
			return m
		}},
	} {
		bodies := map[wire.Format][]byte{}
		for _, f := range []wire.Format{wire.Proto, wire.JSON} {
			var a wire.Answer
			a.Start(w.plans, f, tt.action)
			before := false
			a.Before = func(context.Context) error { before = true; return nil }
			call := &roundtrip.Call{Action: tt.action, Collection: c, ID: record.ID(), Input: record}
			if tt.action == roundtrip.Batch {
				call = &roundtrip.Call{Action: tt.action, Ops: []roundtrip.Call{{Action: roundtrip.Delete, Collection: c, ID: record.ID()}}}
			}
			p := w.permit(t, call)
			if err := a.Begin(t.Context(), p, nil); err != nil || !before {
				t.Fatal(err, before)
			}
			for i, r := range tt.written {
				if err := a.Written(i, r, 7); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.End("", -1, true); err != nil {
				t.Fatal(err)
			}
			last := tt.written[len(tt.written)-1]
			if a.ETag != 7 || !a.Replayed || a.Hidden != (last == nil) || last != nil && a.Wrote != last.ID() {
				t.Errorf("%s: etag %d, replayed %v, hidden %v, wrote %v", tt.name, a.ETag, a.Replayed, a.Hidden, a.Wrote)
			}
			bodies[f] = bytes.Clone(a.Bytes())
		}
		sameAs(t, tt.want(), bodies[wire.Proto], bodies[wire.JSON])
	}
}

func TestAnswer_OfADeleteIsEmpty(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	c := w.schema.Lookup("photos")
	for f, want := range map[wire.Format]string{wire.Proto: "", wire.JSON: "{}"} {
		var a wire.Answer
		a.Start(w.plans, f, roundtrip.Delete)
		if err := errors.Join(a.Begin(t.Context(), w.permit(t, &roundtrip.Call{Action: roundtrip.Delete, Collection: c, ID: 1}), nil), a.Written(0, nil, 0), a.End("", -1, false)); err != nil {
			t.Fatal(err)
		}
		if string(a.Bytes()) != want {
			t.Errorf("format %d: %q", f, a.Bytes())
		}
	}
}

// What is written before a write is refused refuses it.
func TestAnswer_PassesOnWhatFailsBeforeAWrite(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	var a wire.Answer
	a.Start(w.plans, wire.Proto, roundtrip.Delete)
	failure := errors.New("no place")
	a.Before = func(context.Context) error { return failure }
	p := w.permit(t, &roundtrip.Call{Action: roundtrip.Delete, Collection: w.schema.Lookup("photos"), ID: 1})
	if err := a.Begin(t.Context(), p, nil); !errors.Is(err, failure) {
		t.Error(err)
	}
}

// An answer has a limit, also where it grows only when records are put into each other.
func TestAnswer_HasALimit(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	users, photos := w.schema.Lookup("users"), w.schema.Lookup("photos")
	big := roundtrip.NewRecord(users)
	big.Put(roundtrip.FieldID, roundtrip.Ref(5))
	big.PutName("handle", roundtrip.Text(strings.Repeat("x", 1<<20)))
	small := roundtrip.NewRecord(photos)
	small.Put(roundtrip.FieldID, roundtrip.Ref(6))
	small.PutName("author", roundtrip.Ref(5))
	large := small.Clone()
	large.PutName("title", roundtrip.Text(strings.Repeat("x", 1<<20)))
	for name, expand := range map[string][]string{"rows": nil, "woven": {"author"}} {
		for _, f := range []wire.Format{wire.Proto, wire.JSON} {
			var a wire.Answer
			a.Start(w.plans, f, roundtrip.List)
			p := w.permit(t, &roundtrip.Call{Action: roundtrip.List, Collection: photos, Query: roundtrip.Query{Expand: expand}})
			err := a.Begin(t.Context(), p, hopsOf(p))
			row := large
			if expand != nil {
				row = small
				err = errors.Join(err, a.Row(1, big))
			}
			for range 17 {
				err = errors.Join(err, a.Row(0, row))
			}
			err = errors.Join(err, a.End("", -1, false))
			if err == nil || roundtrip.AsError(err).Kind != roundtrip.Unprocessable {
				t.Errorf("%s, format %d: %v", name, f, err)
			}
			if len(a.Bytes()) > tree.MaxBytes+2<<20 {
				t.Errorf("%s, format %d: %d bytes were written", name, f, len(a.Bytes()))
			}
		}
	}
}

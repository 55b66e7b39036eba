package policy_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func BenchmarkDecide(b *testing.B) {
	g := newGallery()
	e := g.engine(b)
	ana := g.person(1)
	list := callOf(g.photos, roundtrip.List)
	list.Query.Filter = `likes > 10 && author.handle == "ana"`
	list.Query.OrderBy = "create_time desc"
	for _, bench := range []struct {
		name string
		call *roundtrip.Call
		who  *roundtrip.Principal
	}{
		{"get, rule is true", callOf(g.users, roundtrip.Get), ana},
		{"get, rule with exists", callOf(g.photos, roundtrip.Get), ana},
		{"update", callOf(g.photos, roundtrip.Update), ana},
		{"list", callOf(g.photos, roundtrip.List), ana},
		{"list with filter and order", list, ana},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Decide(bench.call, bench.who); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	g := newGallery()
	g.photos.Rules[roundtrip.Get] = roundtrip.Rule{Source: "!record.private || auth.id == record.author"}
	e := g.engine(b)
	row := roundtrip.NewRecord(g.photos)
	row.PutName("private", roundtrip.Bool(true))
	row.PutName("author", roundtrip.Ref(1))
	row.PutName("caption", roundtrip.Text("a photo of the sun"))
	call := callOf(g.photos, roundtrip.List)
	for _, bench := range []struct{ name, filter string }{{"rule", ""}, {"rule and filter", `caption.contains("sun") && private`}} {
		b.Run(bench.name, func(b *testing.B) {
			call.Query.Filter = bench.filter
			p, err := e.Decide(call, g.person(1))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if allowed, known := p.Check(row); !allowed || !known {
					b.Fatal("the row is not allowed")
				}
			}
		})
	}
}

func BenchmarkAppendCondition(b *testing.B) {
	g := newGallery()
	e := g.engine(b)
	for _, bench := range []struct {
		name       string
		collection *roundtrip.Collection
		form       policy.Form
	}{{"exists", g.photos, policy.Scalar}, {"readable, joined", g.comments, policy.Joined}} {
		b.Run(bench.name, func(b *testing.B) {
			p, err := e.Decide(callOf(bench.collection, roundtrip.List), g.person(1))
			if err != nil {
				b.Fatal(err)
			}
			s := policy.SQL{Dialect: policy.SQLite}
			b.ReportAllocs()
			for b.Loop() {
				s.Reset()
				p.AppendJoins(&s)
				p.AppendCondition(&s, bench.form)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	g := newGallery()
	b.ReportAllocs()
	for b.Loop() {
		g.engine(b)
	}
}

func BenchmarkToken(b *testing.B) {
	g := newGallery()
	e := g.engine(b)
	p, err := e.Decide(callOf(g.photos, roundtrip.List), g.person(1))
	if err != nil {
		b.Fatal(err)
	}
	last := []roundtrip.Value{roundtrip.Ref(7)}
	b.ReportAllocs()
	for b.Loop() {
		p.Query().Token(last)
	}
}

package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func listTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"EveryOrderPagesOverAll": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			w.scatter(t, ana, 60)
			for _, order := range []string{
				"", "create_time desc", "caption", "caption desc", "stars", "stars desc", "stars, caption desc", "stars desc, caption",
				"rating desc, stars desc", "taken, id desc", "private desc, views", "author, create_time desc", "likes desc", "id desc",
			} {
				w.pages(t, ana, order)
			}
		},
		"FilterAndTotal": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			for i := range 10 {
				w.photo(t, ana, fields{"views": roundtrip.Int(int64(i)), "private": roundtrip.Bool(i%2 == 0)})
			}
			records, page, _, err := w.list(t.Context(), "photos", roundtrip.Query{Filter: "views >= 4", Count: true, PageSize: 2, OrderBy: "views"}, bo)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "records", len(records), 2)
			equal(t, "first", records[0].Get("views"), roundtrip.Int(5))
			equal(t, "total", page.Total, 3)
			if page.Next == nil {
				t.Fatal("there is a next page")
			}
			_, page, _, err = w.list(t.Context(), "photos", roundtrip.Query{Filter: "views >= 4", PageSize: 3}, bo)
			if err != nil || page.Next != nil || page.Total != -1 {
				t.Fatalf("the page holds all: %+v, %v", page, err)
			}
		},
		"FilterOverRefs": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			w.photo(t, ana, nil)
			w.photo(t, bo, nil)
			got := w.all(t, "photos", roundtrip.Query{Filter: `author.handle == "ana"`}, bo)
			equal(t, "photos", len(got), 1)
			equal(t, "author", got[0].Get("author"), roundtrip.Ref(ana.ID))
		},
		"RuleOverRefsHides": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			for _, private := range []bool{true, false} {
				p := w.photo(t, ana, fields{"private": roundtrip.Bool(private)})
				w.must(t, w.creating(t, "comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}), ana)
			}
			equal(t, "ana sees", len(w.all(t, "comments", roundtrip.Query{}, ana)), 2)
			equal(t, "bo sees", len(w.all(t, "comments", roundtrip.Query{}, bo)), 1)
			equal(t, "strangers see", len(w.all(t, "comments", roundtrip.Query{}, nil)), 1)
		},
		"HostileText": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			evil := `'"; DROP TABLE photos; --`
			w.photo(t, ana, fields{"caption": roundtrip.Text(evil)})
			got := w.all(t, "photos", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "caption", Value: evil}}}, ana)
			equal(t, "photos", len(got), 1)
		},
	}
}

// scatter makes photos with few different values and many nulls, so that orders have ties.
func (w *world) scatter(t *testing.T, who *roundtrip.Principal, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same data each time
	for range n {
		f := fields{}
		put := func(name string, v roundtrip.Value) {
			if random.IntN(3) > 0 {
				f[name] = v
			}
		}
		put("caption", roundtrip.Text([]string{"", "a", "B", "ä", "a b"}[random.IntN(5)]))
		put("stars", roundtrip.Int(random.Int64N(4)))
		put("rating", roundtrip.Float(float64(random.IntN(3))/2))
		put("taken", roundtrip.Micros(random.Int64N(3)-1))
		put("private", roundtrip.Bool(random.IntN(2) == 0))
		put("views", roundtrip.Int(random.Int64N(3)))
		w.photo(t, who, f)
	}
}

// pages walks through all pages of an order and compares with what a sort in memory gives.
func (w *world) pages(t *testing.T, who *roundtrip.Principal, order string) {
	t.Helper()
	var walked []roundtrip.ID
	q := roundtrip.Query{OrderBy: order, PageSize: 7}
	for {
		records, page, permit, err := w.list(t.Context(), "photos", q, who)
		if err != nil {
			t.Fatalf("order %q: %v", order, err)
		}
		for _, r := range records {
			walked = append(walked, r.ID())
		}
		if page.Next == nil {
			break
		}
		if len(walked) > 1000 {
			t.Fatalf("order %q does not end", order)
		}
		q.PageToken = permit.Query().Token(page.Next)
	}
	want := w.all(t, "photos", roundtrip.Query{PageSize: 200}, who)
	slices.SortFunc(want, func(a, b *roundtrip.Record) int { return compareBy(order, a, b) })
	if len(want) != len(walked) {
		t.Fatalf("order %q: %d records over all pages, want %d", order, len(walked), len(want))
	}
	for i := range want {
		if want[i].ID() != walked[i] {
			t.Fatalf("order %q: another record at %d", order, i)
		}
	}
}

// compareBy is the order that a list promises: nulls before all values, and ids last, in the direction of the field
// before them.
func compareBy(order string, a, b *roundtrip.Record) int {
	sign := 1
	for _, part := range append(strings.Split(order, ","), "id") {
		name, direction, _ := strings.Cut(strings.TrimSpace(part), " ")
		if name == "" {
			continue
		}
		if name != "id" || direction != "" {
			sign = 1 - 2*boolInt(direction == "desc")
		}
		if c := compareValues(a.Get(name), b.Get(name)); c != 0 {
			return sign * c
		}
	}
	return 0
}

func compareValues(a, b roundtrip.Value) int {
	switch {
	case a.IsNull() || b.IsNull():
		return boolInt(!a.IsNull()) - boolInt(!b.IsNull())
	case a.Kind() == roundtrip.FloatValue:
		return boolInt(a.Float() > b.Float()) - boolInt(a.Float() < b.Float())
	case a.Kind() == roundtrip.TextValue:
		return strings.Compare(a.Text(), b.Text())
	}
	return boolInt(a.Int() > b.Int()) - boolInt(a.Int() < b.Int())
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func aggregateTests() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"GroupsAndSums": func(t *testing.T, w *world) {
			ana, bo := w.user(t, "ana"), w.user(t, "bo")
			for i := range 4 {
				w.photo(t, ana, fields{"views": roundtrip.Int(int64(i)), "private": roundtrip.Bool(i == 3)})
			}
			w.photo(t, bo, fields{"views": roundtrip.Int(10)})
			got := w.groups(t, roundtrip.Query{GroupBy: []string{"author"}, Select: []string{"count", "sum(views)", "max(views)"}}, bo)
			want := [][]int64{{int64(ana.ID), 3, 3, 2}, {int64(bo.ID), 1, 10, 10}}
			if !slices.EqualFunc(got, want, slices.Equal[[]int64]) {
				t.Fatalf("got %v, want %v", got, want)
			}
		},
		"CountOfNothing": func(t *testing.T, w *world) {
			got := w.groups(t, roundtrip.Query{Select: []string{"count"}}, nil)
			if len(got) != 1 || got[0][0] != 0 {
				t.Fatalf("got %v", got)
			}
		},
		"SumOverflow": func(t *testing.T, w *world) {
			ana := w.user(t, "ana")
			for range 2 {
				w.photo(t, ana, fields{"views": roundtrip.Int(1<<63 - 1)})
			}
			p, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.Aggregate, Collection: w.schema.Lookup("photos"), Query: roundtrip.Query{Select: []string{"sum(views)"}}}, ana)
			if err != nil {
				t.Fatal(err)
			}
			err = w.View(t.Context(), func(v store.View) error { return v.Aggregate(p, func(roundtrip.Row) error { return nil }) })
			wants(t, err, roundtrip.Unprocessable, "store.failed")
		},
	}
}

func (w *world) groups(t *testing.T, q roundtrip.Query, who *roundtrip.Principal) [][]int64 {
	t.Helper()
	call := w.call(t, roundtrip.Aggregate, "photos")
	call.Query = q
	p, err := w.rules.Decide(call, who)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]int64
	err = w.View(t.Context(), func(v store.View) error {
		return v.Aggregate(p, func(row roundtrip.Row) error {
			var g []int64
			for i := range len(q.GroupBy) + len(q.Select) {
				g = append(g, row.Int(i))
			}
			all = append(all, g)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

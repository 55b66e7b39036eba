package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func listTests() map[string]func(*world) {
	return map[string]func(*world){
		"EveryOrderPagesOverAll": func(w *world) {
			ana := w.user("ana")
			w.scatter(ana, 60)
			for _, order := range []string{
				"", "create_time desc", "caption", "caption desc", "stars", "stars desc", "stars, caption desc", "stars desc, caption",
				"rating desc, stars desc", "taken, id desc", "private desc, views", "author, create_time desc", "likes desc", "id desc",
			} {
				w.pages(ana, order)
			}
		},
		"FilterAndTotal": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			for i := range 10 {
				w.photo(ana, fields{"views": roundtrip.Int(int64(i)), "private": roundtrip.Bool(i%2 == 0)})
			}
			records, page, _, err := w.list(w.Context(), "photos", roundtrip.Query{Filter: "views >= 4", Count: true, PageSize: 2, OrderBy: "views"}, bo)
			if err != nil {
				w.Fatal(err)
			}
			equal(w, "records", len(records), 2)
			equal(w, "first", records[0].Get("views"), roundtrip.Int(5))
			equal(w, "total", page.Total, 3)
			if page.Next == nil {
				w.Fatal("there is a next page")
			}
			_, page, _, err = w.list(w.Context(), "photos", roundtrip.Query{Filter: "views >= 4", PageSize: 3}, bo)
			if err != nil || page.Next != nil || page.Total != -1 {
				w.Fatalf("the page holds all: %+v, %v", page, err)
			}
		},
		"FilterOverRefs": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			w.photo(ana, nil)
			w.photo(bo, nil)
			got := w.all("photos", roundtrip.Query{Filter: `author.handle == "ana"`}, bo)
			equal(w, "photos", len(got), 1)
			equal(w, "author", got[0].Get("author"), roundtrip.Ref(ana.ID))
		},
		"RuleOverRefsHides": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			for _, private := range []bool{true, false} {
				p := w.photo(ana, fields{"private": roundtrip.Bool(private)})
				w.must(w.creating("comments", fields{"author": roundtrip.Ref(ana.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}), ana)
			}
			equal(w, "ana sees", len(w.all("comments", roundtrip.Query{}, ana)), 2)
			equal(w, "bo sees", len(w.all("comments", roundtrip.Query{}, bo)), 1)
			equal(w, "strangers see", len(w.all("comments", roundtrip.Query{}, nil)), 1)
		},
		"HostileText": func(w *world) {
			ana := w.user("ana")
			evil := `'"; DROP TABLE photos; --`
			w.photo(ana, fields{"caption": roundtrip.Text(evil)})
			got := w.all("photos", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "caption", Value: evil}}}, ana)
			equal(w, "photos", len(got), 1)
		},
	}
}

// scatter makes photos with few different values and many nulls, so that orders have ties.
func (w *world) scatter(who *roundtrip.Principal, n int) {
	w.Helper()
	random := rand.New(rand.NewPCG(1, 2))
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
		w.photo(who, f)
	}
}

// pages walks through all pages of an order and compares with what a sort in memory gives.
func (w *world) pages(who *roundtrip.Principal, order string) {
	w.Helper()
	var walked []roundtrip.ID
	q := roundtrip.Query{OrderBy: order, PageSize: 7}
	for {
		records, page, permit, err := w.list(w.Context(), "photos", q, who)
		if err != nil {
			w.Fatalf("order %q: %v", order, err)
		}
		for _, r := range records {
			walked = append(walked, r.ID())
		}
		if page.Next == nil {
			break
		}
		if len(walked) > 1000 {
			w.Fatalf("order %q does not end", order)
		}
		q.PageToken = permit.Query().Token(page.Next)
	}
	want := w.all("photos", roundtrip.Query{PageSize: 200}, who)
	slices.SortFunc(want, func(a, b *roundtrip.Record) int { return compareBy(order, a, b) })
	if len(want) != len(walked) {
		w.Fatalf("order %q: %d records over all pages, want %d", order, len(walked), len(want))
	}
	for i := range want {
		if want[i].ID() != walked[i] {
			w.Fatalf("order %q: another record at %d", order, i)
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

func aggregateTests() map[string]func(*world) {
	return map[string]func(*world){
		"GroupsAndSums": func(w *world) {
			ana, bo := w.user("ana"), w.user("bo")
			for i := range 4 {
				w.photo(ana, fields{"views": roundtrip.Int(int64(i)), "private": roundtrip.Bool(i == 3)})
			}
			w.photo(bo, fields{"views": roundtrip.Int(10)})
			got := w.groups(roundtrip.Query{GroupBy: []string{"author"}, Select: []string{"count", "sum(views)", "max(views)"}}, bo)
			want := [][]int64{{int64(ana.ID), 3, 3, 2}, {int64(bo.ID), 1, 10, 10}}
			if !slices.EqualFunc(got, want, slices.Equal[[]int64]) {
				w.Fatalf("got %v, want %v", got, want)
			}
		},
		"CountOfNothing": func(w *world) {
			got := w.groups(roundtrip.Query{Select: []string{"count"}}, nil)
			if len(got) != 1 || got[0][0] != 0 {
				w.Fatalf("got %v", got)
			}
		},
		"SumOverflow": func(w *world) {
			ana := w.user("ana")
			for range 2 {
				w.photo(ana, fields{"views": roundtrip.Int(1<<63 - 1)})
			}
			p, err := w.rules.Decide(&roundtrip.Call{Action: roundtrip.Aggregate, Collection: w.schema.Lookup("photos"), Query: roundtrip.Query{Select: []string{"sum(views)"}}}, ana)
			if err != nil {
				w.Fatal(err)
			}
			err = w.View(w.Context(), func(v store.View) error { return v.Aggregate(p, func(roundtrip.Row) error { return nil }) })
			wants(w, err, roundtrip.Unprocessable, "store.failed")
		},
	}
}

func (w *world) groups(q roundtrip.Query, who *roundtrip.Principal) [][]int64 {
	w.Helper()
	call := w.call(roundtrip.Aggregate, "photos")
	call.Query = q
	p, err := w.rules.Decide(call, who)
	if err != nil {
		w.Fatal(err)
	}
	var all [][]int64
	err = w.View(w.Context(), func(v store.View) error {
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
		w.Fatal(err)
	}
	return all
}

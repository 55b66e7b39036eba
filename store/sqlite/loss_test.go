package sqlite_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// declare makes a schema in which everybody may do everything.
func declare(collections ...*roundtrip.Collection) *roundtrip.Schema {
	for _, c := range collections {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: "true"}
		}
	}
	return roundtrip.NewSchema("shop", collections...)
}

func collection(name string, fields ...*roundtrip.Field) *roundtrip.Collection {
	c := roundtrip.NewCollection(name, roundtrip.Pos{})
	for _, f := range fields {
		c.Add(f)
	}
	return c
}

func text(name string) *roundtrip.Field {
	return &roundtrip.Field{Name: name, Type: roundtrip.TypeText}
}

func ref(name string, to *roundtrip.Collection) *roundtrip.Field {
	return &roundtrip.Field{Name: name, Type: roundtrip.TypeRef, To: to}
}

func file(name string) *roundtrip.Field {
	return &roundtrip.Field{Name: name, Type: roundtrip.TypeFile}
}

// lose applies a schema with names of what may go.
func lose(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, names ...string) {
	t.Helper()
	p, err := s.Plan(t.Context(), schema)
	if err == nil {
		err = p.Allow(names)
	}
	if err == nil {
		err = s.Apply(t.Context(), schema, p)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, p)
	}
	if again, err := s.Plan(t.Context(), schema); err != nil || !again.Empty() {
		t.Fatalf("still to do: %s %v", again, err)
	}
}

// files returns the files that jobs remove, in their order.
func files(t *testing.T, s *sqlite.Store) []string {
	t.Helper()
	jobs, err := s.ClaimJobs(t.Context(), store.JobFilesRemove, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, j := range jobs {
		var ids []string
		if err := json.Unmarshal([]byte(j.Payload), &ids); err != nil || len(ids) > 100 {
			t.Fatal(j.Payload, err)
		}
		all = append(all, ids...)
	}
	return all
}

func TestLoss_FieldWithItsIndexes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, newClock())
	n := collection("notes", text("title"), text("code"), text("mood"))
	n.Fields[5].Unique = true
	n.Indexes = []roundtrip.Index{{Fields: []int{4, 5}}, {Fields: []int{6, 5}, Unique: true}}
	first := declare(n)
	apply(t, s, first)
	note := create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a"), "code": roundtrip.Text("x"), "mood": roundtrip.Text("m")})

	second := declare(collection("notes", text("title"), text("mood")))
	second.Lookup("notes").Indexes = []roundtrip.Index{{Fields: []int{5}}}
	p, err := s.Plan(t.Context(), second)
	if err != nil || !strings.Contains(p.String(), "drop notes.code, 1 value\n") {
		t.Fatal(p, err)
	}
	if e := roundtrip.AsError(s.Apply(t.Context(), second, p)); e.Kind != roundtrip.Unprocessable {
		t.Fatal(e)
	}
	if got := load(t, s, n, first, note.ID()).Get("code").Text(); got != "x" {
		t.Fatalf("a refused plan changed code to %q", got)
	}
	lose(t, s, second, "notes.code")
	got := load(t, s, second.Lookup("notes"), second, note.ID())
	if got.Get("title").Text() != "a" || got.Get("mood").Text() != "m" {
		t.Fatal(got.Values)
	}
	for range 2 { // what was unique with the field is no more
		create(t, s, second, "notes", map[string]roundtrip.Value{"mood": roundtrip.Text("m")})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, newClock())
	lose(t, again, second, "notes.code") // the same command line may start it twice
	if got := load(t, again, second.Lookup("notes"), second, note.ID()).Get("title").Text(); got != "a" {
		t.Fatalf("title %q", got)
	}
}

func TestLoss_RefThatIsCounted(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	shape := func(counted bool) *roundtrip.Schema {
		n, g := collection("notes", text("title")), collection("tags", text("word"))
		if counted {
			g.Add(ref("note", n))
			n.Add(&roundtrip.Field{Name: "tags", Type: roundtrip.TypeCount, To: g, Of: 5})
			n.Children = []roundtrip.Child{{From: g, Ref: 5}}
			g.Counters = []roundtrip.Counter{{Ref: 5, Holder: n, Field: 5}}
		}
		return declare(n, g)
	}
	first, second := shape(true), shape(false)
	apply(t, s, first)
	note := create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")})
	tag := create(t, s, first, "tags", map[string]roundtrip.Value{"word": roundtrip.Text("w"), "note": roundtrip.Ref(note.ID())})
	lose(t, s, second, "tags.note", "notes.tags")
	if got := load(t, s, second.Lookup("tags"), second, tag.ID()).Get("word").Text(); got != "w" {
		t.Fatalf("word %q", got)
	}
	apply(t, s, shape(true)) // a new ref and a new count: nothing of the old ones shines through
	third := shape(true)
	apply(t, s, third)
	if got := load(t, s, third.Lookup("notes"), third, note.ID()); got.Get("tags").Int() != 0 {
		t.Fatal(got.Values)
	}
	if got := load(t, s, third.Lookup("tags"), third, tag.ID()); !got.Get("note").IsNull() {
		t.Fatal(got.Values)
	}
}

func TestLoss_FilesLeaveJobs(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := declare(collection("photos", text("title"), file("image")), collection("scans", file("front"), file("back")))
	apply(t, s, first)
	value := func(id string) roundtrip.Value {
		return roundtrip.JSON(`{"id":"` + id + `","name":"a","type":"image/png","size":1}`)
	}
	for i := range 101 {
		create(t, s, first, "photos", map[string]roundtrip.Value{"image": value(fmt.Sprint("p", i))})
	}
	create(t, s, first, "photos", map[string]roundtrip.Value{"title": roundtrip.Text("no image")})
	create(t, s, first, "scans", map[string]roundtrip.Value{"front": value("f"), "back": value("b")})
	lose(t, s, declare(collection("photos", text("title"))), "photos.image", "scans")
	all := files(t, s)
	if len(all) != 103 || all[0] != "p0" || all[100] != "p100" || all[101] != "f" || all[102] != "b" {
		t.Fatal(len(all), all)
	}
}

func TestLoss_CollectionsThatPointToEachOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, newClock())
	shape := func() *roundtrip.Schema {
		a, b, keep := collection("a"), collection("b"), collection("keep", text("title"))
		a.Add(&roundtrip.Field{Name: "b", Type: roundtrip.TypeRef, To: b})
		b.Add(&roundtrip.Field{Name: "a", Type: roundtrip.TypeRef, To: a, Required: true})
		a.Add(ref("up", a))
		keep.Add(ref("a", a))
		return declare(a, b, keep)
	}
	first := shape()
	apply(t, s, first)
	one := create(t, s, first, "a", nil)
	two := create(t, s, first, "b", map[string]roundtrip.Value{"a": roundtrip.Ref(one.ID())})
	create(t, s, first, "a", map[string]roundtrip.Value{"b": roundtrip.Ref(two.ID()), "up": roundtrip.Ref(one.ID())})
	kept := create(t, s, first, "keep", map[string]roundtrip.Value{"title": roundtrip.Text("k"), "a": roundtrip.Ref(one.ID())})

	second := declare(collection("keep", text("title")))
	p, err := s.Plan(t.Context(), second)
	if err != nil || p.Allow([]string{"a", "b"}) != nil {
		t.Fatal(p, err)
	}
	if e := roundtrip.AsError(s.Apply(t.Context(), second, p)); !strings.Contains(e.Public, "keep.a") { // it points to one that goes
		t.Fatal(e)
	}
	lose(t, s, second, "a", "b", "keep.a")
	if got := load(t, s, second.Lookup("keep"), second, kept.ID()).Get("title").Text(); got != "k" {
		t.Fatalf("title %q", got)
	}
	third := shape()
	apply(t, s, third)
	create(t, s, third, "a", nil)
	if changes, err := s.Changes(t.Context(), 0, 100); err != nil || len(changes) != 2 { // of keep, and of the new a
		t.Fatal(changes, err)
	}
	for _, name := range []string{"a", "b"} {
		if now, was := third.Lookup(name).Number, first.Lookup(name).Number; now <= 3 || was > 3 {
			t.Fatalf("%s had the number %d and has %d", name, was, now)
		}
	}
	sound(t, path)
}

func TestLoss_OneOfAPairInACircleOfItsOwn(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	a := collection("a")
	a.Add(ref("up", a))
	first := declare(a, collection("keep"))
	apply(t, s, first)
	one := create(t, s, first, "a", nil)
	create(t, s, first, "a", map[string]roundtrip.Value{"up": roundtrip.Ref(one.ID())})
	lose(t, s, declare(collection("keep")), "a")
}

func TestLoss_NumbersAreNeverUsedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, newClock())
	first := declare(collection("notes", text("title"), text("body")))
	apply(t, s, first)
	create(t, s, first, "notes", map[string]roundtrip.Value{"body": roundtrip.Text("secret")})
	lose(t, s, declare(collection("notes", text("title"))), "notes.body")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, newClock())
	used := map[int32]bool{first.Lookup("notes").Fields[4].Number: true, first.Lookup("notes").Fields[5].Number: true}
	for _, name := range []string{"body", "extra"} { // declared again, then renamed, then dropped and declared again
		next := declare(collection("notes", text("title"), text(name)))
		if name == "extra" {
			next.Lookup("notes").Fields[5].Was = "body"
		}
		apply(t, s, next)
		number := next.Lookup("notes").Fields[5].Number
		if name == "body" && used[number] || name == "extra" && !used[number] {
			t.Fatalf("%s has the number %d of %v", name, number, used)
		}
		used[number] = true
	}
	lose(t, s, declare(collection("notes", text("title"))), "notes.extra")
	last := declare(collection("notes", text("title"), text("extra")))
	apply(t, s, last)
	if number := last.Lookup("notes").Fields[5].Number; used[number] {
		t.Fatalf("%d was used before: %v", number, used)
	}
}

func TestLoss_AccountsEndWithTheirCollection(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	shape := func() *roundtrip.Schema {
		people := collection("people", text("handle"))
		people.Fields[4].Unique, people.Accounts = true, true
		return declare(people, collection("notes", text("title")))
	}
	first := shape()
	apply(t, s, first)
	session := &roundtrip.Session{Hash: [32]byte{1}, Expires: newClock().Now().Add(time.Hour), Ends: newClock().Now().Add(time.Hour)}
	r := roundtrip.NewRecord(first.Lookup("people"))
	r.PutName("handle", roundtrip.Text("ana"))
	ana, err := s.CreateAccount(t.Context(), r, roundtrip.Credential{Password: "p"}, session)
	if err != nil {
		t.Fatal(err)
	}
	second := shape()
	alone := declare(second.Lookup("people"))
	lose(t, s, alone, "notes")
	if _, err := s.FindSession(t.Context(), session.Hash); err != nil {
		t.Fatalf("another collection's end ended the session: %v", err)
	}
	lose(t, s, declare(collection("notes")), "people")
	if _, err := s.FindSession(t.Context(), session.Hash); roundtrip.AsError(err).Kind != roundtrip.Missing {
		t.Fatalf("the session of %s lives on: %v", ana.ID(), err)
	}
}

func TestPlan_RequiredBecomesOptional(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, newClock())
	shape := func(required bool) *roundtrip.Schema {
		n, g := collection("notes", text("title")), collection("tags")
		n.Fields[4].Required, n.Fields[4].Unique = required, true
		n.Indexes = []roundtrip.Index{{Fields: []int{4}}}
		g.Add(ref("note", n))
		g.Fields[4].Required = required
		n.Children = []roundtrip.Child{{From: g, Ref: 4}}
		return declare(n, g)
	}
	first, second := shape(true), shape(false)
	apply(t, s, first)
	note := create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")})
	tag := create(t, s, first, "tags", map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID())})
	lose(t, s, second)
	if second.Lookup("notes").Fields[4].Number != first.Lookup("notes").Fields[4].Number {
		t.Fatal("the number stays")
	}
	if got := load(t, s, second.Lookup("tags"), second, tag.ID()).Get("note").ID(); got != note.ID() {
		t.Fatalf("it points to %s", got)
	}
	create(t, s, second, "notes", nil)
	create(t, s, second, "tags", nil)
	if err := tryCreate(t, s, second, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")}); roundtrip.AsError(err).Reason != "store.unique" {
		t.Fatalf("title is unique no more: %v", err)
	}
	if err := tryCreate(t, s, second, "tags", map[string]roundtrip.Value{"note": roundtrip.Ref(77)}); roundtrip.AsError(err).Reason != "store.no_such_record" {
		t.Fatalf("a ref to nothing: %v", err)
	}
	sound(t, path)
}

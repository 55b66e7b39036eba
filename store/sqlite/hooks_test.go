package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// hooked is withPins, with webhooks that are told of everything.
func hooked() *roundtrip.Schema {
	schema := withPins(roundtrip.SetNull)
	schema.Lookup("notes").Hooks = map[roundtrip.Action][]string{
		roundtrip.Create: {"first", "second"}, roundtrip.Update: {"first"}, roundtrip.Delete: {"first"},
	}
	schema.Lookup("pins").Hooks = map[roundtrip.Action][]string{roundtrip.Update: {"first"}}
	return schema
}

func write(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, call roundtrip.Call) error {
	t.Helper()
	_, err := s.Write(t.Context(), permit(t, schema, call))
	return err
}

// told finishes the jobs of a webhook one after the other, and returns their bodies.
func told(t *testing.T, s *sqlite.Store, hook string) (bodies []string, jobs []store.Job) {
	t.Helper()
	for {
		_, due := claim(t, s, store.JobWebhook+hook)
		if len(due) == 0 {
			return bodies, jobs
		}
		for _, j := range due {
			bodies, jobs = append(bodies, j.Payload), append(jobs, j)
			ok(t, s.FinishJob(t.Context(), j.ID))
		}
	}
}

func TestHooks_AreToldWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	schema := hooked()
	apply(t, s, schema)
	note := create(t, s, schema, "notes", titled(`a "b"`))
	pin := create(t, s, schema, "pins", on(note.ID()))
	update := roundtrip.NewRecord(note.Collection)
	update.PutName("stars", roundtrip.Int(5))
	ok(t, write(t, s, schema, roundtrip.Call{Action: roundtrip.Update, Collection: note.Collection, ID: note.ID(), Input: update}))
	if err := write(t, s, schema, roundtrip.Call{Action: roundtrip.Delete, Collection: note.Collection, ID: 77}); err == nil {
		t.Fatal("a note that is not there was deleted")
	}
	ok(t, write(t, s, schema, roundtrip.Call{Action: roundtrip.Delete, Collection: note.Collection, ID: note.ID()}))
	bodies, jobs := told(t, s, "first")
	id := note.ID().String()
	const at = "2026-11-22T19:03:31.000Z"
	want := []string{
		`{"type":"notes.created","timestamp":"` + at + `","data":{"id":"` + id + `","create_time":"` + at + `","update_time":"` + at + `","etag":"1","title":"a \"b\"","stars":null,"tags":0}}`,
		`{"type":"notes.updated","timestamp":"` + at + `","data":{"id":"` + id + `","create_time":"` + at + `","update_time":"` + at + `","etag":"2","title":"a \"b\"","stars":5,"tags":0}}`,
		`{"type":"notes.deleted","timestamp":"` + at + `","data":{"id":"` + id + `","create_time":"` + at + `","update_time":"` + at + `","etag":"2","title":"a \"b\"","stars":5,"tags":0}}`,
	}
	var ofNote []string
	for i, body := range bodies {
		if strings.Contains(body, `"type":"pins.updated"`) {
			if !strings.Contains(body, `"note":null`) || jobs[i].Key != "pins/"+pin.ID().String() {
				t.Errorf("the pin whose note went: %s %s", jobs[i].Key, body)
			}
			continue
		}
		if jobs[i].Key != "notes/"+id {
			t.Errorf("key %s", jobs[i].Key)
		}
		ofNote = append(ofNote, body)
	}
	if len(bodies) != 4 || strings.Join(ofNote, "\n") != strings.Join(want, "\n") {
		t.Fatalf("told\n%s\nwant\n%s", strings.Join(bodies, "\n"), strings.Join(want, "\n"))
	}
	if bodies, _ := told(t, s, "second"); len(bodies) != 1 || bodies[0] != want[0] {
		t.Fatalf("the second was told %q", bodies)
	}
}

// What a write that fails would have told is not told: in a group of others, and in a batch.
func TestHooks_AreNotToldOfWhatFails(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	schema := hooked()
	apply(t, s, schema)
	errs := together(t, s,
		making(t, s, schema, "notes", titled("good")),
		batch(t, s, schema, createCall(schema, "notes", titled("undone")), createCall(schema, "tags", on(77))),
		making(t, s, schema, "notes", titled("good too")))
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Fatal(errs)
	}
	bodies, _ := told(t, s, "first")
	if len(bodies) != 2 || strings.Contains(strings.Join(bodies, ""), "undone") {
		t.Fatalf("told %q", bodies)
	}
}

// A write that was permitted before a reload tells the webhooks of now.
func TestHooks_AreThoseOfTheSchemaInForce(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	before, now := withPins(roundtrip.SetNull), hooked()
	apply(t, s, before)
	apply(t, s, now)
	create(t, s, before, "notes", titled("a"))
	if bodies, _ := told(t, s, "second"); len(bodies) != 1 {
		t.Fatalf("told %q", bodies)
	}
}

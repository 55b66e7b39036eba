package rest

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// place is where a path leads.
type place struct {
	shape shape
	plan  *plan        // of the collection, nil for batch and auth
	id    roundtrip.ID // recordShape, fileShape
	field string       // fileShape
	rest  string       // authShape, inboxShape: what follows auth/ or inbox/; documentShape: the document's name
	args  []string     // the same: what stands at the template's {…}, in order
	allow string       // the methods that are served, where another one was asked for
}

// find reads a path below the mount.
func (d *Door) find(path string, at *place) error {
	first, rest, more := strings.Cut(path, "/")
	switch {
	case path == "" || path[len(path)-1] == '/' && path != "auth/" && path != "files/":
		return d.openPath(path)
	case first == "auth" && !d.records:
		at.shape, at.rest = authShape, rest
		return nil
	case first == "inbox" && !d.records:
		at.shape, at.rest = inboxShape, rest
		return nil
	case first == "files":
		return d.findFile(rest, at)
	case path == "batch":
		at.shape = batchShape
		return nil
	case path == "live" && d.streams != nil:
		at.shape = liveShape
		return nil
	case d.documents.find(path) != nil:
		at.shape, at.rest = documentShape, path
		return nil
	case first == "batch":
		return unknownPath("nothing is below batch; POST %sbatch takes the writes", d.mount)
	}
	name, verb, hasVerb := strings.Cut(first, ":")
	if err := d.findCollection(name, at); err != nil {
		return err
	}
	switch {
	case hasVerb:
		return d.findVerb(verb, path, more, at)
	case !more:
		at.shape = collectionShape
		return nil
	}
	at.shape = recordShape
	return at.findID(rest)
}

func (d *Door) findCollection(name string, at *place) error {
	if at.plan = d.plans[name]; at.plan != nil {
		return nil
	}
	if later(name) {
		return unknownPath("%s is not served here", name)
	}
	names := d.core.Schema().Names()
	hint := "there are none; declare some below collections:"
	if len(names) > 0 {
		hint = "there is " + strings.Join(names, ", ")
	}
	others := []string{"batch", "files", "auth", "inbox"}
	if d.records {
		others = others[:2]
	}
	if n := nearest.Of(input.Cut(name, 64), append(names, others...)); n != "" {
		hint = "did you mean " + n + "?"
	}
	return unknownPath("there is no collection %q; %s", input.Cut(name, 64), hint)
}

// openPath says what to write instead of a path that ends with a slash, or is none.
func (d *Door) openPath(path string) error {
	path = strings.TrimRight(path, "/")
	if path != "" {
		return unknownPath("no path of the API ends with a slash; drop the slash at the end: %s%s", d.mount, input.Cut(path, 64))
	}
	others := "auth/…, batch, files/… or inbox"
	if d.records {
		others = "batch or files/…"
	}
	return unknownPath("the path goes on behind %s: with a collection%s, or with %s", d.mount, collectionsHere(d.core.Schema().Names()), others)
}

func collectionsHere(names []string) string {
	if len(names) == 0 {
		return " (none is declared)"
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// later reports whether a reserved name belongs to a part of the product that this version does not have.
func later(name string) bool {
	switch name {
	case "live", "openapi.json", "descriptors.binpb", "descriptors.proto":
		return true
	}
	return false
}

func (d *Door) findVerb(verb, path string, more bool, at *place) error {
	switch {
	case more:
		return unknownPath("%q leads nowhere: a verb ends the path", input.Cut(path, 64))
	case verb == "aggregate":
		at.shape = aggregateShape
		return nil
	case verb == "watch" && d.streams != nil:
		at.shape = watchShape
		return nil
	}
	name := at.plan.collection.Name
	if verb == "watch" {
		return unknownPath("%s:watch is not served here", name)
	}
	meant := nearest.Of(input.Cut(verb, 64), []string{"aggregate", "watch"})
	if meant == "" {
		return unknownPath("%s has no verb %q; there is %s:aggregate and %s:watch", name, input.Cut(verb, 64), name, name)
	}
	return unknownPath("%s has no verb %q; did you mean %s:%s?", name, input.Cut(verb, 64), name, meant)
}

// findFile reads COLLECTION/ID/FIELD.
func (d *Door) findFile(path string, at *place) error {
	parts := strings.SplitN(path, "/", 4)
	if len(parts) != 3 {
		return unknownPath("a file is at files/COLLECTION/ID/FIELD")
	}
	if err := d.findCollection(parts[0], at); err != nil {
		return err
	}
	at.shape, at.field = fileShape, parts[2]
	return at.findID(parts[1])
}

// findID reads a record's id. What can't be an id names no record.
func (at *place) findID(text string) error {
	id, err := input.RecordID(at.plan.collection, text)
	at.id = id
	return err
}

// below reports whether the place is told apart by templates.
func (at *place) below() bool { return at.shape == authShape || at.shape == inboxShape }

// matches compares a path with a template such as auth/sessions/{id} and keeps what stands at the braces.
func (at *place) matches(template string) bool {
	at.args = at.args[:0]
	_, want, _ := strings.Cut(template, "/")
	have := at.rest
	for {
		w, wantRest, wantMore := strings.Cut(want, "/")
		h, haveRest, haveMore := strings.Cut(have, "/")
		switch {
		case wantMore != haveMore:
			return false
		case strings.HasPrefix(w, "{") && h != "":
			at.args = append(at.args, h)
		case w != h:
			return false
		}
		if !wantMore {
			return true
		}
		want, have = wantRest, haveRest
	}
}

func unknownPath(public string, args ...any) error {
	return roundtrip.E(roundtrip.Missing, "request.unknown_path", public, args...)
}

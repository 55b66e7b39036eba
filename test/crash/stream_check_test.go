package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/follow"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

// note is a notification as the inbox lists it.
type note struct {
	ID, Kind, Group, Record, Text string
	Seq, Bumped                   int64
	Read                          bool
	Count                         int
	Actors                        []struct{ ID, Handle string }
}

// inbox is an answer of GET inbox.
type inbox struct {
	Notifications []json.RawMessage
	Unread        int
	Seq           int64
	ReadThrough   int64 `json:"read_through"`
}

// checkLedger wants every acknowledged write, and of the deleted ones none.
func (s *stage) checkLedger() {
	s.t.Helper()
	there := map[string]bool{}
	perPhoto := map[string]int{}
	for _, collection := range []string{"likes", "comments"} {
		for _, r := range s.list(collection) {
			there[r.ID] = true
			perPhoto[collection+r.Photo]++
		}
	}
	for _, p := range s.fans {
		for _, id := range append(slices.Collect(maps.Values(p.likes)), p.comments...) {
			if !there[id] {
				s.t.Errorf("%s of %s was acknowledged and is lost", id, p.handle)
			}
		}
		for _, id := range p.deleted {
			if there[id] {
				s.t.Errorf("%s of %s was deleted, acknowledged, and is back", id, p.handle)
			}
		}
	}
	for _, id := range s.photos {
		var photo struct{ Likes, Comments int }
		s.must(nil, http.MethodGet, "photos/"+id, "", &photo)
		if photo.Likes != perPhoto["likes"+id] || photo.Comments != perPhoto["comments"+id] {
			s.t.Errorf("photo %s counts %d likes and %d comments and has %d and %d", id, photo.Likes, photo.Comments, perPhoto["likes"+id], perPhoto["comments"+id])
		}
	}
	s.t.Logf("%d likes and comments are there in the end", len(there))
}

// checkInbox wants of an author's inbox exactly what the likes and comments that are there come to.
func (s *stage) checkInbox(a *person) {
	s.t.Helper()
	var have inbox
	s.must(a, http.MethodGet, "inbox?page_size=200", "", &have)
	wanted := map[string][]row{} // kind and photo to the records that cause it, newest first
	photos := map[string]bool{}
	for _, p := range s.list("photos?author=" + a.id) {
		photos[p.ID] = true
	}
	for kind, collection := range map[string]string{"liked": "likes", "commented": "comments"} {
		for _, r := range s.list(collection) {
			if photos[r.Photo] && r.User+r.Author != a.id {
				wanted[kind+" "+r.Photo] = append(wanted[kind+" "+r.Photo], r)
			}
		}
	}
	unread := 0
	for _, raw := range have.Notifications {
		var n note
		if err := json.Unmarshal(raw, &n); err != nil {
			s.t.Fatal(err)
		}
		key := n.Kind + " " + n.Group
		causes := wanted[key]
		delete(wanted, key)
		if len(causes) == 0 {
			s.t.Errorf("%s has a notification for nothing: %s", a.handle, raw)
			continue
		}
		s.checkNote(a, n, causes)
		if !n.Read && n.Bumped > have.ReadThrough {
			unread++
		}
	}
	for key := range wanted {
		s.t.Errorf("%s was not told: %s", a.handle, key)
	}
	if unread != have.Unread {
		s.t.Errorf("the badge of %s says %d, and %d are unread", a.handle, have.Unread, unread)
	}
}

// checkNote wants the number of people, the last three of them and the newest record.
func (s *stage) checkNote(a *person, n note, causes []row) {
	s.t.Helper()
	slices.SortFunc(causes, func(x, y row) int { return strings.Compare(y.ID, x.ID) })
	var people []string
	for _, c := range causes {
		if who := c.User + c.Author; !slices.Contains(people, who) {
			people = append(people, who)
		}
	}
	var actors []string
	for _, who := range n.Actors {
		actors = append(actors, who.ID)
	}
	if n.Count != len(people) || n.Record != causes[0].ID || !slices.Equal(actors, people[:min(3, len(people))]) {
		s.t.Errorf("%s of %s: count %d, record %s, actors %v; want %d, %s, %v", n.Kind, a.handle, n.Count, n.Record, actors,
			len(people), causes[0].ID, people[:min(3, len(people))])
	}
}

// checkFollower waits until a client holds what a fresh request gives, and wants an unbroken way there.
func (s *stage) checkFollower(f *follow.Follower) {
	s.t.Helper()
	name := fmt.Sprintf("%s by %s", f.Topic, f.Door)
	p := &person{token: f.Token}
	deadline := time.After(server.Patience)
	for {
		changed := f.View.Changed()
		difference := s.difference(f, p)
		if difference == "" {
			break
		}
		select {
		case <-changed:
			continue
		case <-deadline:
			s.t.Errorf("%s: lost: %s (last refusal: %s)", name, difference, f.Refusal())
		}
		break
	}
	for _, fault := range f.View.Faults() {
		s.t.Errorf("%s: %s", name, fault)
	}
	messages, shown, again, resets := f.View.Counts()
	s.t.Logf("%s: %d connections, %d messages, %d changes shown, %d came again and changed nothing, resets %v", name, f.Connects(), messages, shown, again, resets)
	if f.Connects() < 2 {
		s.t.Errorf("%s: connected %d times: it was never cut", name, f.Connects())
	}
}

// difference says what a client holds other than a fresh request gives, "" for nothing.
func (s *stage) difference(f *follow.Follower, p *person) string {
	s.t.Helper()
	var fresh []json.RawMessage
	if f.Topic == "inbox" {
		var in inbox
		s.must(p, http.MethodGet, "inbox?page_size=200", "", &in)
		if fresh = in.Notifications; f.View.Unread() != in.Unread {
			return fmt.Sprintf("the badge says %d, not %d", f.View.Unread(), in.Unread)
		}
	} else {
		name, _, _ := strings.Cut(f.Topic, "?")
		var page map[string]json.RawMessage
		s.must(p, http.MethodGet, f.Topic, "", &page)
		if err := json.Unmarshal(page[name], &fresh); err != nil {
			s.t.Fatal(err)
		}
	}
	held := f.View.Items()
	for _, item := range fresh {
		var at struct{ ID string }
		if err := json.Unmarshal(item, &at); err != nil {
			s.t.Fatal(err)
		}
		if !bytes.Equal(held[at.ID], item) {
			return fmt.Sprintf("%s is held as %s, not as %s", at.ID, held[at.ID], item)
		}
		delete(held, at.ID)
	}
	for id, item := range held {
		return fmt.Sprintf("%s is held and is not there: %s", id, item)
	}
	return ""
}

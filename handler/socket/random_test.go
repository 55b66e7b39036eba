package socket_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// The seed of the walk. It is printed; give it back to see the same walk again.
var seedFlag = flag.Uint64("live.seed", 0, "seed of the random walk, 0 for a new one")

// walkTopics are watched by everybody. They are all there is to their collections: no page is cut off.
var walkTopics = []string{
	"photos?page_size=200", "photos?page_size=200&filter=likes > 0 %26%26 !private", "photos?page_size=200&expand=author",
	"photos?page_size=200&filter=author.hidden == false", "photos?page_size=200&filter=author == auth.id || level > 2",
	"photos?page_size=200&private=false", "photos?page_size=200&level=2&filter=likes < 2",
	"comments?page_size=200", "notes?page_size=200", "users?page_size=200", "likes?page_size=200&filter=user != auth.id",
	"photos?page_size=200&filter=comments.exists(c, c.photo == record.id %26%26 c.text == \"hm\")",
	"photos?page_size=200&likes=1", "notes?page_size=200&kind=loud&order_by=due desc", "notes?page_size=200&done=true&level=1",
	"notes?page_size=200&text=a", "notes?page_size=200&due=2026-11-22T19:03:31Z", "notes?page_size=200&filter=about.private == false",
}

// declarations come into force one after the other during the walk: the one on disk with texts of it replaced. A field that
// came stays.
var declarations = []struct{ rules, fields []string }{
	{},
	{[]string{"record.level <= auth.level ||", "record.done ||"}, []string{"      caption: {", "      first: { type: text }\n      caption: {"}},
	{rules: []string{"follows.exists(f, f.follower == auth.id && f.followee == record.author)", "record.level > 2"}},
	{
		[]string{"read: 'readable(record.photo)'", "read: 'auth.id != null && readable(record.photo)'"},
		[]string{"      kind: {", "      second: { type: int }\n      kind: {"},
	},
	{rules: []string{
		"record.level <= auth.level ||", "record.about == null || readable(record.about) ||",
		"read: 'readable(record.photo)'", "read: 'record.author == auth.id || record.photo.likes > 0'",
	}},
	{rules: []string{
		"!record.hidden || auth.id == record.id", "auth.id == record.id || follows.exists(f, f.follower == auth.id && f.followee == record.id)",
		"!record.private ||", "!record.author.hidden ||",
	}},
	{rules: []string{
		"rules: { read: 'true', create: 'auth.id == record.user'", "rules: { read: 'likes.exists(l, l.user == auth.id && l.photo == record.photo)', create: 'auth.id == record.user'",
		"!record.private ||", "!(record.level > auth.level) &&",
	}},
	{rules: []string{
		"!record.private ||", "record.author.followers > 0 ||",
		"record.level <= auth.level ||", "!follows.exists(f, f.follower == record.owner && f.followee == auth.id) &&",
	}},
}

// watcher is a client that keeps what it holds, as docs/live.md says.
type watcher struct {
	p       *person
	s       *stream
	name    string
	topics  []string
	held    map[string]map[string]string // by topic and id
	cursors map[string]string
}

func (p *person) watch(name string, topics []string) *watcher {
	w := &watcher{p: p, name: name, topics: topics, held: map[string]map[string]string{}, cursors: map[string]string{}}
	w.connect()
	return w
}

func (w *watcher) connect() {
	w.s = w.p.open()
	for _, topic := range w.topics {
		text := `{"subscribe":` + quote(topic)
		if c := w.cursors[topic]; c != "" {
			text += `,"cursor":` + quote(c)
		}
		w.s.say(text + "}")
	}
}

// walk is the test's knowledge of what everybody may see, or might have seen.
type walk struct {
	t      *testing.T
	h      *house
	r      *rand.Rand
	people []*person
	topics []string
	fields []string // that declarations brought
	done   []string
	seen   map[string]bool // topic, who and record as JSON: was to be seen by a GET at some time
}

// list is what a GET shows of a topic.
func (k *walk) list(p *person, topic string) map[string]string {
	k.t.Helper()
	path, query, _ := strings.Cut(topic, "?")
	status, v := p.do("GET", path+"?"+strings.NewReplacer(" ", "%20", "&&", "%26%26", "|", "%7C", `"`, "%22").Replace(query), "")
	if status != 200 {
		k.t.Fatalf("GET %s: %d %v", topic, status, v)
	}
	all := map[string]string{}
	for _, r := range v[path].([]any) {
		b, _ := json.Marshal(r)
		all[r.(map[string]any)["id"].(string)] = string(b)
	}
	return all
}

// note remembers what everybody may see now.
func (k *walk) note(who []*person) {
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, p := range who {
		group.Go(func() {
			for _, topic := range k.topics {
				for _, record := range k.list(p, topic) {
					mu.Lock()
					k.seen[topic+p.id+record] = true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
}

// take brings what the watcher holds forward by what has come, and checks each record.
func (k *walk) take(w *watcher) {
	for {
		v, ok := w.s.within(0)
		if !ok {
			return
		}
		topic, _ := v["topic"].(string)
		if v["error"] != nil || topic == "" {
			k.t.Fatalf("%s got %v", w.name, v)
		}
		topic = v["topic"].(string)
		w.cursors[topic] = v["cursor"].(string)
		if snapshot, ok := v["snapshot"].([]any); ok {
			w.held[topic] = map[string]string{}
			for _, r := range snapshot {
				k.put(w, topic, r)
			}
		}
		list, _ := v["changes"].([]any)
		for _, c := range list {
			m := c.(map[string]any)
			if r, ok := m["put"]; ok {
				k.put(w, topic, r)
			} else {
				delete(w.held[topic], m["removed"].(string))
			}
		}
	}
}

func (k *walk) put(w *watcher, topic string, r any) {
	b, _ := json.Marshal(r)
	if !k.seen[topic+w.p.id+string(b)] {
		k.t.Fatalf("%s was sent what no GET would have shown at any time\ntopic %s\nrecord %s", w.name, topic, b)
	}
	if w.held[topic] == nil {
		w.held[topic] = map[string]string{}
	}
	w.held[topic][r.(map[string]any)["id"].(string)] = string(b)
}

// settled waits until what the watcher holds is what a GET shows.
func (k *walk) settled(w *watcher) {
	for _, topic := range k.topics {
		want := k.list(w.p, topic)
		late := time.Now().Add(patience)
		for {
			k.take(w)
			if same(topic, w.held[topic], want) {
				break
			}
			if time.Now().After(late) {
				k.t.Fatalf("%s\n%s, topic %s\nholds %v\nwants %v", strings.Join(k.done, "\n"), w.name, topic, show(w.held[topic]), show(want))
			}
			select {
			case <-w.s.more:
			case <-time.After(50 * time.Millisecond): // what has come may have been taken already
			}
		}
	}
}

func show(m map[string]string) string {
	text := ""
	for _, id := range slices.Sorted(maps.Keys(m)) {
		text += "\n  " + m[id]
	}
	return text
}

// same compares what is held with what is there. What refs lead to may be as it was when the record was sent.
func same(topic string, held, want map[string]string) bool {
	if !strings.Contains(topic, "expand") {
		return maps.Equal(held, want)
	}
	return slices.Equal(slices.Sorted(maps.Keys(held)), slices.Sorted(maps.Keys(want)))
}

func (k *walk) either(texts ...string) string { return texts[k.r.IntN(len(texts))] }

// declare brings another declaration into force.
func (k *walk) declare() {
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(k.t, err)
	n := k.r.IntN(len(declarations))
	k.fields = append(k.fields, declarations[n].fields...)
	text := strings.NewReplacer(slices.Concat(k.fields, declarations[n].rules)...).Replace(string(source))
	k.done = append(k.done, fmt.Sprintf("declaration %d", n))
	k.h.enter(text)
}

// step does one random write. It may be refused: then it changed nothing.
func (k *walk) step() {
	p := k.people[k.r.IntN(len(k.people))]
	any := func(collection string) string {
		var all []string
		for _, q := range k.people {
			for id := range k.list(q, collection+"?page_size=200") {
				all = append(all, id)
			}
		}
		if len(all) == 0 {
			return "0000000000000"
		}
		slices.Sort(all)
		return all[k.r.IntN(len(all))]
	}
	say := func(method, path, body string) {
		status, v := p.do(method, path, body)
		if status < 300 {
			k.done = append(k.done, fmt.Sprintf("%s: %s %s %s -> %v", p.id, method, path, body, v["id"]))
		}
	}
	switch k.r.IntN(16) {
	case 0, 1:
		say("POST", "photos", fmt.Sprintf(`{"caption":"c","private":%v,"level":%d}`, k.r.IntN(2) == 0, k.r.IntN(5)))
	case 2, 3:
		say("PATCH", "photos/"+any("photos"), fmt.Sprintf(`{"private":%v}`, k.r.IntN(2) == 0))
	case 4:
		say("PATCH", "photos/"+any("photos"), fmt.Sprintf(`{"level":%d}`, k.r.IntN(5)))
	case 5:
		say("DELETE", "photos/"+any("photos"), "")
	case 6, 7:
		say("POST", "follows", `{"followee":"`+k.people[k.r.IntN(len(k.people))].id+`"}`)
	case 8:
		say("DELETE", "follows/"+any("follows"), "")
	case 9:
		say("POST", "comments", `{"photo":"`+any("photos")+`","text":"`+k.either("hm", "oh")+`"}`)
	case 10:
		say("DELETE", "comments/"+any("comments"), "")
	case 11:
		say("POST", "likes", `{"photo":"`+any("photos")+`"}`)
	case 12:
		say("DELETE", "likes/"+any("likes"), "")
	case 13:
		say("PATCH", "users/"+p.id, fmt.Sprintf(`{"hidden":%v,"level":%d}`, k.r.IntN(2) == 0, k.r.IntN(4)))
	case 14:
		say("POST", "notes", fmt.Sprintf(`{"level":%d,"about":"%s","done":%v,"kind":"%s","text":"a"}`, k.r.IntN(4), any("photos"), k.r.IntN(2) == 0, k.either("loud", "plain")))
	case 15:
		say("PATCH", "notes/"+any("notes"), fmt.Sprintf(k.either(`{"level":%d}`, `{"done":true,"level":%d}`, `{"kind":"loud","level":%d}`,
			`{"text":null,"level":%d}`, `{"due":"2026-11-22T19:03:31Z","level":%d}`), k.r.IntN(4)))
	}
}

// TestStreams_ShowWhatAGetShows lets people write at random while others watch, are cut off and come back, and hints get
// lost or come late. Nobody may ever be sent what a GET would not have shown them, and in the end everybody holds what a
// GET shows.
func TestStreams_ShowWhatAGetShows(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -live.seed=%d)", seed, seed)
	r := rand.New(rand.NewPCG(seed, 1))
	hints := rand.New(rand.NewPCG(seed, 2))
	h := openHouse(t, func(h *house) {
		h.hints = func(changes []roundtrip.Change) { // called by the one writer
			if hints.IntN(3) > 0 {
				h.hub.Committed(changes)
			}
		}
	})
	k := &walk{t: t, h: h, r: r, seen: map[string]bool{}, topics: slices.Clone(walkTopics)}
	for i := range 4 {
		p := h.person(fmt.Sprintf("p%d", i))
		photo := p.make("photos", fmt.Sprintf(`{"private":%v}`, i%2 == 0))
		k.people = append(k.people, p)
		k.topics = append(k.topics, "photos?page_size=200&author="+p.id, "comments?page_size=200&photo="+photo, "notes?page_size=200&about="+photo,
			"likes?page_size=200&photo="+photo+"&user="+p.id)
	}
	everybody := append([]*person{h.stranger()}, k.people[:3]...)
	k.note(everybody)
	var watchers []*watcher
	for i, p := range everybody {
		watchers = append(watchers, p.watch(fmt.Sprintf("watcher %d", i), k.topics))
	}
	for i := range 100 {
		k.step()
		k.note(everybody)
		for _, w := range watchers {
			k.take(w)
		}
		if i%25 == 24 {
			w := watchers[r.IntN(len(watchers))]
			w.s.conn.Close()
			<-w.s.over
			for range 4 {
				k.step()
				k.note(everybody)
			}
			if r.IntN(2) == 0 {
				k.declare()
				k.note(everybody)
			}
			k.take(w)
			w.connect()
		}
		if i%30 == 29 {
			k.declare()
			k.note(everybody)
		}
		if i%50 == 49 {
			for _, w := range watchers {
				k.settled(w)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, w := range watchers {
		k.settled(w)
	}
}

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/follow"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

const reactions = `
name: reactions
sites:
  reactions.test:
    tls: off
    routes: [{ path: /api/, to: api }]
identity: { accounts: users, login: [handle] }
collections:
  users:
    fields: { handle: { type: text, required: true, unique: true } }
    rules: { read: 'true' }
  photos:
    fields:
      author:   { type: ref, to: users, default: auth.id, required: true, on_delete: cascade }
      likes:    { type: count, of: likes.photo }
      comments: { type: count, of: comments.photo }
    rules: { read: 'true', create: 'auth.id == record.author' }
  likes:
    fields:
      user:  { type: ref, to: users, default: auth.id, required: true, on_delete: cascade }
      photo: { type: ref, to: photos, required: true, on_delete: cascade }
    unique: [[user, photo]]
    rules: { read: 'readable(record.photo)', create: 'auth.id == record.user', delete: 'auth.id == record.user' }
  comments:
    fields:
      author: { type: ref, to: users, default: auth.id, required: true, on_delete: cascade }
      photo:  { type: ref, to: photos, required: true, on_delete: cascade }
      text:   { type: text, required: true }
    rules: { read: 'readable(record.photo)', create: 'auth.id == record.author', delete: 'auth.id == record.author' }
store: { database: 'sqlite:data/reactions.db', files: data/files, pool: { wait: 1m } }
notifications:
  liked:
    when: likes.created
    to: record.photo.author
    unless: record.user == record.photo.author
    group: record.photo
    within: 365d
    text: '{actors} liked your photo'
  commented:
    when: comments.created
    to: record.photo.author
    unless: record.author == record.photo.author
    group: record.photo
    within: 365d
    text: '{actors} commented: {record.text}'
`

const (
	streamKills = 30
	authors     = 4  // each has two photos, and is followed at every door
	fans        = 24 // who like and comment, all at once
	commentsMax = 5  // of one person; so a snapshot of 200 holds all
)

// stage is the server with its people, and what was acknowledged to them.
type stage struct {
	t       *testing.T
	server  *server.Server
	proxy   *follow.Proxy
	authors []*person
	fans    []*person
	photos  []string
}

// person is an account that acts by itself. What it knows of its own writes is here.
type person struct {
	id, handle, token string
	likes             map[string]string // photo to like, acknowledged
	comments          []string          // acknowledged
	deleted           []string          // acknowledged deletes of likes and comments
	unsure            bool              // a write got no answer
}

// TestCrash_NoReactionIsLost kills the server again and again while people like, comment and take it back, with the
// clients' connections cut at random besides. A second server has its streams' wake-ups lost, late and repeated. In the end every client of every door holds exactly what the inbox and the
// collections have, every number is what it counts, and no message on the way broke the order.
//
// SOAK_KILLS=1000 makes it the long run of `make soak`.
func TestCrash_NoReactionIsLost(t *testing.T) {
	kills := streamKills
	if n, err := strconv.Atoi(os.Getenv("SOAK_KILLS")); err == nil {
		kills = n
	}
	t.Run("as it ships", func(t *testing.T) {
		newStage(t, server.Start(t, server.Declare(t, reactions))).run(kills)
	})
	t.Run("with wake-ups scrambled", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		newStage(t, server.StartProgram(t, self, []string{scrambled + "=1"}, server.Declare(t, reactions))).run(kills)
	})
}

// run kills the server that often, then looks at everything.
func (s *stage) run(kills int) {
	s.t.Helper()
	seed := uint64(time.Now().UnixNano())
	s.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	followers := s.followers()
	for _, f := range followers {
		running.Go(func() { f.Run(ctx) })
	}
	for range kills {
		s.load(time.Duration(20+random.IntN(280))*time.Millisecond, random.IntN(3))
		s.server.Restart()
		s.settle()
	}
	s.load(100*time.Millisecond, -1)
	s.settle()
	s.checkLedger()
	for _, f := range followers {
		s.checkFollower(f)
	}
	for _, a := range s.authors {
		s.checkInbox(a)
	}
	integrity(s.t, filepath.Join(s.server.Folder, "data", "reactions.db"))
}

func newStage(t *testing.T, running *server.Server) *stage {
	t.Helper()
	s := &stage{t: t, server: running}
	s.proxy = follow.NewProxy(t, func() string { return s.server.HTTP })
	for i := range authors + fans {
		p := &person{handle: fmt.Sprintf("person%d", i), likes: map[string]string{}}
		var made struct {
			Token   string
			Account struct{ ID string }
		}
		s.must(p, http.MethodPost, "auth/sign-up", fmt.Sprintf(`{"handle":%q,"password":"a long pass phrase %d"}`, p.handle, i), &made)
		p.id, p.token = made.Account.ID, made.Token
		if i >= authors {
			s.fans = append(s.fans, p)
			continue
		}
		s.authors = append(s.authors, p)
		for range 2 {
			var photo struct{ ID string }
			s.must(p, http.MethodPost, "photos", `{}`, &photo)
			s.photos = append(s.photos, photo.ID)
		}
	}
	return s
}

// followers listens to each author's inbox, and to collections as a stranger and as an account, at every door.
func (s *stage) followers() []*follow.Follower {
	var all []*follow.Follower
	for _, door := range []follow.Door{follow.WebSocket, follow.SSE, follow.Polling} {
		add := func(topic, token string) {
			v := follow.NewView()
			v.Once = topic != "inbox"
			all = append(all, &follow.Follower{
				View: v, Door: door, Topic: topic, Token: token, Host: "reactions.test", Mount: "/api/", Addr: s.proxy.Addr,
			})
		}
		for _, a := range s.authors {
			add("inbox", a.token)
		}
		add("comments?page_size=200&photo="+s.photos[0], "")
		add("likes?page_size=200&photo="+s.photos[1], s.fans[0].token)
	}
	return all
}

// load lets everybody act, cuts their listeners now and then, and kills the server; with cuts < 0 everybody stops by
// themselves.
func (s *stage) load(length time.Duration, cuts int) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	var enough atomic.Bool // everybody ends what is under way: a write that its caller left may still happen
	time.AfterFunc(length, func() { enough.Store(cuts < 0) })
	var group sync.WaitGroup
	c := s.client()
	for i, p := range s.fans {
		random := rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))
		group.Go(func() {
			for !enough.Load() && s.act(ctx, c, p, random) {
			}
		})
	}
	for range cuts {
		time.Sleep(length / time.Duration(cuts+1)) // the moment of the cut
		s.proxy.Cut()
	}
	if cuts >= 0 {
		time.Sleep(length / time.Duration(cuts+1)) // the moment of the power cut
		s.server.Kill()
		stop()
	}
	group.Wait()
}

// act makes one write, and reports whether it was answered. One person writes one thing at a time.
func (s *stage) act(ctx context.Context, c *http.Client, p *person, random *rand.Rand) bool {
	photo := s.photos[random.IntN(len(s.photos))]
	var made struct{ ID string }
	var err error
	switch n := random.IntN(10); {
	case n < 6 && p.likes[photo] == "":
		if err = s.do(ctx, c, p, http.MethodPost, "likes", fmt.Sprintf(`{"photo":%q}`, photo), &made); err == nil {
			p.likes[photo] = made.ID
		}
	case n < 6:
		id := p.likes[photo]
		delete(p.likes, photo) // from now on it may be gone; once acknowledged it must be
		if err = s.do(ctx, c, p, http.MethodDelete, "likes/"+id, "", nil); err == nil {
			p.deleted = append(p.deleted, id)
		}
	case n < 9 && len(p.comments) < commentsMax || len(p.comments) == 0:
		if err = s.do(ctx, c, p, http.MethodPost, "comments", fmt.Sprintf(`{"photo":%q,"text":"comment %d"}`, photo, random.Int()), &made); err == nil {
			p.comments = append(p.comments, made.ID)
		}
	default:
		i := random.IntN(len(p.comments))
		id := p.comments[i]
		p.comments = slices.Delete(p.comments, i, i+1) // from now on it may be gone; once acknowledged it must be
		if err = s.do(ctx, c, p, http.MethodDelete, "comments/"+id, "", nil); err == nil {
			p.deleted = append(p.deleted, id)
		}
	}
	p.unsure = p.unsure || err != nil
	return err == nil
}

// settle asks what became of the writes that got no answer. One write of a person is under way at a time, so the ledger is
// exact for all others.
func (s *stage) settle() {
	s.t.Helper()
	for _, p := range s.fans {
		if !p.unsure {
			continue
		}
		p.unsure = false
		known := map[string]string{}
		for _, l := range s.list("likes?user=" + p.id) {
			known[l.Photo] = l.ID
		}
		for photo, id := range p.likes {
			if known[photo] != id {
				s.t.Fatalf("the like %s of %s was acknowledged and is lost", id, p.handle)
			}
		}
		p.likes = known
		var made []string
		for _, c := range s.list("comments?author=" + p.id) {
			made = append(made, c.ID)
		}
		for _, id := range p.comments {
			if !slices.Contains(made, id) {
				s.t.Fatalf("the comment %s of %s was acknowledged and is lost", id, p.handle)
			}
		}
		p.comments = made
	}
}

type row struct{ ID, User, Author, Photo, Text string }

// list reads all records of a collection.
func (s *stage) list(path string) []row {
	s.t.Helper()
	name, _, _ := strings.Cut(path, "?")
	var all []row
	for token := ""; ; {
		var page map[string]json.RawMessage
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		s.must(nil, http.MethodGet, path+sep+"page_size=200&page_token="+token, "", &page)
		var rows []row
		if err := json.Unmarshal(page[name], &rows); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, rows...)
		if err := json.Unmarshal(page["next_page_token"], &token); err != nil || token == "" {
			return all
		}
	}
}

// client speaks to the server itself, not through the proxy: only listeners are cut.
func (s *stage) client() *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: fans, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.server.HTTP)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: server.Patience}
}

func (s *stage) do(ctx context.Context, c *http.Client, p *person, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://reactions.test/api/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if p != nil && p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var text json.RawMessage
		_ = json.NewDecoder(resp.Body).Decode(&text) // it is shown as far as it came
		s.t.Errorf("%s %s %s: %s %s", method, path, body, resp.Status, text)
		return fmt.Errorf("%s", resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (s *stage) must(p *person, method, path, body string, into any) {
	s.t.Helper()
	if err := s.do(s.t.Context(), s.client(), p, method, path, body, into); err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
}

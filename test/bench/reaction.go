package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	writersMax   = 100 // authors whose inboxes are listened to
	likesASecond = 500
)

// reactions is a server whose people like each other's photos.
type reactions struct {
	server  *server
	liker   account
	authors []account
	ids     *roundtrip.IDs
}

type account struct{ id, token string }

// prepareReactions starts a server of ours and makes its people.
func prepareReactions(ctx context.Context, dir, bin string, say progress) (*reactions, error) {
	s, err := newServer(ctx, dir, "Reactions", bin, dialect{host: "reactions.test"})
	if err != nil {
		return nil, err
	}
	r := &reactions{server: s, ids: roundtrip.NewIDs(1, time.Now)}
	declaration, err := os.ReadFile("reactions.yaml")
	if err != nil {
		return nil, err
	}
	file, data := filepath.Join(s.home(), "roundtrip.yaml"), filepath.Join(s.home(), "data")
	if err := errors.Join(os.WriteFile(file, declaration, 0o600), os.RemoveAll(data)); err != nil {
		return nil, err
	}
	s.args = []string{"serve", file, "--data", data, "--http", s.addr}
	say("signing up %d people (each password takes a while)", writersMax+1)
	if err := s.start(ctx, "/api/photos"); err != nil {
		return nil, err
	}
	for i := range writersMax + 1 {
		a, err := signUp(ctx, s, i)
		if err != nil {
			return r, err
		}
		r.authors = append(r.authors, a)
	}
	r.liker, r.authors = r.authors[0], r.authors[1:]
	return r, nil
}

// signUp makes an account, each few from another address: a server takes only so many from one.
func signUp(ctx context.Context, s *server, i int) (account, error) {
	source := &net.TCPAddr{IP: net.IPv4(127, 2, 0, byte(1+i/perSource))}
	c, err := (&net.Dialer{LocalAddr: source}).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return account{}, err
	}
	defer func() { _ = c.Close() }()
	w := &worker{conn: c, in: bufio.NewReader(c)}
	status, answer, err := w.ask(post(s.host, "/api/auth/sign-up", fmt.Appendf(nil, `{"handle":"person%d","password":"a long pass phrase %d"}`, i, i)))
	var made struct {
		Token   string
		Account struct{ ID string }
	}
	if err == nil && status != 201 {
		err = fmt.Errorf("signing up was answered with %d: %.300s", status, answer)
	}
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	return account{made.Account.ID, made.Token}, err
}

// as puts a token into a request.
func as(token string, r request) request {
	return bytes.Replace(r, []byte("\r\n"), []byte("\r\nAuthorization: Bearer "+token+"\r\n"), 1)
}

// photos makes n photos, each by the next of the authors, and returns their ids.
func (r *reactions) photos(ctx context.Context, n, authors int) ([]string, error) {
	w, err := newWorker(ctx, r.server.addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.conn.Close() }()
	made := make([]string, n)
	for a := range authors {
		var ops []op
		for i := a; i < n; i += authors {
			made[i] = r.ids.Next().String()
			ops = append(ops, op{"create", "photos", made[i], map[string]any{}})
		}
		for part := range slices.Chunk(ops, 100) {
			body, err := json.Marshal(map[string]any{"ops": part})
			if err != nil {
				return nil, err
			}
			status, answer, err := w.ask(as(r.authors[a].token, post(r.server.host, "/api/batch", body)))
			if err == nil && status != 200 {
				err = fmt.Errorf("making photos was answered with %d: %.300s", status, answer)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

// arrivals notes when each photo was liked and when its author's socket said so.
type arrivals struct {
	mu   sync.Mutex // guards all below
	due  map[string]time.Time
	came []time.Duration
	all  chan struct{}
	want int
}

// heard looks for the photos that an inbox message is about: its "group" members.
func (a *arrivals) heard(_ int, payload []byte, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for rest := payload; ; {
		const mark = `"group":"`
		n := bytes.Index(rest, []byte(mark))
		if n < 0 {
			return
		}
		rest = rest[n+len(mark):]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return
		}
		if due, ok := a.due[string(rest[:end])]; ok {
			delete(a.due, string(rest[:end]))
			a.came = append(a.came, at.Sub(due))
			if len(a.came) == a.want {
				close(a.all)
			}
		}
	}
}

// runReaction likes photos at a fixed rate. Each author listens to their inbox, and so many others listen to the likes of
// one photo each.
func (r *reactions) runReaction(ctx context.Context, authors, others int, length time.Duration) (*fanout, error) {
	n := int(length.Seconds() * likesASecond)
	photos, err := r.photos(ctx, n, authors)
	if err != nil {
		return nil, err
	}
	a := &arrivals{due: map[string]time.Time{}, all: make(chan struct{}), want: n}
	inboxes, err := listen(ctx, r.server, webSocket{}, authors, func(i int) (string, string) { return "inbox", r.authors[i].token }, a.heard)
	if err != nil {
		return nil, err
	}
	defer inboxes.close()
	crowd, err := listen(ctx, r.server, webSocket{}, others, func(i int) (string, string) { return "likes?photo=" + photos[i%n], "" },
		func(int, []byte, time.Time) {})
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	before, err := r.server.cpu()
	if err != nil {
		return nil, err
	}
	next := 0
	var mu sync.Mutex
	answers, err := sendAt(ctx, likesASecond, length, 64, func(due time.Time) request {
		mu.Lock()
		photo := photos[next]
		next++
		mu.Unlock()
		a.mu.Lock()
		a.due[photo] = due
		a.mu.Unlock()
		return as(r.liker.token, post(r.server.host, "/api/likes", fmt.Appendf(nil, `{"photo":%q}`, photo)))
	}, r.server.addr)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.all:
	case <-time.After(20 * time.Second):
		a.mu.Lock()
		defer a.mu.Unlock()
		return nil, errors.Join(fmt.Errorf("of %d likes %d reached their author", n, len(a.came)), inboxes.err(), crowd.err())
	}
	after, err := r.server.cpu()
	if err != nil {
		return nil, err
	}
	slices.Sort(a.came)
	return &fanout{
		door: fmt.Sprintf("%d authors, %d others", authors, others), listeners: authors + others, rate: likesASecond,
		sent: n, got: n, cpu: after - before, latency: a.came, answers: answers,
	}, nil
}

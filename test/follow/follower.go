package follow

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Door is how a follower listens.
type Door string

// The doors.
const (
	WebSocket Door = "websocket"
	SSE       Door = "sse"
	Polling   Door = "polling"
)

// pause is how long a follower waits before it connects again, or polls again.
const pause = 20 * time.Millisecond

// Follower is one client of one topic.
type Follower struct {
	View  *View
	Door  Door
	Topic string
	Addr  func() string // host:port of the server now, or of something in front of it; plain HTTP
	Host  string        // the site's name
	Mount string        // /api/
	Token string        // "" for a stranger

	connects atomic.Int64
	refusals atomic.Pointer[string] // the last answer that was no stream
}

// Connects returns how often the follower has connected.
func (f *Follower) Connects() int64 { return f.connects.Load() }

// Refusal returns the last answer that was no stream, or "".
func (f *Follower) Refusal() string {
	if p := f.refusals.Load(); p != nil {
		return *p
	}
	return ""
}

// Run listens until ctx ends, connecting again whenever it is cut.
func (f *Follower) Run(ctx context.Context) {
	if f.View == nil {
		f.View = NewView()
	}
	for ctx.Err() == nil {
		var err error
		switch f.Door {
		case WebSocket:
			err = f.socket(ctx)
		case SSE:
			err = f.events(ctx)
		case Polling:
			err = f.poll(ctx)
		}
		if refused, ok := errors.AsType[refusal](err); ok {
			text := string(refused)
			f.refusals.Store(&text)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// refusal is an answer that is no stream.
type refusal string

func (r refusal) Error() string { return string(r) }

// Subscribe is the message that asks for a topic.
func Subscribe(topic, cursor string) []byte {
	m := map[string]any{"id": 1, "subscribe": topic}
	if cursor != "" {
		m["cursor"] = cursor
	}
	text, _ := json.Marshal(m) // a map of texts and a number
	return text
}

// Dial opens a WebSocket to the live door from a source address, nil for any. The reader must be used for what the server
// sent along with its handshake.
func Dial(ctx context.Context, source net.Addr, addr, host, mount, token string) (net.Conn, io.ReadWriter, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	d := ws.Dialer{
		Header:  ws.HandshakeHeaderHTTP(header),
		Timeout: time.Minute,
		NetDial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{LocalAddr: source}).DialContext(ctx, network, addr)
		},
	}
	conn, early, _, err := d.Dial(ctx, "ws://"+host+mount+"live")
	if err != nil {
		return nil, nil, err
	}
	if early == nil {
		return conn, conn, nil
	}
	return conn, struct {
		io.Reader
		io.Writer
	}{early, conn}, nil
}

func (f *Follower) socket(ctx context.Context) error {
	conn, rw, err := Dial(ctx, nil, f.Addr(), f.Host, f.Mount, f.Token)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	f.connects.Add(1)
	if err := wsutil.WriteClientText(conn, Subscribe(f.Topic, f.View.Cursor())); err != nil {
		return err
	}
	return f.Listen(rw)
}

// Listen takes the messages of a WebSocket until it ends.
func (f *Follower) Listen(rw io.ReadWriter) error {
	for {
		text, err := wsutil.ReadServerText(rw)
		if err != nil {
			return err
		}
		if err := f.take(text); err != nil {
			return err
		}
	}
}

// Read reads the next message about a topic from a WebSocket.
func Read(rw io.ReadWriter) (*Message, error) {
	for {
		text, err := wsutil.ReadServerText(rw)
		if err != nil {
			return nil, err
		}
		var m Message
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("%w: %s", err, text)
		}
		if m.Head == "" {
			return &m, nil
		}
	}
}

// take reads one message of any door.
func (f *Follower) take(text []byte) error {
	var m Message
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if m.Head != "" {
		return nil
	}
	if m.Topic != f.Topic && f.Door == WebSocket {
		return fmt.Errorf("a message of topic %q came", m.Topic)
	}
	f.View.Apply(&m)
	return nil
}

// target is the path for the doors of HTTP: COLLECTION:watch, or inbox.
func (f *Follower) target(cursor string) string {
	name, query, _ := strings.Cut(f.Topic, "?")
	switch {
	case f.Door == SSE:
		query = "topic=" + url.QueryEscape(f.Topic)
		name = "live"
	case name != "inbox":
		name += ":watch"
	}
	if cursor != "" {
		if query != "" {
			query += "&"
		}
		query += "cursor=" + url.QueryEscape(cursor)
	}
	return "http://" + f.Host + f.Mount + name + "?" + query
}

func (f *Follower) request(ctx context.Context, accept string) (*http.Response, func(), error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.target(f.View.Cursor()), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", accept)
	if f.Token != "" {
		req.Header.Set("Authorization", "Bearer "+f.Token)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.Addr())
	}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		_ = resp.Body.Close()
		return nil, nil, refusal(fmt.Sprintf("%s: %s: %s", req.URL, resp.Status, text))
	}
	return resp, func() { _ = resp.Body.Close(); transport.CloseIdleConnections() }, nil
}

func (f *Follower) events(ctx context.Context) error {
	resp, end, err := f.request(ctx, "text/event-stream")
	if err != nil {
		return err
	}
	defer end()
	f.connects.Add(1)
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	var data []byte
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "" && len(data) > 0:
			if err := f.take(data); err != nil {
				return err
			}
			data = data[:0]
		case strings.HasPrefix(text, "data:"):
			data = append(data, strings.TrimPrefix(text[5:], " ")...)
		}
	}
}

func (f *Follower) poll(ctx context.Context) error {
	resp, end, err := f.request(ctx, "application/json")
	if err != nil {
		return err
	}
	defer end()
	f.connects.Add(1)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return f.take(text)
}

// Package live_test drives the streams of the real program from outside, over TLS: WebSocket, server-sent events, polling.
package live_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const declaration = `
name: gallery
sites:
  gallery.test:
    tls: local
    routes: [{ path: /api/, to: api }]
    cors: { origins: ['https://friend.test'], credentials: true }
identity: { accounts: users }
collections:
  users:
    fields: { handle: { type: text, required: true, unique: true } }
    rules: { read: 'true' }
  notes:
    fields:
      owner: { type: ref, to: users, default: auth.id, immutable: true, on_delete: cascade }
      text: { type: text }
      private: { type: bool, default: false }
    rules: { read: '!record.private || auth.id == record.owner', create: 'auth.id == record.owner', update: 'auth.id == record.owner', delete: 'auth.id == record.owner' }
`

type person struct {
	*server.API

	s *server.Server
}

func open(t *testing.T) (*server.Server, *person) {
	t.Helper()
	s := server.Start(t, server.Declare(t, declaration))
	stranger := s.API("gallery.test")
	a := stranger.Want(201, "POST", "auth/sign-up", server.JSON{"handle": "ana", "password": "long enough ana"})
	return s, &person{API: stranger.As(a.Text("token")), s: s}
}

// dial opens a WebSocket over TLS.
func dial(t *testing.T, s *server.Server, header http.Header) (net.Conn, io.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	d := ws.Dialer{
		Header: ws.HandshakeHeaderHTTP(header),
		NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.HTTPS)
		},
		TLSConfig: &tls.Config{
			ServerName: "gallery.test", NextProtos: []string{"http/1.1"},
			RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		},
	}
	conn, early, _, err := d.Dial(ctx, "wss://gallery.test/api/live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(server.Patience))
	if early != nil {
		return conn, early
	}
	return conn, conn
}

// read returns the next text message that is no heartbeat, or the code of the close.
func read(t *testing.T, from io.Reader) (map[string]any, int) {
	t.Helper()
	for {
		head, err := ws.ReadHeader(from)
		if err != nil || head.Length > 1<<20 {
			t.Fatal(head, err)
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(from, payload); err != nil {
			t.Fatal(err)
		}
		if head.OpCode == ws.OpClose { // gobwas's own reader does not know 1012
			return nil, int(binary.BigEndian.Uint16(payload))
		}
		if head.OpCode != ws.OpText {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal(payload, &v); err != nil {
			t.Fatal(err)
		}
		if v["head"] == nil {
			return v, 0
		}
	}
}

func TestLive_WebSocketThroughTheWholePath(t *testing.T) {
	t.Parallel()
	s, ana := open(t)
	conn, from := dial(t, s, http.Header{"Authorization": {"Bearer " + ana.Token}})
	_ = wsutil.WriteClientText(conn, []byte(`{"id":1,"subscribe":"notes"}`))
	if v, _ := read(t, from); v["snapshot"] == nil || v["id"] != 1.0 {
		t.Fatalf("%v", v)
	}
	id := ana.Want(201, "POST", "notes", server.JSON{"text": "hi", "private": true}).Text("id")
	v, _ := read(t, from)
	if got := v["changes"].([]any)[0].(map[string]any)["put"].(map[string]any); got["id"] != id {
		t.Fatalf("%v", v)
	}
	cursor := v["cursor"].(string)
	s.Stop()
	if _, code := read(t, from); code != 1012 {
		t.Fatalf("closed with %d when the server stopped", code)
	}
	s.Restart()
	second := s.API("gallery.test").As(ana.Token).Want(201, "POST", "notes", server.JSON{"text": "ho"}).Text("id")
	conn, from = dial(t, s, http.Header{"Authorization": {"Bearer " + ana.Token}})
	_ = wsutil.WriteClientText(conn, []byte(`{"id":2,"subscribe":"notes","cursor":"`+cursor+`"}`))
	v, _ = read(t, from)
	list, _ := v["changes"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["put"].(map[string]any)["id"] != second {
		t.Fatalf("after a restart: %v", v)
	}
}

func TestLive_OriginOfThePage(t *testing.T) {
	t.Parallel()
	s, ana := open(t)
	cookie := "__Host-session=" + ana.Token
	for origin, want := range map[string]int{
		"https://evil.test": 4403, "http://gallery.test": 4403, "https://friend.test": 0, "https://gallery.test": 0,
	} {
		conn, from := dial(t, s, http.Header{"Cookie": {cookie}, "Origin": {origin}})
		_ = wsutil.WriteClientText(conn, []byte(`{"id":1,"ping":true}`))
		if v, code := read(t, from); code != want || want == 0 && v["ok"] != true {
			t.Errorf("%s: closed with %d, want %d: %v", origin, code, want, v)
		}
	}
	_, from := dial(t, s, http.Header{"Cookie": {"__Host-session=rt_s_nothing"}, "Origin": {"https://gallery.test"}})
	if v, code := read(t, from); code != 4401 {
		t.Errorf("a cookie that proves nothing: %d %v", code, v)
	}
}

// event is one server-sent event.
type event struct{ id, data string }

func events(t *testing.T, res *http.Response) func() event {
	t.Helper()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func() event {
		var e event
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "id: "):
				e.id = line[4:]
			case strings.HasPrefix(line, "data: "):
				e.data = line[6:]
			case line == "" && e.data != "" && !strings.Contains(e.data, `"head"`):
				return e
			case line == "":
				e = event{}
			}
		}
		t.Fatalf("the events ended: %v", lines.Err())
		return e
	}
}

func get(t *testing.T, s *server.Server, client *http.Client, path string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gallery.test/api/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestLive_EventsOverHTTP1And2(t *testing.T) {
	t.Parallel()
	s, ana := open(t)
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		client := s.Client()
		base := client.Transport.(*http.Transport).Clone()
		base.TLSClientConfig.NextProtos = []string{"h2"}
		base.ForceAttemptHTTP2 = true
		if proto == "HTTP/1.1" {
			base.TLSClientConfig.NextProtos = []string{"http/1.1"}
			base.ForceAttemptHTTP2 = false
			base.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		client = &http.Client{Transport: base}
		t.Cleanup(base.CloseIdleConnections)
		auth := http.Header{"Authorization": {"Bearer " + ana.Token}}
		res := get(t, s, client, "notes:watch?filter="+url.QueryEscape(`text != "no"`), auth)
		if res.Proto != proto || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Journey") == "" {
			t.Fatalf("%s: %s %d %v", proto, res.Proto, res.StatusCode, res.Header)
		}
		next := events(t, res)
		first := next()
		if !strings.Contains(first.data, `"snapshot"`) || first.id == "" {
			t.Fatalf("%s: %+v", proto, first)
		}
		id := ana.Want(201, "POST", "notes", server.JSON{"text": "yes"}).Text("id")
		second := next()
		if !strings.Contains(second.data, id) || second.id == "" {
			t.Fatalf("%s: %+v", proto, second)
		}
		res.Body.Close()
		later := ana.Want(201, "POST", "notes", server.JSON{"text": "later"}).Text("id")
		auth.Set("Last-Event-ID", second.id)
		third := events(t, get(t, s, client, "notes:watch?filter="+url.QueryEscape(`text != "no"`), auth))()
		if !strings.Contains(third.data, `"changes":[{"put"`) || !strings.Contains(third.data, later) || strings.Contains(third.data, id) {
			t.Fatalf("%s resumed with %+v", proto, third)
		}
		several := events(t, get(t, s, client, "live?topic=notes&topic=users&topic=nothing", http.Header{}))
		all := several().data + several().data + several().data
		if !strings.Contains(all, `"topic":"notes"`) || !strings.Contains(all, `"topic":"users"`) || !strings.Contains(all, `"topic":"nothing","error"`) {
			t.Fatalf("%s: %s", proto, all)
		}
	}
}

func TestLive_Polling(t *testing.T) {
	t.Parallel()
	s, ana := open(t)
	id := ana.Want(201, "POST", "notes", server.JSON{"text": "one"}).Text("id")
	header := func() http.Header { return http.Header{"Accept": {"application/json"}} }
	poll := func(cursor string) map[string]any {
		res := get(t, s, s.Client(), "notes:watch?cursor="+cursor, header())
		var v map[string]any
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode != 200 {
			t.Fatal(res.StatusCode, v, err)
		}
		return v
	}
	v := poll("")
	if list := v["snapshot"].([]any); len(list) != 1 || list[0].(map[string]any)["id"] != id {
		t.Fatalf("%v", v)
	}
	ana.Want(204, "DELETE", "notes/"+id, nil)
	v = poll(v["cursor"].(string))
	if list := v["changes"].([]any); len(list) != 1 || list[0].(map[string]any)["removed"] != id {
		t.Fatalf("%v", v)
	}
	if v = poll(v["cursor"].(string)); len(v["changes"].([]any)) != 0 {
		t.Fatalf("%v", v)
	}
	if res := get(t, s, s.Client(), "notes:watch?filter=nonsense", header()); res.StatusCode != 400 {
		t.Errorf("a wrong filter: %d", res.StatusCode)
	}
	if res := get(t, s, s.Client(), "notes:wotch", header()); res.StatusCode != 404 {
		t.Errorf("a wrong verb: %d", res.StatusCode)
	}
}

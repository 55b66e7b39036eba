package gate_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// A server that is asked to stop tells streams to go, lets requests end, and then ends by itself.
func TestStop_RequestsEndAndStreamsAreToldToGo(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, living(0, u)))
	say, proxied := dialSocket(t, s, "/proxied/socket")
	_ = wsutil.WriteClientText(say, []byte("here"))
	if text, _ := hear(t, proxied); text != "here" {
		t.Fatalf("the WebSocket said %q", text)
	}
	ask, live := dialSocket(t, s, "/api/live")
	_ = wsutil.WriteClientText(ask, []byte(`{"id":1,"subscribe":"notes"}`))
	_, _ = hear(t, live)

	held := make(chan string, 3)
	for i, p := range []protocol{h1, h2, h3} {
		c := newClient(t, s, p, 1)
		key := fmt.Sprint("key", i)
		go func() {
			resp, text, err := c.do(t, http.MethodGet, "/proxied/hold?key="+key, nil)
			held <- fmt.Sprint(resp != nil && resp.StatusCode == http.StatusOK, text, err)
		}()
		u.awaitArrival("GET /proxied/hold?key=" + key)
	}
	s.Signal(syscall.SIGTERM)
	if _, code := hear(t, proxied); code != 1001 {
		t.Errorf("the proxied WebSocket was closed with %d, want 1001", code)
	}
	if _, code := hear(t, live); code != 1012 {
		t.Errorf("the WebSocket of the API was closed with %d, want 1012", code)
	}
	_ = say.Close()
	for _, key := range []string{"key0", "key1", "key2"} {
		u.release(key)
		if got := <-held; got != "truereleased<nil>" {
			t.Errorf("a request that ran when the server was asked to stop: %s", got)
		}
	}
	s.Stop()
}

// What does not end is cut when its time is over.
func TestStop_IsBounded(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, "gate: { timeouts: { drain: 300ms } }\n"+living(0, u)))
	c := newClient(t, s, h1, 1)
	cut := make(chan error, 1)
	go func() {
		_, _, err := c.do(t, http.MethodGet, "/proxied/hold?key=never", nil)
		cut <- err
	}()
	u.awaitArrival("GET /proxied/hold?key=never")
	s.Stop()
	if err := <-cut; err == nil {
		t.Error("the request that never ended was answered")
	}
}

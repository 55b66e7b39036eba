package rest_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/stream/push"
)

// pushes keeps the browsers of the house. Nothing is sent: it does not run.
func (h *house) pushes(notes *inbox.Service) *push.Sender {
	h.t.Helper()
	s, err := push.New(push.Options{
		Seed: bytes.Repeat([]byte("s"), 32), Subject: "https://gallery.test", Title: "gallery", Subscriptions: h.store, Notes: notes, Outbox: h.store,
		Now: time.Now, Rand: rand.Reader, Jitter: func() float64 { return 0 },
	})
	must(h.t, err)
	return s
}

const (
	browserKey  = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4" // RFC 8291
	browserAuth = "BTBZMqHH6r4Tts7J_aSIgg"
)

func TestPush_SubscribesABrowser(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	if key := ana.do("GET", "inbox/push", "").is(200).text("key"); len(key) != 87 {
		t.Fatalf("the key is %q", key)
	}
	const body = `{"endpoint":"https://push.example/x","expirationTime":null,"keys":{"p256dh":"` + browserKey + `","auth":"` + browserAuth + `"}}`
	subscribed := func() int {
		id, _ := roundtrip.ParseID(ana.id)
		subs, err := h.store.Pushes(t.Context(), id)
		must(t, err)
		return len(subs)
	}
	ana.do("POST", "inbox/push", body).is(204)
	ana.do("POST", "inbox/push", body).is(204)
	bo.do("DELETE", "inbox/push", `{"endpoint":"https://push.example/x"}`).is(204)
	if subscribed() != 1 {
		t.Fatalf("%d browsers", subscribed())
	}
	ana.do("DELETE", "inbox/push", `{"endpoint":"https://push.example/x"}`).is(204)
	if subscribed() != 0 {
		t.Fatalf("%d browsers", subscribed())
	}
	ana.do("POST", "inbox/push", body).is(204)
	ana.do("POST", "auth/sign-out", "").is(204)
	if subscribed() != 0 { // others may sit there now
		t.Fatal("a browser is told of an account that has signed out there")
	}
}

func TestPush_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, stranger := h.person("ana"), h.stranger()
	stranger.do("GET", "inbox/push", "").is(401).because("auth.missing")
	stranger.do("POST", "inbox/push", `{}`).is(401).because("auth.missing")
	stranger.do("DELETE", "inbox/push", `{}`).is(401).because("auth.missing")
	ana.do("POST", "inbox/push", `{}`).is(400).because("request.invalid").has(`"/endpoint"`)
	ana.do("POST", "inbox/push", `{"endpoint":"http://push.example/x","keys":{"p256dh":"`+browserKey+`","auth":"`+browserAuth+`"}}`).is(400).has(`"/endpoint"`, "https")
	ana.do("POST", "inbox/push", `{"endpoint":"https://push.example/x","keys":{"p256dh":"AAAA","auth":"`+browserAuth+`"}}`).is(400).has(`"/keys"`, "65 bytes")
	ana.do("POST", "inbox/push", `{"endpoint":7,"keys":[]}`).is(400).has(`"/endpoint"`, `"/keys"`)
	ana.do("POST", "inbox/push", `{"endpiont":"https://push.example/x"}`).is(400).has("did you mean endpoint?")
	ana.do("POST", "inbox/push", `{"endpoint":"https://push.example/`+strings.Repeat("x", 4000)+`"}`).is(400).has("too long")
	ana.do("GET", "inbox/push?x=1", "").is(400)
	ana.do("PATCH", "inbox/push", `{}`).is(405)
	ana.do("GET", "inbox/pusch", "").is(404).has("inbox/push")
}

func TestPush_IsNotEverywhere(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	door, err := rest.New(h.core, "/api/", rest.Options{})
	must(t, err)
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/inbox/push", nil))
	if w.Code != 404 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

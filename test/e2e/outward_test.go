package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/stream/mail/mailtest"
	"github.com/roundtrip-dev/roundtrip/stream/push/pushtest"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

const pokes = `
name: pokes
sites: { pokes.test: { tls: local, routes: [{ path: /api/, to: api }] } }
identity: { accounts: people }
collections:
  people:
    fields: { handle: { type: text, required: true, unique: true }, address: { type: email } }
    rules: { read: 'true' }
  pokes:
    fields:
      by: { type: ref, to: people, default: auth.id, on_delete: cascade }
      of: { type: ref, to: people, on_delete: cascade }
    rules: { read: 'true', create: 'true', delete: 'true' }
notifications:
  poked: { when: pokes.created, to: record.of, group: record.of, text: '{actors} poked you', channels: [inbox, push, email] }
push: { subject: 'mailto:operator@example.com', grace: %[1]s, allow_private: true }
mail:
  server: smtp://127.0.0.1:%[2]d
  from: 'Pokes <no-reply@pokes.test>'
  user: gallery
  password: { file: secret.txt }
  ca: ca.pem
  grace: %[1]s
`

// startPokes runs the declaration above with a push service and a mail server.
func startPokes(t *testing.T, grace string) (*server.Server, *pushtest.Service, *mailtest.Server) {
	t.Helper()
	push, mail := pushtest.Start(t, time.Now), mailtest.Start(t, mailtest.Options{Sign: true})
	folder := server.Declare(t, fmt.Sprintf(pokes, grace, mail.Port))
	put(t, folder, "secret.txt", mailtest.Password+"\n")
	put(t, folder, "ca.pem", string(mail.CA))
	return server.Start(t, folder), push, mail
}

// join signs somebody up.
func join(t *testing.T, s *server.Server, handle string) (*server.API, string) {
	t.Helper()
	api := s.API("pokes.test")
	up := api.Do("POST", "auth/sign-up", server.JSON{"handle": handle, "address": handle + "@example.com", "password": "correct horse battery"})
	if up.Status != 201 {
		t.Fatalf("%d %s", up.Status, up.Body)
	}
	return api.As(up.Text("token")), up.Text("account.id")
}

// subscribe asks for pushes to a new browser.
func subscribe(t *testing.T, api *server.API, service *pushtest.Service, name string) {
	t.Helper()
	b := service.Subscribe(name, api.Do("GET", "inbox/push", nil).Text("key"))
	got := api.Do("POST", "inbox/push", server.JSON{"endpoint": b.Endpoint, "keys": server.JSON{"p256dh": b.P256dh, "auth": b.Auth}})
	if got.Status != 204 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
}

// What somebody does reaches the browser and the mailbox of the one whom it is about, once.
func TestOutward_ANotificationReachesBrowserAndMailbox(t *testing.T) {
	t.Parallel()
	s, push, mail := startPokes(t, "0s")
	ana, anaID := join(t, s, "ana")
	bo, _ := join(t, s, "bo")
	subscribe(t, ana, push, "laptop")
	subscribe(t, ana, push, "phone")
	if made := bo.Do("POST", "pokes", server.JSON{"of": anaID}); made.Status != 201 {
		t.Fatalf("%d %s", made.Status, made.Body)
	}
	browsers := map[string]bool{}
	for _, m := range push.Next(2, server.Patience) {
		var text struct{ Title, Body, Tag string }
		if err := json.Unmarshal([]byte(m.Text), &text); err != nil || text.Title != "pokes" || text.Body != "bo poked you" || text.Tag != m.Topic {
			t.Errorf("pushed %+v", m)
		}
		browsers[m.Browser] = true
	}
	letter := mail.Next(1, server.Patience)[0]
	if len(browsers) != 2 || letter.To != "ana@example.com" || !letter.Secure || letter.Message.Header.Get("Subject") != "bo poked you" || !strings.Contains(letter.Body, "https://pokes.test") {
		t.Errorf("pushed to %v, mailed %+v", browsers, letter)
	}
	cy, _ := join(t, s, "cy")
	cy.Do("POST", "pokes", server.JSON{"of": anaID})
	if last := push.Next(4, server.Patience)[3]; !strings.Contains(last.Text, "cy and bo poked you") {
		t.Errorf("then pushed %+v", last)
	}
	mail.Next(2, server.Patience)
	s.Stop()
	if len(push.Messages()) != 4 || len(mail.Letters()) != 2 {
		t.Errorf("%d pushes, %d letters", len(push.Messages()), len(mail.Letters()))
	}
}

// What was read or taken back within the grace is not told, and what a killed server owed is told by the next one.
func TestOutward_TellsNobodyOfWhatIsSettled(t *testing.T) {
	t.Parallel()
	s, push, mail := startPokes(t, "12s")
	ana, anaID := join(t, s, "ana")
	bo, boID := join(t, s, "bo")
	cy, cyID := join(t, s, "cy")
	for _, who := range []*server.API{ana, bo, cy} {
		subscribe(t, who, push, who.Do("GET", "auth/me", nil).Text("account.handle"))
	}
	undone := bo.Do("POST", "pokes", server.JSON{"of": anaID})
	cy.Do("POST", "pokes", server.JSON{"of": boID})
	if got := bo.Do("POST", "inbox/seen", server.JSON{}); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if got := bo.Do("DELETE", "pokes/"+undone.Text("id"), nil); got.Status != 204 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	bo.Do("POST", "pokes", server.JSON{"of": cyID})
	s.Kill()
	s.Restart()
	if m := push.Next(1, server.Patience)[0]; m.Browser != "cy" || !strings.Contains(m.Text, "bo poked you") {
		t.Errorf("pushed %+v", m)
	}
	if l := mail.Next(1, server.Patience)[0]; l.To != "cy@example.com" {
		t.Errorf("mailed %+v", l)
	}
	s.Stop() // all three were due at the same time
	if len(push.Messages()) != 1 || len(mail.Letters()) != 1 {
		t.Errorf("pushed %+v, mailed %+v", push.Messages(), mail.Letters())
	}
}

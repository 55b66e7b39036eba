package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
)

// What changes of an account is seen by its next call at once: the clock stands, so that the second look at the store
// that comes with time does not come here.
func TestApp_ChangeOfAnAccountIsSeenByItsNextCall(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, client := startWith(t, `
name: notes
sites:
  notes.test:
    tls: local
    routes: [{ path: /api/, to: api }]
identity: { accounts: people }
collections:
  people:
    fields: { handle: { type: text, required: true, unique: true }, plan: { type: text, default: free } }
    rules: { read: 'true', update: 'auth.id == record.id', delete: 'auth.id == record.id' }
  notes:
    fields: { text: { type: text, max: 100 } }
    rules: { read: 'true', create: 'auth.plan == "paid"' }
store: { database: 'sqlite:data/notes.db', files: data/files }
`, func(s *process.Surroundings) { s.Now = func() time.Time { return now } })
	status, body, _ := send(t, a, client, "POST", "auth/sign-up", `{"handle":"ana","password":"four unrelated words"}`)
	var up struct {
		Token   string
		Account struct{ ID string }
	}
	if err := json.Unmarshal([]byte(body), &up); err != nil || status != 201 {
		t.Fatal(status, body, err)
	}
	bearer := []string{"Authorization", "Bearer " + up.Token}
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "notes", `{"text":"x"}`, 403}, // from here on the account is in memory
		{"PATCH", "people/" + up.Account.ID, `{"plan":"paid"}`, 200},
		{"POST", "notes", `{"text":"x"}`, 201},
		{"PATCH", "people/" + up.Account.ID, `{"plan":"free"}`, 200},
		{"POST", "notes", `{"text":"x"}`, 403},
		{"DELETE", "people/" + up.Account.ID, "", 204},
		{"GET", "notes", "", 401},
	} {
		status, body, _ := send(t, a, client, step.method, step.path, step.body, bearer...)
		if status != step.status {
			t.Fatalf("%s %s %s: %d, want %d: %s", step.method, step.path, step.body, status, step.status, strings.TrimSpace(body))
		}
	}
}

package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Who is signed in is counted by their account, wherever they come from; strangers are counted by address.
func TestApp_LimitsRequestsPerAccount(t *testing.T) {
	t.Parallel()
	limited := strings.Replace(declaration, "tls: local\n", "tls: local\n    limits: { requests: [4/h per account burst 4] }\n", 1)
	a, client := startWith(t, limited, func(*process.Surroundings) {})
	signUp := func(handle string) string {
		status, body, _ := send(t, a, client, "POST", "auth/sign-up", `{"handle":"`+handle+`","password":"`+handle+`-long-enough"}`)
		var in struct{ Token string }
		if err := json.Unmarshal([]byte(body), &in); err != nil || in.Token == "" {
			t.Fatalf("%d %s", status, body)
		}
		return "Bearer " + in.Token
	}
	ana, bo := signUp("ana"), signUp("bo") // two requests of a stranger
	for _, q := range []struct {
		who     string
		passing int
	}{{ana, 4}, {bo, 4}, {"", 2}, {"Bearer rt_s_nonsense", 0}} {
		for i := range q.passing + 1 {
			var headers []string
			if q.who != "" {
				headers = []string{"Authorization", q.who}
			}
			status, body, j := send(t, a, client, "GET", "notes", "", headers...)
			if (status == 200) != (i < q.passing) || i == q.passing && (status != 429 || j.Reason.Code() != "limit.rate" || !strings.Contains(body, "limit.rate")) {
				t.Errorf("%q, request %d: %d %s", q.who, i, status, body)
			}
		}
	}
}

func TestNew_RefusesARouteToItself(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := "name: a\nsites:\n  a.test:\n    routes:\n      - { path: /, proxy: [http://127.0.0.1:8000] }\n      - { path: /b/, proxy: [http://localhost:8000, http://192.0.2.1:8000] }\n"
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	around := process.Surroundings{Out: io.Discard, Err: io.Discard, Now: time.Now, Getenv: os.LookupEnv}
	for _, dev := range []bool{true, false} {
		_, err := app.New(app.Options{File: folder, Dev: dev, HTTPS: "127.0.0.1:8443", HTTP: "127.0.0.1:8000"}, around)
		var problems *config.Problems
		if !errors.As(err, &problems) || len(problems.List) != 2 || !strings.Contains(err.Error(), "roundtrip.yaml:5:28: this server listens on 127.0.0.1:8000 itself") {
			t.Errorf("dev %v: %v", dev, err)
		}
	}
	if _, err := app.New(app.Options{File: folder, HTTPS: "127.0.0.1:8443", HTTP: "127.0.0.1:8080"}, around); err != nil {
		t.Errorf("another port: %v", err)
	}
}

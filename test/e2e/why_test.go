package e2e

import (
	"encoding/json"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// whyAnswer is what of an answer is looked at here.
type whyAnswer struct {
	Well                          bool
	Reason, Layer, Where, Journey string
	Sentence                      string
	Foreign                       bool
	Steps                         []struct{ Title, Verdict, Side string }
	Server                        *struct{ ID string }
	exit                          int
	printed                       string
}

// why runs roundtrip why against a server, with its name at its address.
func whyOf(t *testing.T, s *server.Server, args ...string) whyAnswer {
	t.Helper()
	cmd := exec.Command(server.Binary(t), append([]string{"why", "--json", "--ca", s.Authority(), "--resolve", "notes.test:127.0.0.1"}, args...)...)
	cmd.Dir = s.Folder
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var a whyAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%v: %s%s", err, out, exit.Stderr)
	}
	a.exit, a.printed = cmd.ProcessState.ExitCode(), string(out)
	return a
}

// TestWhy_NamesTheStationAndTheLine breaks a request at one station after the other.
func TestWhy_NamesTheStationAndTheLine(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	_, port, err := net.SplitHostPort(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	url := "https://notes.test:" + port
	id := api.Want(201, "POST", "notes", server.JSON{"title": "one"}).Text("id")
	signUp(t, api, "ana")
	for _, tt := range []struct {
		name          string
		args          []string
		reason, layer string
		exit          int
		line          string // of the declaration, "" is not looked at
	}{
		{"it works", []string{url + "/api/notes"}, "", "", 0, ""},
		{"a preflight of a page that may call", []string{url + "/api/notes", "-X", "PATCH", "--origin", "https://app.example", "-d", `{}`}, "route.method_not_allowed", "app", 28, ""},
		{"another page", []string{url + "/api/notes", "-X", "PATCH", "--origin", "https://evil.example"}, "cors.origin_not_allowed", "cors", 16, "cors:"},
		{"a simple request of another page", []string{url + "/api/notes", "--origin", "https://evil.example"}, "cors.origin_not_allowed", "cors", 16, ""},
		{"nobody is signed in", []string{url + "/api/notes/" + id, "-X", "DELETE"}, "auth.missing", "access", 21, "delete:"},
		{"a rule says no", []string{url + "/api/notes/" + id, "-X", "DELETE", "--as", "ana"}, "access.rule_denied", "access", 21, "delete:"},
		{"no certificate", []string{"https://other.test:" + port + "/", "--resolve", "other.test:127.0.0.1"}, "tls.no_certificate_for_name", "tls", 14, ""},
		{"nothing listens", []string{"https://notes.test:1/"}, "connection.no_listener", "tcp", 13, ""},
		{"a WebSocket", []string{"wss://notes.test:" + port + "/api/live"}, "", "", 0, ""},
	} {
		a := whyOf(t, s, tt.args...)
		if a.Reason != tt.reason || a.Layer != tt.layer || a.exit != tt.exit || a.Well != (tt.reason == "") || a.Foreign {
			t.Errorf("%s: exit %d, %s\n%s", tt.name, a.exit, a.Sentence, a.printed)
		}
		if tt.line != "" && !strings.Contains(lineAt(t, notes, a.Where), tt.line) {
			t.Errorf("%s: %s is the line %q", tt.name, a.Where, lineAt(t, notes, a.Where))
		}
	}
}

// TestWhy_CallsAMethod asks after calls of gRPC, whose HTTP status is 200 whatever becomes of them.
func TestWhy_CallsAMethod(t *testing.T) {
	t.Parallel()
	limited := strings.Replace(notes, "to: api }", "to: api, limits: { requests: 1/h per client burst 1 } }", 1)
	for _, tt := range []struct {
		name, yaml, path string
		reason, layer    string
		exit             int
		line             string // of the declaration, "" is not looked at
	}{
		{"it works", notes, "/notes.v1.Notes/List", "", "", 0, ""},
		{"it works below the mount", notes, "/api/notes.v1.Notes/List", "", "", 0, ""},
		{"nobody is signed in", strings.Replace(notes, "create: 'true'", "create: 'auth.id != null'", 1), "/notes.v1.Notes/Create", "auth.missing", "access", 21, "create: 'auth.id"},
		{"too many", limited, "/notes.v1.Notes/List", "limit.rate", "limit", 17, "limits:"},
	} {
		s := server.Start(t, server.Declare(t, strings.Replace(tt.yaml, ", { path: /, static: web, spa: true }", "", 1)))
		_, port, err := net.SplitHostPort(s.HTTPS)
		if err != nil {
			t.Fatal(err)
		}
		url := "https://notes.test:" + port + tt.path
		a := whyOf(t, s, url)
		if tt.yaml == limited { // that was the only one of this hour
			a = whyOf(t, s, url)
		}
		if a.Reason != tt.reason || a.Layer != tt.layer || a.exit != tt.exit || a.Well != (tt.reason == "") || a.Foreign || a.Server == nil {
			t.Errorf("%s: exit %d, %s\n%s", tt.name, a.exit, a.Sentence, a.printed)
		}
		if tt.line != "" && !strings.Contains(lineAt(t, tt.yaml, a.Where), tt.line) {
			t.Errorf("%s: %s is the line %q", tt.name, a.Where, lineAt(t, tt.yaml, a.Where))
		}
	}
}

// lineAt is the line of a declaration at FILE:LINE:COLUMN.
func lineAt(t *testing.T, yaml, where string) string {
	t.Helper()
	parts := strings.Split(where, ":")
	if len(parts) != 3 {
		return ""
	}
	var number int
	if err := json.Unmarshal([]byte(parts[1]), &number); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(yaml, "\n")
	return lines[min(number, len(lines))-1]
}

// TestWhy_ALentSessionIsTakenBack looks that --as leaves no session behind, and is told in the log.
func TestWhy_ALentSessionIsTakenBack(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	ana, _ := signUp(t, api, "ana")
	_, port, err := net.SplitHostPort(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	before := len(ana.Want(200, "GET", "auth/sessions", nil).List("sessions"))
	if a := whyOf(t, s, "https://notes.test:"+port+"/api/auth/me", "--as", "ana"); !a.Well {
		t.Errorf("%s", a.printed)
	}
	if after := len(ana.Want(200, "GET", "auth/sessions", nil).List("sessions")); after != before || before == 0 {
		t.Errorf("%d sessions, then %d", before, after)
	}
	for end := time.Now().Add(server.Patience); !strings.Contains(s.Log(), "roundtrip why acts as an account"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the log does not say that somebody acted as ana")
		}
	}
}

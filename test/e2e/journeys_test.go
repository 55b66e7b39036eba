package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// cli runs the program beside the server, in a terminal of 80 columns that knows UTF-8, and returns what it says and its exit
// status.
func cli(t *testing.T, s *server.Server, args ...string) (text string, status int) {
	t.Helper()
	cmd := exec.Command(server.Binary(t), append(args, s.Folder)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String() + errOut.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String() + errOut.String(), 0
}

// journeyOf shows the journey of an answer, when it has ended, which is just after the answer has left.
func journeyOf(t *testing.T, s *server.Server, a *server.Answer) (text string, status int) {
	t.Helper()
	for deadline := time.Now().Add(server.Patience); ; {
		text, status = cli(t, s, "journey", a.Header.Get("X-Journey"))
		if status != 1 || time.Now().After(deadline) {
			return text, status
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
}

func TestJourneys_CommandLineTellsWhoStoppedARequestAndWhatToChange(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	for _, c := range []struct {
		name   string
		answer *server.Answer
		status int
		says   []string
	}{
		{"a read", api.Want(200, "GET", "notes", nil), 0, []string{"✓ 200 GET https://notes.test/api/notes", "✓ sql"}},
		{
			"a preflight of a foreign page", api.Want(403, "OPTIONS", "notes", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"), 16,
			[]string{"Stopped by CORS of notes.test [COR]", "roundtrip.yaml:7:13)", "https://evil.example", "not reached"},
		},
		{"a path of the API", api.Want(404, "GET", "nots", nil), 28, []string{"[HPA]"}},
		{"a file", api.Want(404, "GET", "https://notes.test/pic.png", nil), 18, []string{"[RFS]"}},
		{"a token that proves nothing", api.As("nothing").Want(401, "GET", "notes", nil), 20, []string{"Stopped by the sign-in [AIN]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, status := journeyOf(t, s, c.answer)
			if status != c.status {
				t.Errorf("exit status %d, want %d", status, c.status)
			}
			for _, w := range c.says {
				if !strings.Contains(strings.ReplaceAll(text, "\n       ", ""), w) {
					t.Errorf("it does not say %q:\n%s", w, text)
				}
			}
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
					t.Errorf("a line has %d columns: %s", n, line)
				}
			}
		})
	}
	if text, status := cli(t, s, "journeys", "--reason", "COR", "--kind", "request"); status != 0 || strings.Count(text, "OPTIONS notes.test/api/notes") != 1 {
		t.Errorf("the list of what CORS refused, exit status %d:\n%s", status, text)
	}
	if text, status := cli(t, s, "journey", "--json", "no-id"); status != 1 || !strings.Contains(text, "is no id of a journey") {
		t.Errorf("exit status %d: %s", status, text)
	}
	if text, status := cli(t, s, "journeys", "-n", "0"); status != 2 {
		t.Errorf("exit status %d: %s", status, text)
	}
}

func TestJourneys_DiffNamesTheKeyThatChangedBetweenTwo(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	a := api.Want(201, "POST", "notes", server.JSON{"title": "one"})
	declare(t, s, strings.Replace(notes, "create: 'true'", "create: '\"editor\" in auth.roles'", 1))
	b := api.Want(401, "POST", "notes", server.JSON{"title": "two"})
	_, _ = journeyOf(t, s, b)
	text, status := cli(t, s, "journey", "diff", a.Header.Get("X-Journey"), b.Header.Get("X-Journey"))
	for _, w := range []string{"declaration generation 2, was 1", `collections.notes.rules.create true → "editor" in auth.roles ◄ only change`, "roundtrip.yaml:18:28"} {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q, exit status %d:\n%s", w, status, text)
		}
	}
	text, _ = cli(t, s, "journey", "diff", "--json", a.Header.Get("X-Journey"), b.Header.Get("X-Journey"))
	var d struct {
		Config []struct{ Path, Was, Now, Where string }
		Hops   []struct{ Layer string }
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil || len(d.Config) != 1 || d.Config[0].Path != "collections.notes.rules.create" || len(d.Hops) == 0 {
		t.Errorf("as JSON: %v, %s", err, text)
	}
}

func TestStatus_SaysWhenTheFileOnTheDiskIsNotInForce(t *testing.T) {
	t.Parallel()
	s, _ := startNotes(t)
	if text, status := cli(t, s, "status"); status != 0 || !strings.Contains(text, "notes: All is well") {
		t.Errorf("exit status %d:\n%s", status, text)
	}
	declare(t, s, strings.Replace(notes, "name: notes", "name: notes\nstor: {}", 1))
	deadline := time.Now().Add(server.Patience)
	text := ""
	for time.Now().Before(deadline) && !strings.Contains(text, "the file on the disk was refused") { // an overview is good for a second
		text, _ = cli(t, s, "status")
	}
	if !strings.Contains(text, "the file on the disk was refused") || !strings.Contains(text, "roundtrip check") {
		t.Errorf("a bad file is on the disk, and the status says:\n%s", text)
	}
	s.Stop()
	if text, status := cli(t, s, "status"); status != 1 {
		t.Errorf("exit status %d without a server: %s", status, text)
	}
}

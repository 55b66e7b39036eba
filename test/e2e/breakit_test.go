package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/test/server"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// exercise is a section of docs/break-it.md.
type exercise struct {
	title              string
	breaks, uses, undo string // what is typed
	asks               string // what is typed to find it: a command a line, and how it exits
	reason, line       string // what the console must name
	refused            string // or why the file is not in force
	again              bool   // the server is stopped and started again
}

var (
	sections = regexp.MustCompile(`(?m)^## \d+\. `)
	blocks   = regexp.MustCompile("(?s)\\*\\*(Break it|Use it|In the terminal|Undo)\\.\\*\\*(?:[^`*]|`[^`]+`)*?```sh\n(.*?)```")
	named    = regexp.MustCompile("(?m)^Reason: `([^`]+)` · line: `([^`]+)`$")
	refusals = regexp.MustCompile("(?m)^Refused: `([^`]+)`$")
	exits    = regexp.MustCompile(`^(.*?)\s+# exits with (\d+)$`)
	preludes = regexp.MustCompile("(?s)```sh\n(.*?)```")
)

// exercises reads the document: what is typed before all of them, and each of them.
func exercises(t *testing.T) (prelude string, list []exercise) {
	t.Helper()
	text, err := os.ReadFile("../../docs/break-it.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := sections.Split(string(text), -1)
	prelude = preludes.FindStringSubmatch(parts[0])[1]
	for _, part := range parts[1:] {
		title, _, _ := strings.Cut(part, "\n")
		x := exercise{title: title, again: strings.Contains(part, "start it again")}
		for _, m := range blocks.FindAllStringSubmatch(part, -1) {
			switch m[1] {
			case "Break it":
				x.breaks = m[2]
			case "Use it":
				x.uses = m[2]
			case "In the terminal":
				x.asks = m[2]
			case "Undo":
				x.undo = m[2]
			}
		}
		if m := named.FindStringSubmatch(part); m != nil {
			x.reason, x.line = m[1], m[2]
		}
		if m := refusals.FindStringSubmatch(part); m != nil {
			x.refused = m[1]
		}
		if x.breaks == "" || x.asks == "" || (x.reason == "") == (x.refused == "") {
			t.Fatalf("%s: %+v", title, x)
		}
		list = append(list, x)
	}
	return prelude, list
}

// Each exercise of docs/break-it.md is done as it is written, and found from the console alone: the reason, and the line of the
// file. Undone, the gallery is as it was.
func TestBreakIt_EachIsFoundFromTheConsole(t *testing.T) {
	prelude, list := exercises(t)
	if len(list) != 10 {
		t.Errorf("%d exercises, and the document promises ten", len(list))
	}
	b := openBroken(t)
	b.start()
	b.shell.do(t, prelude)
	for _, x := range list {
		t.Run(x.title, func(t *testing.T) { b.exercise(t, &x) })
	}
}

// broken is the gallery in a folder as a clean checkout has it, `roundtrip dev` on it, and who sits before it.
type broken struct {
	t       *testing.T
	folder  string
	args    []string
	dev     *exec.Cmd
	log     *heard
	console string // its address
	client  *http.Client
	shell   *shell
}

func openBroken(t *testing.T) *broken {
	t.Helper()
	b := &broken{t: t, folder: t.TempDir()}
	program, err := filepath.Abs(server.Binary(t))
	check(t, err)
	check(t, os.MkdirAll(filepath.Join(b.folder, "bin"), 0o755))
	check(t, os.Symlink(program, filepath.Join(b.folder, "bin", "roundtrip")))
	gallery := filepath.Join(b.folder, "examples", "gallery")
	check(t, os.MkdirAll(filepath.Join(gallery, "web", "dist"), 0o755))
	for _, name := range []string{"roundtrip.yaml", "demo.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../examples/gallery", name))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(gallery, name), text, 0o600))
	}
	check(t, os.WriteFile(filepath.Join(gallery, "web", "dist", "index.html"), []byte("<h1>gallery</h1>"), 0o600))
	_, https, _ := net.SplitHostPort(server.Free(t))
	_, dns, _ := net.SplitHostPort(server.Free(t))
	b.args = []string{"dev", "examples/gallery", "--https", "0.0.0.0:" + https, "--http", "127.0.0.1:0", "--dns", "127.0.0.1:" + dns, "--console", "127.0.0.1:0"}
	b.shell = openShell(t, b.folder, strings.NewReplacer("8443", https, "5353", dns))
	b.shell.do(t, "git init -q && git add examples && git -c user.name=a -c user.email=a@example.test commit -q -m gallery")
	return b
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var link = regexp.MustCompile(`console +(http://[^/\s]+)/#claim=(\S+)`)

// start runs the server and signs in to its console by the link that it prints.
func (b *broken) start() {
	b.t.Helper()
	b.log = &heard{}
	b.dev = exec.Command("bin/roundtrip", b.args...)
	b.dev.Dir, b.dev.Stdout, b.dev.Stderr = b.folder, b.log, b.log
	check(b.t, b.dev.Start())
	dev := b.dev
	b.t.Cleanup(func() {
		_ = dev.Process.Kill() // it may have ended
		if b.t.Failed() {
			b.t.Logf("the server said:\n%s", b.log)
		}
	})
	var found []string
	await(b.t, "the server is ready", func() bool {
		found = link.FindStringSubmatch(b.log.String())
		return found != nil && strings.Contains(b.log.String(), "Ctrl-C")
	})
	b.console = found[1]
	jar, err := cookiejar.New(nil)
	check(b.t, err)
	b.client = &http.Client{Jar: jar, Timeout: server.Patience}
	resp, err := b.client.Post(b.console+"/api/claim", "application/json", strings.NewReader(`{"token":"`+found[2]+`"}`))
	check(b.t, err)
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		b.t.Fatalf("the link of the console: %s %s", resp.Status, text)
	}
}

// restart stops the server as Ctrl-C does, and starts it again.
func (b *broken) restart() {
	b.t.Helper()
	check(b.t, b.dev.Process.Signal(syscall.SIGINT))
	if err := b.dev.Wait(); err != nil {
		b.t.Fatalf("the server did not stop cleanly: %v\n%s", err, b.log)
	}
	b.start()
}

// ask asks the console.
func (b *broken) ask(path string, into any) {
	b.t.Helper()
	resp, err := b.client.Get(b.console + path)
	check(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(b.t, err)
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s %s", path, resp.Status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		b.t.Fatalf("%s: %v\n%s", path, err, text)
	}
}

func (b *broken) overview() (o console.Overview) {
	b.t.Helper()
	b.ask("/api/overview", &o)
	return o
}

// exercise breaks the gallery, finds it, and undoes it.
func (b *broken) exercise(t *testing.T, x *exercise) {
	began := time.Now()
	b.save(t, x, x.breaks)
	if x.uses != "" {
		b.shell.do(t, x.uses)
	}
	if x.refused != "" {
		if o := b.overview(); !strings.Contains(o.Refused, x.refused) {
			t.Errorf("the overview says of the file %q, which lacks %q", o.Refused, x.refused)
		}
	} else {
		b.find(t, x, began)
	}
	b.asks(t, x)
	if x.undo == "" {
		return
	}
	b.save(t, x, x.undo)
	if o := b.overview(); o.Refused != "" {
		t.Errorf("undone, the file is not in force: %s", o.Refused)
	}
}

// save types something, and where it changes the file waits until the server has read it.
func (b *broken) save(t *testing.T, x *exercise, typed string) {
	t.Helper()
	before := b.overview()
	b.shell.do(t, typed)
	switch {
	case !strings.Contains(typed, "$Y"):
	case x.again:
		b.restart()
	default:
		await(t, "the file is read", func() bool {
			o := b.overview()
			return o.Config != before.Config || o.Refused != before.Refused
		})
	}
}

// find looks in the console for a journey that ended for the reason, at the line.
func (b *broken) find(t *testing.T, x *exercise, began time.Time) {
	t.Helper()
	var found trace.View
	await(t, "a journey that ended for "+x.reason, func() bool {
		var list struct{ Journeys []trace.View }
		b.ask("/api/journeys?n=1000&reason="+url.QueryEscape(x.reason), &list)
		for _, v := range list.Journeys {
			if v.Start.After(began.Add(-time.Second)) {
				found = v
				return true
			}
		}
		return false
	})
	parts := strings.Split(found.Where, ":")
	if len(parts) != 3 {
		t.Fatalf("%s is at no line of the file: %+v", x.reason, found)
	}
	text, err := os.ReadFile(filepath.Join(b.folder, parts[0]))
	check(t, err)
	var line int
	_, err = fmt.Sscan(parts[1], &line)
	check(t, err)
	if got := strings.Split(string(text), "\n")[line-1]; !strings.Contains(got, x.line) {
		t.Errorf("%s: line %d is %q, wanted %q", x.reason, line, got, x.line)
	}
	if found.Sentence == "" || found.Fix == "" || found.Decided < 0 {
		t.Errorf("nothing is said of it: %+v", found)
	}
}

// asks types what finds it in the terminal, a command a line. Each exits as it is written beside it.
func (b *broken) asks(t *testing.T, x *exercise) {
	t.Helper()
	for command := range strings.Lines(x.asks) {
		command, want := strings.TrimSpace(command), "0"
		if m := exits.FindStringSubmatch(command); m != nil {
			command, want = m[1], m[2]
		}
		said := b.shell.do(t, command+"\necho exits with $?")
		if got := said[len(said)-1]; got != "exits with "+want {
			t.Errorf("%s\n%s\nand the document says %s", command, strings.Join(said, "\n"), want)
		}
	}
}

// heard is what a program has said.
type heard struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.String()
}

// shell is bash, in which somebody types.
type shell struct {
	in    io.Writer
	out   *bufio.Reader
	ports *strings.Replacer
}

func openShell(t *testing.T, folder string, ports *strings.Replacer) *shell {
	t.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc")
	cmd.Dir = folder
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	cmd.Stderr = cmd.Stdout
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // its last command may have failed
	})
	return &shell{in: in, out: bufio.NewReader(out), ports: ports}
}

const typedAll = "--typed--"

// do types a block and waits until all of it is done. It returns the lines that were said, without the empty ones.
func (s *shell) do(t *testing.T, block string) (said []string) {
	t.Helper()
	_, err := io.WriteString(s.in, s.ports.Replace(block)+"\necho; echo "+typedAll+"\n")
	check(t, err)
	for {
		line, err := s.out.ReadString('\n')
		check(t, err)
		if strings.TrimSpace(line) == typedAll {
			return said
		}
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
			t.Logf("%.300s", line)
		}
	}
}

// await waits until something is so. It asks again and again, since what it asks has no way to tell.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(server.Patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %v: %s", server.Patience, what)
		}
	}
}

package lab_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
	"github.com/roundtrip-dev/roundtrip/why"
)

// lasting is how long the certificate of expired.lab.test is good: the server has to start in that time, since it takes none
// that has ended.
const lasting = 30 * time.Second

// failed is a failure made for real, and what `roundtrip why` has to say of it.
type failed struct {
	name   string
	from   string   // the machine that asks; client if ""
	args   []string // of roundtrip why
	wary   bool     // who asks trusts the system's authorities alone
	alone  bool     // without the server's half, as of a site of somebody else
	before func(t *testing.T, f *failing)

	exit   int    // 10 and the number of the layer
	layer  string // of the deciding hop
	reason string
	where  string   // the line of the declaration that is named, as a pattern; "" where none decides
	says   []string // in the sentence
}

// failing is the lab in which all failures are made.
type failing struct {
	*lab.Lab

	server  *lab.Process
	visitor *http.Client
}

// The failures of docs/why.md, each made for real and found from the client's machine in one command: the station, the reason, and
// the line of the file.
func TestFailures_WhyNamesTheStationAndTheLine(t *testing.T) {
	l := open(t)
	f := &failing{Lab: l}
	var err error
	f.server, err = l.UpFailures(t.Context(), program(t), lasting)
	must(t, err)
	t.Cleanup(func() { stop(t, f.server) })
	f.fill(t)
	var page failurePage
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before != nil {
				tt.before(t, f)
			}
			answer, exit := f.why(t, &tt)
			tt.judge(t, answer, exit)
			page.add(&tt, answer, func() string { return f.shown(t, &tt) })
		})
	}
	page.check(t)
}

// why runs the command and reads its answer.
func (f *failing) why(t *testing.T, tt *failed) (*why.Answer, int) {
	t.Helper()
	cmd := f.command(t, tt, "--json")
	var out, mistakes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &mistakes
	_ = cmd.Run() // the exit status is looked at
	answer := &why.Answer{}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		t.Fatalf("exit status %d, and no answer (%v):\n%s%s", cmd.ProcessState.ExitCode(), err, out.String(), mistakes.String())
	}
	return answer, cmd.ProcessState.ExitCode()
}

// command is roundtrip why as the failure is asked for.
func (f *failing) command(t *testing.T, tt *failed, flags ...string) *exec.Cmd {
	t.Helper()
	from, args := f.Machine(lab.Client), append(append([]string{"why"}, flags...), tt.args...)
	if tt.from != "" {
		from = f.Machine(tt.from)
	}
	if !tt.alone {
		args = append(args, "--file", f.Machine(lab.Edge).Folder)
	}
	cmd := from.Command(t.Context(), program(t), args...)
	cmd.Env = os.Environ()
	if !tt.wary {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+f.Trust())
	}
	return cmd
}

// judge compares an answer with what it has to say.
func (tt *failed) judge(t *testing.T, a *why.Answer, exit int) {
	t.Helper()
	text, _ := json.MarshalIndent(a, "", "  ")
	if exit != tt.exit {
		t.Errorf("exit status %d, wanted %d", exit, tt.exit)
	}
	if a.Layer != tt.layer || a.Reason != tt.reason {
		t.Errorf("stopped by %q %q, wanted %q %q", a.Layer, a.Reason, tt.layer, tt.reason)
	}
	if line := lineOf(t, tt.where); tt.where != "" && !strings.Contains(a.Where, line) || tt.where == "" && a.Where != "" {
		t.Errorf("in %q, wanted %q (%s)", a.Where, line, tt.where)
	}
	if a.Foreign != tt.alone || a.Well != (tt.exit == 0) {
		t.Errorf("foreign %v, well %v", a.Foreign, a.Well)
	}
	for _, s := range tt.says {
		if !strings.Contains(a.Sentence, s) {
			t.Errorf("the sentence lacks %q: %s", s, a.Sentence)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// lineOf is the only line of the declaration that a pattern matches, as FILE:LINE:.
func lineOf(t *testing.T, pattern string) string {
	t.Helper()
	if pattern == "" {
		return ""
	}
	found := ""
	for i, line := range strings.Split(lab.Failures, "\n") {
		if !regexp.MustCompile(pattern).MatchString(line) {
			continue
		}
		if found != "" {
			t.Fatalf("%q matches several lines of the declaration", pattern)
		}
		found = fmt.Sprintf("roundtrip.yaml:%d:", i+1)
	}
	if found == "" {
		t.Fatalf("%q matches no line of the declaration", pattern)
	}
	return found
}

// fill makes accounts and so many notes that the read rule of reports is slow.
func (f *failing) fill(t *testing.T) {
	t.Helper()
	edge := f.Machine(lab.Edge)
	for _, words := range [][]string{{"handle=ana"}, {"handle=ed", "--role", "editor"}} {
		add := edge.Command(t.Context(), program(t), append([]string{"user", "add", "--file", edge.Folder}, words...)...)
		add.Stdin = strings.NewReader("correct horse battery\n")
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	f.visitor = browser(t, f.Lab, lab.Client)
	var session struct{ Token string }
	must(t, json.Unmarshal(f.call(t, 200, "auth/sign-in", "", `{"handle":"ed","password":"correct horse battery"}`), &session))
	f.batches(t, session.Token, "reports", 50)
	f.batches(t, session.Token, "notes", 1000)
}

// batches creates records, a hundred at a time.
func (f *failing) batches(t *testing.T, token, collection string, n int) {
	t.Helper()
	for first := 0; first < n; first += 100 {
		var ops []string
		for i := first; i < min(n, first+100); i++ {
			ops = append(ops, fmt.Sprintf(`{"op":"create","collection":%q,"data":{"title":"%s %d"}}`, collection, collection, i))
		}
		f.call(t, 200, "batch", token, `{"ops":[`+strings.Join(ops, ",")+`]}`)
	}
}

// call posts to the API.
func (f *failing) call(t *testing.T, want int, path, token, body string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://www.lab.test/api/"+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	status, answer, err := f.do(r)
	if err != nil || status != want {
		t.Fatalf("%s: %d %v, wanted %d\n%s", path, status, err, want, answer)
	}
	return answer
}

func (f *failing) do(r *http.Request) (status int, body []byte, err error) {
	resp, err := f.visitor.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// fillPool keeps the only reader of the database at work until the test ends: as many ask for reports as always one waits
// for its turn.
func fillPool(t *testing.T, f *failing) {
	ctx, cancel := context.WithCancel(t.Context())
	get := func(path string) (status int, body []byte) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://www.lab.test/api/"+path, http.NoBody)
		must(t, err)
		status, body, _ = f.do(r) // the end of the test ends it
		return status, body
	}
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				get("reports")
			}
		})
	}
	await(t, "the pool is full", func() bool {
		status, body := get("notes?page_size=1")
		return status == 503 && bytes.Contains(body, []byte("store.pool_exhausted"))
	})
}

// loseOnTheWay has something between client and server drop what goes to its port of plain HTTP.
func loseOnTheWay(t *testing.T, f *failing) {
	must(t, f.Lose(t.Context(), netip.AddrPortFrom(f.Machine(lab.Edge).IPv4(), 80)))
}

// expire waits until the certificate of expired.lab.test is no good any more.
func expire(t *testing.T, f *failing) {
	text, err := os.ReadFile(filepath.Join(f.Machine(lab.Edge).Folder, "certs", "expired.pem"))
	must(t, err)
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	await(t, "the certificate has ended", func() bool { return time.Now().After(c.NotAfter) })
}

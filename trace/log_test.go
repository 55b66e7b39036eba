package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func update() bool { return flag.Lookup("update").Value.String() == "true" }

var _ = flag.Bool("update", false, "write the golden files anew")

// written runs a log while do fills it, and returns what it wrote.
func written(t *testing.T, do func(r *trace.Recorder)) string {
	t.Helper()
	var out bytes.Buffer
	log := trace.NewLog(&out)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = log.Run(ctx) })
	do(trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 64, Log: log}))
	cancel()
	run.Wait()
	return out.String()
}

func TestLog_NamesTheRuleThatLetTheConnectionIn(t *testing.T) {
	t.Parallel()
	got := written(t, func(r *trace.Recorder) {
		for _, hop := range []trace.Hop{
			{N: [2]int64{3, 0}},
			{N: [2]int64{3, 0}, Evidence: trace.Predicted},
			{}, // loopback, which needs no rule
		} {
			hop.Layer, hop.Verdict, hop.Name = trace.Firewall, trace.OK, "web rule 1"
			j := r.Begin(trace.Request)
			j.Add(hop)
			r.End(j)
		}
	})
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], `,"rule":"web rule 1"}`) ||
		!strings.HasSuffix(lines[1], `,"rule":"web rule 1","rule_is":"predicted"}`) || strings.Contains(lines[2], `"rule"`) {
		t.Errorf("%s", got)
	}
}

func TestLog_WritesOneLineForEachRequest(t *testing.T) {
	t.Parallel()
	got := written(t, func(r *trace.Recorder) {
		j := r.Begin(trace.Request)
		j.Method, j.Host, j.Path, j.Route, j.Status, j.Bytes = "GET", "gallery.localhost:8443", "/api/photos", "/api/", 200, 512
		j.Client = netip.MustParseAddr("203.0.113.77")
		r.End(j)

		j = r.Begin(trace.Request)
		j.Method, j.Host, j.Path, j.Status = "POST", "gallery.test", "/api/photos", 403
		j.Client = netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
		j.Begin(trace.Access, "photos.create").Note("auth.id == record.author").Deny(trace.ReasonOf("access.rule_denied"))
		r.End(j)

		j = r.Begin(trace.Request)
		j.Method, j.Path, j.Status = "GET", "/", 500
		j.SetReason(trace.ReasonOf("app.panic"))
		r.End(j)

		r.End(r.Begin(trace.Connection)) // has no line
	})
	got = regexp.MustCompile(`"journey":"[0-9a-f]{32}"`).ReplaceAllString(got, `"journey":"…"`)
	golden(t, filepath.Join("testdata", "log.golden"), got)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if update() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what is made now (go test ./trace -update writes it anew):\n%s", path, diff)
	}
}

func TestLog_KeepsHostileTextInItsPlace(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		"\"},{\"x\":\"", "\n{\"level\":\"ERROR\"}\n", "\x1b[2J\x1b]0;title\x07", "\x00\x7f\u0085\u2028\u202e", "\xff\xfe bad utf-8",
		"\U0001f600 \\u0000 \\", strings.Repeat("A", 10_000), strings.Repeat("\x1b", 5_000),
	} {
		line := written(t, func(r *trace.Recorder) {
			j := r.Begin(trace.Request)
			j.Method, j.Host, j.Path, j.Route, j.Status = hostile, hostile, hostile, hostile, 404
			j.Begin(trace.Route, hostile).Note(hostile).Deny(trace.ReasonOf("route.no_path"))
			r.End(j)
		})
		if strings.Count(line, "\n") != 1 || !json.Valid([]byte(line)) {
			t.Errorf("not one line of JSON for %.40q: %.200q", hostile, line)
		}
		for _, c := range []byte(strings.TrimSuffix(line, "\n")) {
			if c < 0x20 || c >= 0x7f {
				t.Errorf("byte %#x in the line for %.40q", c, hostile)
				break
			}
		}
	}
}

func TestRecorder_BoundsTextOfClients(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := r.Begin(trace.Request)
	j.Path = strings.Repeat("/a", 8000)
	r.End(j)
	if got := r.Select(trace.Filter{}, 1)[0]; len(got.Path) > 512 {
		t.Errorf("a path of %d bytes is kept", len(got.Path))
	}
}

// broken is a disk that is full until it is mended.
type broken struct {
	mu     sync.Mutex // guards all below
	fails  int
	out    bytes.Buffer
	writes chan struct{}
}

func (b *broken) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.writes <- struct{}{} }()
	if b.fails--; b.fails >= 0 {
		return 0, errors.New("no space left")
	}
	return b.out.Write(p)
}

func TestLog_CountsLinesThatItCouldNotWrite(t *testing.T) {
	t.Parallel()
	disk := &broken{fails: 1, writes: make(chan struct{}, 16)}
	log := trace.NewLog(disk)
	r := trace.New(trace.Options{Now: time.Now, Recent: 8, Log: log})
	r.End(r.Begin(trace.Request))
	r.End(r.Begin(trace.Request))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	<-disk.writes
	r.End(r.Begin(trace.Request))
	<-disk.writes
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the last write: %v", err)
	}
	if got := disk.out.String(); !strings.Contains(got, `"msg":"log lines dropped","n":2`) {
		t.Errorf("the loss is not told: %s", got)
	}
}

func FuzzLog_IsAlwaysOneLineOfJSON(f *testing.F) {
	f.Add("GET", "gallery.test", "/a\"b\n", "note\x1b[0m")
	f.Fuzz(func(t *testing.T, method, host, path, note string) {
		line := written(t, func(r *trace.Recorder) {
			j := r.Begin(trace.Request)
			j.Method, j.Host, j.Path, j.Status = method, host, path, 400
			j.Begin(trace.Route, "host").Note(note).Deny(trace.ReasonOf("request.malformed"))
			r.End(j)
		})
		if strings.Count(line, "\n") != 1 || !json.Valid([]byte(line)) {
			t.Errorf("%q", line)
		}
	})
}

func TestLog_PlainLinesFitATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := trace.NewPlainLog(&out)
	r := trace.New(trace.Options{Now: time.Now, Recent: 8, Log: log})
	j := r.Begin(trace.Request)
	j.Method, j.Path, j.Status = "GET", "/api/\x1b[31mphotos\n", 404
	j.Begin(trace.Access, "photos.read").Note("photos.read").Deny(trace.ReasonOf("access.hidden"))
	r.End(j)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Run(ctx); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`\d\d:\d\d:\d\d|\d+\.\d ms  [0-9a-f]{8}`).ReplaceAllString(out.String(), "*")
	if want := "  *  404 GET /api/\\u001b[31mphotos\\u000a  *  access.hidden (photos.read)\n"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
}

func TestLog_NamesTheUpstream(t *testing.T) {
	t.Parallel()
	got := written(t, func(r *trace.Recorder) {
		j := r.Begin(trace.Request)
		j.Method, j.Path, j.Status = "GET", "/", 200
		j.Begin(trace.Proxy, "http://127.0.0.1:3000").End(trace.Fail, trace.ReasonOf("proxy.connect_refused"))
		j.Begin(trace.Proxy, "http://127.0.0.1:3001").OK()
		r.End(j)
		j = r.Begin(trace.Request)
		j.Method, j.Path, j.Status = "GET", "/", 200
		j.Begin(trace.Proxy, "unix:/run/app.sock").OK()
		r.End(j)
	})
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"upstream":"http://127.0.0.1:3001","tries":2`) ||
		!strings.HasSuffix(lines[1], `"upstream":"unix:/run/app.sock"}`) {
		t.Errorf("%s", got)
	}
}

func TestLog_WritesTimesAsThePackageTimeDoes(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 5*3600+1800)
	for _, at := range []time.Time{
		{},
		time.Unix(0, 0), time.Date(2026, 2, 3, 4, 5, 6, 7_999_999, zone), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(7, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(trace.AppendTime(nil, at)), at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0.000", -time.Second: "0.000", 999: "0.000", 1000: "0.001", 41_800_000: "41.800", time.Hour: "3600000.000", 1_020_304_050: "1020.304",
	} {
		if got := string(trace.AppendMillis(nil, d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

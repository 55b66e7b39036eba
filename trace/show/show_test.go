package show_test

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

var update = flag.Bool("update", false, "write the golden files")

const us = int64(time.Microsecond)

var began = time.Date(2026, 11, 22, 19, 3, 31, 114e6, time.Local)

// like is a request that goes all the way to a write.
func like() trace.Snapshot {
	return trace.Snapshot{
		ID: trace.ID{0x7a, 0x2b, 0x3c, 0x4d, 1}, Kind: trace.Request, Start: began, Took: 3200 * time.Microsecond, Generation: 3,
		Method: "POST", Host: "gallery.test", Path: "/api/likes", Route: "/api/", Proto: "HTTP/2.0", Status: 201, Decided: -1,
		Client: netip.MustParseAddr("203.0.113.9"), Account: 12,
		Hops: []trace.Hop{
			{Layer: trace.Firewall, Verdict: trace.OK, Evidence: trace.Reported, Name: "web rule 1", Start: -31e6 * us, N: [2]int64{1}},
			{Layer: trace.TLS, Verdict: trace.OK, Name: "gallery.test", Note: "TLS 1.3", Start: -31e6 * us, Took: 12000 * us},
			{Layer: trace.Limit, Verdict: trace.OK, Name: "50/s per client", Start: 25 * us, N: [2]int64{49}},
			{Layer: trace.Route, Verdict: trace.OK, Name: "/api/", Note: "roundtrip.yaml:41:9", Start: 30 * us},
			{Layer: trace.Auth, Verdict: trace.Cached, Name: "session", Start: 60 * us, Took: 12 * us},
			{Layer: trace.Access, Verdict: trace.OK, Name: "likes.create", Start: 80 * us, Took: 6 * us},
			{Layer: trace.Schema, Verdict: trace.OK, Name: "likes", Start: 90 * us, Took: 15 * us},
			{Layer: trace.Pool, Verdict: trace.OK, Name: "store.writer", Start: 110 * us, Took: 40 * us, N: [2]int64{0, 1024}},
			{Layer: trace.Commit, Verdict: trace.OK, Name: "likes.create", Start: 150 * us, Took: 2900 * us},
		},
	}
}

// refused ends a journey at its last hop.
func refused(s trace.Snapshot, status int, h trace.Hop) trace.Snapshot {
	s.Status, s.Reason, s.Decided = status, h.Reason, len(s.Hops)
	s.Hops = append(s.Hops, h)
	if end := time.Duration(h.Start + h.Took); end > 0 {
		s.Took = end + 30*time.Microsecond
	}
	return s
}

func upTo(s trace.Snapshot, n int) trace.Snapshot {
	s.Hops = s.Hops[:n:n]
	return s
}

func ruleDenied() trace.Snapshot {
	s := refused(upTo(like(), 5), 403, trace.Hop{
		Layer: trace.Access, Verdict: trace.Deny, Reason: trace.ReasonOf("access.rule_denied"), Name: "likes.create",
		Note: "auth.id == record.user && readable(record.photo)", Start: 41600 * us, Took: 100 * us,
	})
	s.Hops = append(s.Hops[:5:5], trace.Hop{Layer: trace.Pool, Verdict: trace.Wait, Name: "store.readers", Start: 600 * us, Took: 38900 * us, N: [2]int64{20, 20}}, s.Hops[5])
	s.Decided = 6
	return s
}

// places says of each hop where it stands, as app would.
func places(_ uint32, h *trace.Hop) string {
	return map[trace.Layer]string{
		trace.Access: "roundtrip.yaml:107:15", trace.Route: "roundtrip.yaml:41:9", trace.CORS: "roundtrip.yaml:44:7", trace.Proxy: "roundtrip.yaml:51:17",
	}[h.Layer]
}

func drawings() map[string]trace.Snapshot {
	cors := upTo(like(), 2)
	cors.Method = "OPTIONS"
	shadow := like()
	shadow.Method, shadow.Status = "GET", 200
	shadow.Hops = append(shadow.Hops[:2:2], trace.Hop{
		Layer: trace.CORS, Verdict: trace.Shadowed, Reason: trace.ReasonOf("cors.origin_not_allowed"), Name: "gallery.test", Note: "https://shop.test", Start: 20 * us,
	}, shadow.Hops[3])
	fresh := like()
	fresh.Hops[0].Start, fresh.Hops[1].Start = -14000*us, -14000*us
	fresh.Took = 900 * time.Microsecond
	fresh.Hops[8].Took = 700 * us
	path := upTo(like(), 2)
	path.Path, path.Route = "/app/likes", ""
	proxy := upTo(like(), 4)
	proxy.Host, proxy.Path, proxy.Route = "blog.gallery.test", "/", "/"
	proxy.Hops = append(proxy.Hops,
		trace.Hop{Layer: trace.Proxy, Verdict: trace.Fail, Reason: trace.ReasonOf("proxy.connect_refused"), Name: "http://127.0.0.1:3000", Start: 200 * us, Took: 300 * us})
	return map[string]trace.Snapshot{
		"like":        like(),
		"rule_denied": ruleDenied(),
		"preflight": refused(cors, 403, trace.Hop{
			Layer: trace.CORS, Verdict: trace.Deny, Reason: trace.ReasonOf("cors.method_not_allowed"), Name: "gallery.test", Note: "https://shop.test", Start: 20 * us,
		}),
		"other_origin":     shadow,
		"fresh_connection": fresh,
		"no_path": refused(path, 404, trace.Hop{
			Layer: trace.Route, Verdict: trace.Deny, Reason: trace.ReasonOf("route.no_path"), Name: "gallery.test", Note: "The nearest route is /api/.", Start: 40 * us,
		}),
		"upstreams": refused(proxy, 502, trace.Hop{
			Layer: trace.Proxy, Verdict: trace.Fail, Reason: trace.ReasonOf("proxy.connect_refused"), Name: "http://127.0.0.1:3001", Start: 520 * us, Took: 280 * us,
		}),
		"handshake": {
			ID: trace.ID{0xc5, 1}, Kind: trace.Connection, Start: began, Took: 9 * time.Millisecond, Host: "other.test", Proto: "tls", Decided: 0, Reason: trace.ReasonOf("tls.no_certificate_for_name"),
			Hops: []trace.Hop{{
				Layer: trace.TLS, Verdict: trace.Fail, Reason: trace.ReasonOf("tls.no_certificate_for_name"), Name: "handshake",
				Note: "no site has the name other.test", Took: 9000 * us,
			}},
		},
		"query": {
			ID: trace.ID{0xd0, 2}, Kind: trace.Query, Start: began, Took: 40 * time.Microsecond, Host: "www.gallery.test", Method: "AAAA", Proto: "udp", Status: 3,
			Decided: 0, Reason: trace.ReasonOf("dns.no_name"),
			Hops: []trace.Hop{{Layer: trace.DNS, Verdict: trace.Deny, Reason: trace.ReasonOf("dns.no_name"), Name: "gallery.test", Took: 40 * us}},
		},
		"drop": {
			ID: trace.ID{0xdd, 3}, Kind: trace.Drop, Start: began, Proto: "tcp/5432", Decided: 0, Reason: trace.ReasonOf("firewall.no_rule"), Client: netip.MustParseAddr("203.0.113.9"),
			Hops: []trace.Hop{{
				Layer: trace.Firewall, Verdict: trace.Deny, Evidence: trace.Reported, Reason: trace.ReasonOf("firewall.no_rule"), Name: "groups",
				Note: "tcp/5432 from 203.0.113.9: database rule 1 allows group:web, not 203.0.113.9", N: [2]int64{3},
			}},
		},
	}
}

func draw(t *testing.T, s *trace.Snapshot, o show.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := show.Waterfall(&b, s.View(trace.Operator, places), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (go test ./trace/show -update writes it anew):\n%s", file, got)
	}
}

func TestWaterfall_IsAsInItsGoldenFile(t *testing.T) {
	for name, s := range drawings() {
		t.Run(name, func(t *testing.T) { golden(t, name, draw(t, &s, show.Options{})) })
	}
}

func TestWaterfall_FitsItsWidthAndTheTerminalsLetters(t *testing.T) {
	for name, s := range drawings() {
		for _, width := range []int{60, 80, 132, 200} {
			for _, ascii := range []bool{false, true} {
				text := draw(t, &s, show.Options{Width: width, ASCII: ascii})
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					if n := utf8.RuneCountInString(line); n > width {
						t.Errorf("%s: a line has %d of %d columns: %q", name, n, width, line)
					}
					if strings.TrimRight(line, " ") != line {
						t.Errorf("%s: a line ends in spaces: %q", name, line)
					}
					if ascii && strings.IndexFunc(line, func(r rune) bool { return r > 0x7e }) >= 0 {
						t.Errorf("%s: a line is not ASCII: %q", name, line)
					}
				}
			}
		}
	}
}

func TestWaterfall_SaysTheSameWithColours(t *testing.T) {
	for name, s := range drawings() {
		text := draw(t, &s, show.Options{Colour: true})
		if !strings.Contains(text, "\x1b[") {
			t.Errorf("%s has no colours", name)
		}
		var plain strings.Builder
		for rest := text; rest != ""; {
			before, after, found := strings.Cut(rest, "\x1b[")
			plain.WriteString(before)
			if !found {
				break
			}
			_, rest, _ = strings.Cut(after, "m")
		}
		trimmed := make([]string, 0, 30)
		for line := range strings.Lines(plain.String()) {
			trimmed = append(trimmed, strings.TrimRight(line, " \n"))
		}
		if got, want := strings.Join(trimmed, "\n")+"\n", draw(t, &s, show.Options{}); got != want {
			t.Errorf("%s: without its colours it is\n%s\nand without colours\n%s", name, got, want)
		}
	}
}

// hostile is text that would steer a terminal, or hide what stands beside it.
const hostile = "/a\x1b[2J\x1b]0;owned\x07\u009b31m\u202egnp.exe\u200b\r\nb\x00é漢\U0001F600"

func TestShow_TextOfStrangersSteersNoTerminal(t *testing.T) {
	s := ruleDenied()
	s.Method, s.Host, s.Path, s.Proto = "GE\x1b[1mT", "h\x1b]8;;evil\x07", hostile, hostile
	for i := range s.Hops {
		s.Hops[i].Note, s.Hops[i].Name = hostile, hostile
	}
	v := s.View(trace.Operator, nil)
	var b bytes.Buffer
	if err := show.Diff(&b, v, v, []show.Change{{Path: hostile, Was: hostile, Now: hostile, Where: hostile}}, show.Options{}); err != nil {
		t.Fatal(err)
	}
	o := show.Options{Joined: []show.Joined{{Role: "cause", ID: v.ID, View: &v}}}
	text := draw(t, &s, o) + b.String() + show.Line(v, show.Options{}) + "\n"
	for line := range strings.Lines(text) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200b || r >= 0x300 && !strings.ContainsRune("–—…→·×✓✗◄▏▎▍▌▋▊▉█▐▕", r) {
				t.Fatalf("%q holds %U", line, r)
			}
		}
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("a line has %d columns: %q", n, line)
		}
	}
}

func TestWaterfall_JoinsWhatBelongsTogether(t *testing.T) {
	connection := trace.Snapshot{ID: trace.ID{0xc5, 0x10}, Kind: trace.Connection, Took: 40 * time.Second, Host: "gallery.test", Decided: -1}
	event := trace.Snapshot{ID: trace.ID{0xe7, 0x10}, Kind: trace.Event, Took: 2 * time.Millisecond, Host: "likes", Decided: -1}
	first, second := connection.View(trace.Operator, nil), event.View(trace.Operator, nil)
	s := like()
	golden(t, "joined", draw(t, &s, show.Options{Now: began.Add(90 * time.Second), Joined: []show.Joined{
		{Role: "connection", ID: first.ID, View: &first},
		{Role: "query", Evidence: "likely", ID: "d0020000000000000000000000000000"},
		{Role: "event", ID: second.ID, View: &second},
	}}))
}

func TestWaterfall_TellsTimeThatNoHopAccountsFor(t *testing.T) {
	s := like()
	s.Hops[8].Start += 5000 * us
	s.Took += 8 * time.Millisecond
	if got := strings.Count(draw(t, &s, show.Options{}), "unaccounted"); got != 2 {
		t.Errorf("%d rows are unaccounted, expected the one before the commit and the one behind it", got)
	}
	s.Dropped = 3
	if strings.Contains(draw(t, &s, show.Options{}), "unaccounted") {
		t.Error("hops are missing, and the time between the others is said to be unaccounted for")
	}
}

func TestWaterfall_ScaleHasAZeroAndNoNegativeOne(t *testing.T) {
	s := like()
	s.Hops[0].Start, s.Hops[1].Start, s.Hops[1].Took = -44000*us, -44000*us, 44000*us
	s.Hops[8].Took, s.Took = 27000*us, 27600*time.Microsecond
	if text := draw(t, &s, show.Options{}); strings.Contains(text, "-0 ") || !strings.Contains(text, " 0 ") || strings.Contains(text, "log") {
		t.Errorf("the scale is wrong:\n%s", text)
	}
}

func TestLine_IsOneLineOfTheWidth(t *testing.T) {
	var lines []string
	for _, name := range []string{"drop", "fresh_connection", "handshake", "like", "no_path", "other_origin", "preflight", "query", "rule_denied", "upstreams"} {
		s := drawings()[name]
		for _, width := range []int{80, 120} {
			line := show.Line(s.View(trace.Operator, places), show.Options{Width: width})
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%s has %d of %d columns: %s", name, n, width, line)
			}
			lines = append(lines, line)
		}
	}
	golden(t, "lines", strings.Join(lines, "\n")+"\n")
}

func TestDiff_ShowsWhatDiffersAndNothingElse(t *testing.T) {
	a, b := like(), ruleDenied()
	a.Generation, b.Generation = 117, 118
	a.Hops = append(a.Hops[:5:5], trace.Hop{Layer: trace.Pool, Verdict: trace.OK, Name: "store.readers", Start: 80 * us, Took: 20 * us, N: [2]int64{3, 40}},
		trace.Hop{Layer: trace.Access, Verdict: trace.OK, Name: "likes.create", Start: 110 * us, Took: 90 * us})
	var out bytes.Buffer
	err := show.Diff(&out, a.View(trace.Operator, places), b.View(trace.Operator, places),
		[]show.Change{{Path: "store.pool.max", Was: "40", Now: "20", Where: "roundtrip.yaml:130:10"}}, show.Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "diff", out.String())
	pairs := show.Compare(a.View(trace.Operator, nil), b.View(trace.Operator, nil))
	for _, p := range pairs {
		if p.Largest != (p.Layer == "pool") {
			t.Errorf("the largest change is said to be %s %s", p.Layer, p.Name)
		}
	}
}

func TestCompare_AlignsHopsThatRepeatAndThoseThatOneLacks(t *testing.T) {
	hops := func(names ...string) trace.View {
		var v trace.View
		for _, n := range names {
			v.Hops = append(v.Hops, trace.HopView{Layer: "sql", Name: n, Verdict: "ok"})
		}
		return v
	}
	var got []string
	for _, p := range show.Compare(hops("a", "x", "b", "b"), hops("a", "b", "y", "b")) {
		word := p.Name
		if p.A == nil {
			word = "+" + word
		}
		if p.B == nil {
			word = "-" + word
		}
		got = append(got, word)
	}
	if want := "a -x b +y b"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

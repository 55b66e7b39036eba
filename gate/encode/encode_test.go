package encode_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

// decode undoes a coding.
func decode(t *testing.T, name string, coded []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(coded)
	var err error
	switch name {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20)); err == nil { // what browsers take
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(plain)
}

func TestAccept_ChoosesWhatTheClientLikesBest(t *testing.T) {
	t.Parallel()
	all := []encode.Coding{encode.Brotli, encode.Zstd, encode.Gzip}
	for _, c := range []struct {
		header  string
		offered []encode.Coding
		want    encode.Coding
		refused bool
	}{
		{"gzip, deflate, br, zstd", all, encode.Brotli, false},
		{"gzip, deflate, br", []encode.Coding{encode.Zstd, encode.Gzip}, encode.Gzip, false},
		{"gzip;q=1.0, br;q=0.9", all, encode.Gzip, false},
		{"br;q=0.5, zstd;q=0.501", all, encode.Zstd, false},
		{"BR , X-GZIP;Q=0.3", all, encode.Brotli, false},
		{"x-gzip", all, encode.Gzip, false},
		{"br;q=0, gzip", all, encode.Gzip, false},
		{"br;q=0", all, encode.Identity, false},
		{"br;q=0.000", all, encode.Identity, false},
		{"", all, encode.Identity, false},
		{"deflate, compress", all, encode.Identity, false},
		{"identity, br;q=0.5", all, encode.Identity, false},
		{"identity;q=0.5, br;q=0.5", all, encode.Brotli, false},
		{"identity;q=0", all, encode.Identity, true},
		{"identity;q=0, gzip;q=0.1", all, encode.Gzip, true},
		{"*;q=0", all, encode.Identity, true},
		{"*;q=0, gzip", all, encode.Gzip, true},
		{"*;q=0, identity", all, encode.Identity, false},
		{"*", all, encode.Gzip, false},
		{"*;q=0.4, gzip;q=0", all, encode.Identity, false},
		{"br;q=2, gzip;q=x, zstd;q=", all, encode.Identity, false},
		{"br;q=0.1234, gzip;level=9, zstd;q=-1", all, encode.Identity, false},
		{"br;q=1.001, gzip;q=1.000", all, encode.Gzip, false},
		{",,;,=;q", all, encode.Identity, false},
	} {
		a := encode.Accept([]string{c.header})
		if got := a.Best(c.offered...); got != c.want || a.RefusesIdentity() != c.refused {
			t.Errorf("%q: %v, identity refused: %v; want %v, %v", c.header, got, a.RefusesIdentity(), c.want, c.refused)
		}
	}
	if got := encode.Accept([]string{"br;q=0.2", "gzip;q=0.3"}).Best(all...); got != encode.Gzip {
		t.Errorf("two lines: %v", got)
	}
	if got := encode.Accept(nil).Best(all...); got != encode.Identity {
		t.Errorf("no line: %v", got)
	}
}

func FuzzAccept_TakesAnything(f *testing.F) {
	f.Add("gzip, deflate, br;q=0.9, *;q=0")
	f.Fuzz(func(t *testing.T, line string) {
		a := encode.Accept([]string{line})
		best := a.Best(encode.Brotli, encode.Zstd, encode.Gzip)
		if best != encode.Identity && !strings.Contains(strings.ToLower(line), best.String()) && !strings.Contains(line, "*") {
			t.Errorf("%q gives %v", line, best)
		}
	})
}

func TestEncoders_CodeWholeTexts(t *testing.T) {
	t.Parallel()
	e := encode.New()
	for _, c := range []encode.Coding{encode.Gzip, encode.Brotli, encode.Zstd} {
		for _, text := range []string{"", "a", strings.Repeat("the same again, ", 10_000), strings.Repeat("x", 3<<20)} {
			coded, err := e.Append(c, []byte("before"), []byte(text))
			if err != nil || !bytes.HasPrefix(coded, []byte("before")) || decode(t, c.String(), coded[6:]) != text {
				t.Errorf("%v: %d bytes of %d, %v", c, len(coded), len(text), err)
			}
			if len(text) > 1000 && len(coded) > len(text)/20 {
				t.Errorf("%v: %d bytes of %d", c, len(coded), len(text))
			}
		}
	}
}

func TestCompressible_KnowsTypes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{
		"text/html; charset=utf-8": true, "text/css": true, "application/json": true, "application/problem+json": true, "image/svg+xml": true,
		"application/wasm": true, "TEXT/HTML": true, "font/ttf": true,
		"text/event-stream": false, "Text/Event-Stream; charset=utf-8": false, "image/png": false, "font/woff2": false, "video/mp4": false, "application/grpc": false,
		"application/zip": false, "application/octet-stream": false, "": false, "application/grpc+json": false, "application/grpc-web+json": false, "application/connect+json": false,
	} {
		if encode.Compressible(kind) != want {
			t.Errorf("%q: %v", kind, !want)
		}
	}
}

// handle answers one request through a Writer.
func handle(t *testing.T, e *encode.Encoders, r *http.Request, h func(w http.ResponseWriter, r *http.Request)) (*http.Response, []byte) {
	t.Helper()
	rec := httptest.NewRecorder()
	w := e.Wrap(rec, r)
	h(w, r)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func get(t *testing.T, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestWriter_CodesWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`{"id":"0abcdefghjkmn"},`, 100)
	e := encode.New()
	for name, c := range map[string]struct {
		accept, kind string
		header       []string
		status       int
		body         string
		want         string // coding
		vary         bool
	}{
		"json":                  {"gzip", "application/json", nil, 200, long, "gzip", true},
		"the best":              {"gzip, deflate, br, zstd", "application/json", nil, 200, long, "zstd", true},
		"br":                    {"br", "text/plain", nil, 200, long, "br", true},
		"an error":              {"br", "application/problem+json", nil, 404, long, "br", true},
		"short":                 {"gzip", "application/json", nil, 200, "{}", "", true},
		"nothing accepted":      {"", "application/json", nil, 200, long, "", true},
		"a picture":             {"gzip", "image/png", nil, 200, long, "", false},
		"events":                {"gzip", "text/event-stream", nil, 200, long, "", false},
		"coded already":         {"gzip", "text/plain", []string{"Content-Encoding", "deflate"}, 200, long, "deflate", false},
		"not to be transformed": {"gzip", "text/plain", []string{"Cache-Control", "public, no-transform"}, 200, long, "", false},
		"a part":                {"gzip", "text/plain", []string{"Content-Range", "bytes 0-9/20"}, 206, long, "", false},
		"no type":               {"gzip", "", nil, 200, long, "", false},
		"identity refused":      {"gzip, identity;q=0", "text/plain", nil, 200, "short", "gzip", true},
	} {
		for _, declared := range []bool{false, true} {
			res, body := handle(t, e, get(t, "Accept-Encoding", c.accept), func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{c.kind}
				for i := 0; i < len(c.header); i += 2 {
					w.Header().Set(c.header[i], c.header[i+1])
				}
				if declared {
					w.Header().Set("Content-Length", strconv.Itoa(len(c.body)))
				}
				w.WriteHeader(c.status)
				for part := c.body; part != ""; {
					n, err := io.WriteString(w, part[:min(7, len(part))])
					if err != nil {
						t.Error(err)
					}
					part = part[n:]
				}
			})
			coding := res.Header.Get("Content-Encoding")
			if res.StatusCode != c.status || coding != c.want || (res.Header.Get("Vary") == "Accept-Encoding") != c.vary {
				t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
			}
			if c.want != "deflate" && decode(t, coding, body) != c.body {
				t.Errorf("%s: the body is another one: %.50q", name, body)
			}
			if (coding == "gzip" || coding == "br" || coding == "zstd") && res.Header.Get("Content-Length") != "" {
				t.Errorf("%s: a length of the identity form", name)
			}
		}
	}
}

func TestWriter_LeavesAnswersWithoutABodyAlone(t *testing.T) {
	t.Parallel()
	e := encode.New()
	for _, status := range []int{204, 304} {
		res, body := handle(t, e, get(t, "Accept-Encoding", "gzip"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
		})
		if res.StatusCode != status || len(body) != 0 || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%d: %d %v %q", status, res.StatusCode, res.Header, body)
		}
	}
	r := get(t, "Accept-Encoding", "gzip")
	r.Method = http.MethodHead
	res, body := handle(t, e, r, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "5000")
		w.WriteHeader(200)
	})
	if res.Header.Get("Content-Length") != "5000" || res.Header.Get("Content-Encoding") != "" || len(body) != 0 || res.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("HEAD: %v %q", res.Header, body)
	}
}

func TestWriter_SendsWhatIsFlushed(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"gzip", "br", "zstd"} {
		rec := httptest.NewRecorder()
		w := encode.New().Wrap(rec, get(t, "Accept-Encoding", coding))
		w.Header().Set("Content-Type", "application/x-ndjson")
		if _, err := io.WriteString(w, "{}\n"); err != nil || rec.Body.Len() != 0 {
			t.Fatalf("%v, %d bytes before the flush", err, rec.Body.Len())
		}
		for range 3 {
			before := rec.Body.Len()
			if err := http.NewResponseController(w).Flush(); err != nil || !rec.Flushed || rec.Body.Len() <= before {
				t.Fatalf("%s: %v, flushed: %v, %d bytes after the flush", coding, err, rec.Flushed, rec.Body.Len())
			}
			if _, err := io.WriteString(w, "{}\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || decode(t, coding, rec.Body.Bytes()) != strings.Repeat("{}\n", 4) {
			t.Errorf("%s: %v", coding, err)
		}
	}
}

func TestWriter_KeepsTagsApart(t *testing.T) {
	t.Parallel()
	e := encode.New()
	body := strings.Repeat("long enough ", 200)
	// answer is a handler that knows one version of one thing, and what a client may send back about it.
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"7"`)
		switch {
		case r.Header.Get("If-None-Match") == `"7"`:
			w.WriteHeader(304)
		case r.Header.Get("If-Match") == `"7"`:
			w.WriteHeader(204)
		default:
			_, _ = io.WriteString(w, body)
		}
	}
	for accept, tag := range map[string]string{"gzip": `"7~gzip"`, "br": `"7~br"`, "zstd": `"7~zstd"`, "identity": `"7"`} {
		res, _ := handle(t, e, get(t, "Accept-Encoding", accept), answer)
		if got := res.Header.Get("ETag"); got != tag {
			t.Errorf("%s: %s", accept, got)
		}
		res, _ = handle(t, e, get(t, "Accept-Encoding", accept, "If-None-Match", tag), answer)
		if got := res.Header.Get("ETag"); res.StatusCode != 304 || got != tag || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d %v", accept, res.StatusCode, res.Header)
		}
		if res, _ = handle(t, e, get(t, "If-Match", tag), answer); res.StatusCode != 204 {
			t.Errorf("If-Match %s: %d", tag, res.StatusCode)
		}
	}
	if got := encode.Tag(`W/"7"`, encode.Gzip); got != `W/"7"` {
		t.Errorf("a weak tag becomes %s", got)
	}
}

func TestWriter_ForgetsWhatAFailedHandlerWrote(t *testing.T) {
	t.Parallel()
	e := encode.New()
	for range 3 {
		rec := httptest.NewRecorder()
		w := e.Wrap(rec, get(t, "Accept-Encoding", "gzip"))
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "secret of somebody else")
		w.Drop()
		if rec.Body.Len() != 0 {
			t.Errorf("%q was written", rec.Body)
		}
	}
	_, body := handle(t, e, get(t, "Accept-Encoding", "gzip"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "mine")
	})
	if string(body) != "mine" {
		t.Errorf("%q", body)
	}
	var gone gone
	w := e.Wrap(&gone, get(t, "Accept-Encoding", "gzip"))
	w.Header().Set("Content-Type", "text/plain")
	_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20)))
	if err = errors.Join(err, w.Close()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a client that is gone gives %v", err)
	}
}

// gone is a client that has left.
type gone struct{ h http.Header }

func (g *gone) Header() http.Header {
	if g.h == nil {
		g.h = http.Header{}
	}
	return g.h
}
func (*gone) WriteHeader(int)           {}
func (*gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriter_LetsConnectionsBeTakenOver(t *testing.T) {
	t.Parallel()
	e := encode.New()
	failed := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := e.Wrap(w, r)
		c, _, err := http.NewResponseController(x).Hijack()
		if err == nil {
			_, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nmine")
		}
		failed <- errors.Join(err, x.Close(), c.Close())
	}))
	defer s.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, <-failed, res.Body.Close()); err != nil || res.StatusCode != 101 || string(body) != "mine" {
		t.Errorf("%d %q, %v", res.StatusCode, body, err)
	}
}

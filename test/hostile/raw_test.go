package hostile

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHostile_RawHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const host = "Host: gallery.test\r\n"
	const write = "POST /api/things HTTP/1.1\r\n" + host + "Content-Type: application/json\r\n"
	auth := "Authorization: Bearer " + w.ana.Token + "\r\n"
	const smuggled = "DELETE /api/things/x HTTP/1.1\r\nHost: gallery.test\r\n\r\n"
	for _, a := range []struct {
		name, text string
		status     int
	}{
		{"CL and TE", write + auth + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"TE and CL", write + auth + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"CL and TE after a line of 40 kB", write + auth + "X: " + strings.Repeat("a", 40<<10) + "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 431},
		{"two lengths", write + auth + "Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}" + smuggled, 400},
		{"the same length twice", write + auth + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + smuggled, 400},
		{"a list of lengths", write + auth + "Content-Length: 2, 2\r\n\r\n{}" + smuggled, 400},
		{"negative length", write + auth + "Content-Length: -1\r\n\r\n", 400},
		{"signed length", write + auth + "Content-Length: +2\r\n\r\n{}", 400},
		{"hex length", write + auth + "Content-Length: 0x2\r\n\r\n{}", 400},
		{"length with a space", write + auth + "Content-Length : 2\r\n\r\n{}", 400},
		{"length of 30 digits", write + auth + "Content-Length: 999999999999999999999999999999\r\n\r\n{}", 400},
		{"large length", write + auth + "Content-Length: 9223372036854775807\r\n\r\n{}", 400},
		{"two codings", write + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
		{"unknown coding", write + auth + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
		{"list of codings", write + auth + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
		{"coding with a tab", write + auth + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400},
		{"coding in 1.0", strings.Replace(write, "1.1", "1.0", 1) + auth + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"bad chunk", write + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"negative chunk", write + auth + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
		{"huge chunk", write + auth + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", 400},
		{"chunk with a bare LF", write + auth + "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", 400},
		{"chunk without its end", write + auth + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}X0\r\n\r\n", 400},
		{"long chunk extension", write + auth + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 100000) + "\r\n{}\r\n0\r\n\r\n", 400},
		{"bare LF", "GET /api/users HTTP/1.1\n" + "Host: gallery.test\n\n", 400},
		{"one bare LF", "GET /api/users HTTP/1.1\r\n" + "Host: gallery.test\nX: y\r\n\r\n", 400},
		{"bare CR", "GET /api/users HTTP/1.1\r\n" + "X: a\rb\r\n" + host + "\r\n", 400},
		{"folded line", "GET /api/users HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
		{"folded first line", "GET /api/users HTTP/1.1\r\n Host: gallery.test\r\n\r\n", 400},
		{"NUL in a header", "GET /api/users HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n", 400},
		{"space before the colon", "GET /api/users HTTP/1.1\r\nHost : gallery.test\r\n\r\n", 400},
		{"no colon", "GET /api/users HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400},
		{"empty name", "GET /api/users HTTP/1.1\r\n" + host + ": x\r\n\r\n", 400},
		{"no host", "GET /api/users HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET /api/users HTTP/1.1\r\n" + host + "Host: evil.test\r\n\r\n", 400},
		{"the host twice", "GET /api/users HTTP/1.1\r\n" + host + host + "\r\n", 400},
		{"empty host", "GET /api/users HTTP/1.1\r\nHost:\r\n\r\n", 400},
		{"unknown host", "GET /api/users HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421},
		{"host with a path", "GET /api/users HTTP/1.1\r\nHost: gallery.test/x\r\n\r\n", 400},
		{"host with an account", "GET /api/users HTTP/1.1\r\nHost: a@gallery.test\r\n\r\n", 400},
		{"host with a space", "GET /api/users HTTP/1.1\r\nHost: gallery.test evil.test\r\n\r\n", 400},
		{"host with html", "GET /api/users HTTP/1.1\r\nHost: <script>\r\n\r\n", 400},
		{"long host", "GET /api/users HTTP/1.1\r\nHost: " + strings.Repeat("a", 3000) + "\r\n\r\n", 400},
		{"absolute form of another host", "GET http://evil.test/api/users HTTP/1.1\r\n" + host + "\r\n", 400},
		{"another scheme", "GET ftp://evil.test/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"authority form", "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", 421},
		{"CONNECT", "CONNECT gallery.test:443 HTTP/1.1\r\n" + host + "\r\n", 405},
		{"TRACE", "TRACE /api/users HTTP/1.1\r\n" + host + "Cookie: secret\r\n\r\n", 405},
		{"TRACK", "TRACK /api/users HTTP/1.1\r\n" + host + "\r\n", 405},
		{"PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
		{"star", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
		{"no slash", "GET api/users HTTP/1.1\r\n" + host + "\r\n", 400},
		{"fragment", "GET /api/users#x HTTP/1.1\r\n" + host + "\r\n", 400},
		{"space in the target", "GET /api/users /x HTTP/1.1\r\n" + host + "\r\n", 400},
		{"HTTP/0.9", "GET /api/users\r\n\r\n", 400},
		{"HTTP/3.0", "GET /api/users HTTP/3.0\r\n" + host + "\r\n", 400},
		{"lower case version", "GET /api/users http/1.1\r\n" + host + "\r\n", 400},
		{"bad method", "G(ET /api/users HTTP/1.1\r\n" + host + "\r\n", 400},
		{"long method", strings.Repeat("G", 9000) + " /api/users HTTP/1.1\r\n" + host + "\r\n", 400},
		{"request line of 100 kB", "GET /" + strings.Repeat("a", 100<<10) + " HTTP/1.1\r\n" + host + "\r\n", 431},
		{"header of 100 kB", "GET /api/users HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 100<<10) + "\r\n\r\n", 431},
		{"200 headers", "GET /api/users HTTP/1.1\r\n" + host + lines(200) + "\r\n", 431},
		{"5000 headers", "GET /api/users HTTP/1.1\r\n" + host + lines(5000) + "\r\n", 431},
		{"20 kB of cookies", "GET /api/auth/me HTTP/1.1\r\n" + host + "Cookie: " + strings.Repeat("a=b; ", 4000) + "\r\n\r\n", 431},
		{"unknown expectation", write + auth + "Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}", 417},
		{"upgrade", "GET /api/users HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n" + smuggled, 400},
		{"nonsense", "\x16\x03\x01\x00\x00\x00\r\n\r\n", 400},
		{"empty line flood", strings.Repeat("\r\n", 5000) + "\r\n", 0},
	} {
		t.Run(a.name, func(t *testing.T) {
			answers := w.raw(t, a.text, untilClose)
			if a.name == "empty line flood" && len(answers) == 0 {
				return
			}
			if len(answers) != 1 {
				t.Fatalf("%d answers, want one and the end", len(answers))
			}
			refused(t, a.name, answers[0], a.status, "", "")
		})
	}
	var many []string
	for i := range 200 { // over HTTP/2
		many = append(many, fmt.Sprintf("X-%d", i), "y")
	}
	w.refuse(t, w.ana,
		attack{name: "20 kB over HTTP/2", method: "GET", path: "users", headers: []string{"Cookie", "a=" + strings.Repeat("b", 20000)}, status: 431, reason: "request.headers_too_large"},
		attack{name: "a target of 22 kB over HTTP/2", method: "GET", path: "users?" + strings.Repeat("x", 22<<10), status: 431, reason: "request.headers_too_large"},
	)
	w.refuse(t, w.ana, attack{name: "200 headers over HTTP/2", method: "GET", path: "users", headers: many, status: 431, reason: "request.headers_too_large"})
	w.unharmed(t)
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: y\r\n", i)
	}
	return b.String()
}

func TestHostile_Pipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := "GET /api/photos/" + w.public + " HTTP/1.1\r\nHost: gallery.test\r\n\r\n"
	bad := "GET /api/photos?nonsense HTTP/1.1\r\nHost: gallery.test\r\n\r\n"
	answers := w.raw(t, strings.Repeat(one+bad, 50), 100)
	for i, a := range answers {
		if want := []int{200, 400}[i%2]; a.Status != want {
			t.Fatalf("answer %d: %d, want %d: %s", i, a.Status, want, a.Body)
		}
	}
	if len(answers) != 100 {
		t.Errorf("%d answers, want 100", len(answers))
	}
	// What follows a refused head is not looked at, and what was asked before it is answered.
	text := one + "GET /api/users HTTP/1.1\r\nHost: gallery.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + one
	answers = w.raw(t, text, 3)
	if len(answers) != 2 || answers[0].Status != 200 || answers[1].Status != 400 {
		t.Errorf("%d answers around a refused head", len(answers))
	}
	// A hidden request in a body stays a body.
	inner := "GET /api/photos/" + w.hidden + " HTTP/1.1\r\nHost: gallery.test\r\nAuthorization: Bearer " + w.ana.Token + "\r\n\r\n"
	answers = w.raw(t, fmt.Sprintf("POST /api/auth/sign-in HTTP/1.1\r\nHost: gallery.test\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s%s", len(inner), inner, one), 2)
	if len(answers) == 0 || answers[0].Status != 415 || (len(answers) == 2 && !strings.Contains(string(answers[1].Body), w.public)) {
		t.Errorf("answers around a request in a body: %d", len(answers))
	}
	w.unharmed(t)
}

func TestHostile_SlowConnectionsHinderNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const each = 100
	for i := range each { // half a TCP connection, half a handshake, half a head, half a body
		c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", w.s.HTTPS)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00")
		}
	}
	for i := range each {
		c := w.dial(t)
		text := "GET /api/users HTTP/1.1\r\nHost: gallery.test\r\nX-Slow: "
		if i%2 == 0 {
			text = "POST /api/things HTTP/1.1\r\nHost: gallery.test\r\nAuthorization: Bearer " + w.ana.Token + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
		}
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		w.s.API(site).Want(200, "GET", "photos", nil)
	}
	w.bo.Want(201, "POST", "likes", map[string]string{"photo": w.public})
	w.before = w.snapshot(t)
	w.unharmed(t)
}

func TestHostile_PlainHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, a := range []struct {
		name, text string
		status     int
		location   string
	}{
		{"another host", "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421, ""},
		{"absolute form", "GET http://evil.test/ HTTP/1.1\r\nHost: gallery.test\r\n\r\n", 400, ""},
		{"two slashes", "GET //evil.test/x HTTP/1.1\r\nHost: gallery.test\r\n\r\n", 0, "https://gallery.test:"},
		{"backslash", "GET /\\evil.test HTTP/1.1\r\nHost: gallery.test\r\n\r\n", 0, "https://gallery.test:"},
		{"line ends", "GET /%0d%0aSet-Cookie:a=b HTTP/1.1\r\nHost: gallery.test\r\n\r\n", 0, "https://gallery.test:"},
		{"forged host", "GET / HTTP/1.1\r\nHost: gallery.test\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\n\r\n", 308, "https://gallery.test:"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ""},
	} {
		c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", w.s.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, a.text)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		_ = resp.Body.Close()
		if (a.status != 0 && resp.StatusCode != a.status) || resp.StatusCode >= 500 || resp.StatusCode == 200 {
			t.Errorf("%s: %d", a.name, resp.StatusCode)
		}
		if to := resp.Header.Get("Location"); !strings.HasPrefix(to, a.location) || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: sent to %q with %v", a.name, to, resp.Header)
		}
	}
	w.unharmed(t)
}

// Package gate_test lets programs of others talk to the gate of the real program: curl, wrk, h2load, slowhttptest and
// testssl.sh. What they found when, in which version, stands in docs/gate.md.
package gate_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// ground is a running server with files in front of it.
type ground struct {
	*server.Server
	url   string // https://localhost:PORT
	text  []byte // of /text.css, which gets smaller by coding
	large []byte // of /large.bin, which doesn't
}

func start(t *testing.T) *ground {
	t.Helper()
	folder := server.Declare(t, `name: clients
sites:
  localhost:
    routes:
      - { path: /, static: www }
`)
	g := &ground{text: bytes.Repeat([]byte("body { margin: 0; color: #123456 }\n"), 400), large: make([]byte, 3<<20)}
	if _, err := rand.Read(g.large); err != nil {
		t.Fatal(err)
	}
	www := filepath.Join(folder, "www")
	if err := os.Mkdir(www, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"text.css": g.text, "large.bin": g.large, "index.html": []byte("<h1>home</h1>")} {
		if err := os.WriteFile(filepath.Join(www, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g.Server = server.Start(t, folder)
	_, port, err := net.SplitHostPort(g.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	g.url = "https://localhost:" + port
	return g
}

// run runs a program and returns what it wrote to its standard output, and then to its standard error.
func run(t *testing.T, bound time.Duration, name string, args ...string) (out []byte, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &stdout, &stderr, t.TempDir()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, stdout.String()[:min(stdout.Len(), 2000)], stderr.String())
	}
	return stdout.Bytes(), stderr.String()
}

func TestGate_ServesCurl(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, version := range []string{"--http1.1", "--http2"} {
		t.Run(version[2:], func(t *testing.T) {
			curl := func(args ...string) ([]byte, string) {
				t.Helper()
				return run(t, server.Patience, "curl", append([]string{"-sS", "--fail", "--cacert", g.Authority(), version}, args...)...)
			}
			if got, _ := curl(g.url + "/large.bin"); !bytes.Equal(got, g.large) {
				t.Errorf("%d bytes came, and not those of the file", len(got))
			}
			if got, _ := curl("--compressed", g.url+"/text.css"); !bytes.Equal(got, g.text) {
				t.Errorf("compressed: %.50q", got)
			}
			for _, coding := range []string{"gzip", "br", "zstd"} {
				got, _ := curl("-H", "Accept-Encoding: "+coding, "-D", "/dev/stderr", g.url+"/text.css")
				if len(got) == 0 || len(got) > len(g.text)/10 {
					t.Errorf("%s: %d bytes of %d", coding, len(got), len(g.text))
				}
			}
			if got, _ := curl("-r", "1000-1999", g.url+"/large.bin"); !bytes.Equal(got, g.large[1000:2000]) {
				t.Error("a range is not that of the file")
			}
			half := filepath.Join(t.TempDir(), "half.bin")
			if err := os.WriteFile(half, g.large[:1<<20], 0o600); err != nil {
				t.Fatal(err)
			}
			curl("-C", "-", "-o", half, g.url+"/large.bin")
			if got, err := os.ReadFile(half); err != nil || !bytes.Equal(got, g.large) {
				t.Errorf("a download that was resumed gives %d bytes, %v", len(got), err)
			}
			tag := filepath.Join(t.TempDir(), "tag")
			curl("--compressed", "--etag-save", tag, "-o", "/dev/null", g.url+"/text.css")
			if status, _ := curl("--compressed", "--etag-compare", tag, "-o", "/dev/null", "-w", "%{http_code} %{size_download}", g.url+"/text.css"); string(status) != "304 0" {
				t.Errorf("asked with its own tag: %s", status)
			}
			head, _ := curl("-I", g.url+"/large.bin")
			if !strings.Contains(strings.ToLower(string(head)), "content-length: 3145728") {
				t.Errorf("HEAD: %s", head)
			}
		})
	}
}

func TestGate_FailsNoRequestOfLoadGenerators(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, path := range []string{"/text.css", "/large.bin"} {
		out, _ := run(t, server.Patience, "wrk", "-t1", "-c32", "-d2s", g.url+path)
		if m := regexp.MustCompile(`(\d+) requests in`).FindSubmatch(out); m == nil || string(m[1]) == "0" || bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
			t.Errorf("wrk %s:\n%s", path, out)
		}
		requests := "5000"
		if path == "/large.bin" {
			requests = "50"
		}
		out, _ = run(t, server.Patience, "h2load", "-t1", "-c4", "-m8", "-n"+requests, "-H", "accept-encoding: gzip, br", g.url+path)
		if !bytes.Contains(out, []byte(requests+" done, "+requests+" succeeded, 0 failed, 0 errored, 0 timeout")) || !bytes.Contains(out, []byte("Application protocol: h2")) {
			t.Errorf("h2load %s:\n%s", path, out)
		}
	}
}

// TestGate_StandsSlowClients lets slowhttptest hold hundreds of connections in each of its ways, while somebody else
// goes on asking on a connection of its own each time.
func TestGate_StandsSlowClients(t *testing.T) {
	t.Parallel()
	g := start(t)
	client := g.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	client.Timeout = 20 * time.Second
	for mode, args := range map[string][]string{
		"slow heads":       {"-H", "-i", "1"},
		"slow bodies":      {"-B", "-i", "1", "-s", "100000"},
		"range floods":     {"-R", "-a", "1", "-b", "3000"},
		"slow readers":     {"-X", "-w", "1", "-y", "4", "-n", "1", "-z", "8", "-k", "1"},
		"slow heads again": {"-H", "-i", "2", "-x", "4000"},
	} {
		over := make(chan string, 1)
		go func() {
			args := append(args, "-c", "300", "-r", "150", "-l", "4", "-p", "2", "-u", g.url+"/large.bin")
			out, err := exec.CommandContext(t.Context(), "slowhttptest", args...).CombinedOutput()
			if err != nil {
				out = append(out, err.Error()...)
			}
			over <- string(out)
		}()
		answers := 0
		for text := ""; text == ""; answers++ {
			res, err := client.Get("https://localhost/text.css")
			if err != nil {
				t.Fatalf("%s: the witness gets no answer: %v", mode, err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK || !bytes.Equal(body, g.text) {
				t.Fatalf("%s: the witness gets %s, %d bytes, %v", mode, res.Status, len(body), err)
			}
			select {
			case text = <-over:
				if !strings.Contains(text, "Exit status:") {
					t.Fatalf("%s: slowhttptest did not run:\n%s", mode, text)
				}
			default:
			}
		}
		t.Logf("%s: the witness had %d answers", mode, answers)
	}
}

// TestGate_HasNoFindingsOfTestSSL takes what is worse than "low" of what testssl.sh looks for: protocols, ciphers,
// headers, and the vulnerabilities that have names. It looks at no certificate: that is one of our own authority here.
func TestGate_HasNoFindingsOfTestSSL(t *testing.T) {
	t.Parallel()
	g := start(t)
	_, port, _ := net.SplitHostPort(g.HTTPS)
	file := filepath.Join(t.TempDir(), "findings.json")
	run(t, 12*time.Minute, "testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "--ip", "127.0.0.1", "--jsonfile", file,
		"-p", "-s", "-h", "--heartbleed", "--ccs-injection", "--ticketbleed", "--renegotiation", "--crime", "--poodle", "--drown", "localhost:"+port)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, f := range findings {
		seen[f.ID] = f.Finding
		if f.Severity != "OK" && f.Severity != "INFO" && f.Severity != "LOW" && f.Severity != "DEBUG" {
			t.Errorf("%s: %s: %s", f.Severity, f.ID, f.Finding)
		}
	}
	for id, want := range map[string]string{"TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered", "heartbleed": "not vulnerable"} {
		if !strings.HasPrefix(seen[id], want) {
			t.Errorf("%s: %q, want %q", id, seen[id], want)
		}
	}
}

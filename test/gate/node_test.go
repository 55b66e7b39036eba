package gate_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const behindNode = "../../examples/behind-node"

// node is one process of the example.
type node struct {
	t          *testing.T
	name, port string
	cmd        *exec.Cmd
}

func startNode(t *testing.T, name string) *node {
	t.Helper()
	_, port, _ := net.SplitHostPort(server.Free(t))
	n := &node{t: t, name: name, port: port}
	n.start()
	t.Cleanup(n.kill)
	return n
}

func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command("node", filepath.Join(behindNode, "server.js"))
	n.cmd.Env = append(os.Environ(), "NAME="+n.name, "PORT="+n.port)
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("%v: the example runs on Node (make node)", err)
	}
	listens := make(chan bool, 1)
	go func() { listens <- bufio.NewScanner(out).Scan() }()
	select {
	case ok := <-listens:
		if !ok {
			n.t.Fatal("the example ended before it listened: make e2e installs what it needs")
		}
	case <-time.After(server.Patience):
		n.t.Fatal("the example does not listen")
	}
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// The example of two Node processes, over each protocol: both answer, nothing is lost on the way, and when one is killed
// under way nobody gets an error.
func TestNode_TwoProcessesBehindOneRoute(t *testing.T) {
	amber, teal := startNode(t, "amber"), startNode(t, "teal")
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "public"), os.DirFS(filepath.Join(behindNode, "public"))); err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(filepath.Join(behindNode, "roundtrip.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	declared := strings.NewReplacer("shop.test", site, ":4101", ":"+amber.port, ":4102", ":"+teal.port).Replace(string(yaml))
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declared), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, folder)
	await(t, "health checks", func() bool {
		_, text, err := newClient(t, s, h1, 1).do(t, http.MethodGet, "/api/whoami", nil)
		return err == nil && strings.HasPrefix(text, `{"name"`)
	})
	for _, p := range []protocol{h1, h2, h3} {
		t.Run(string(p), func(t *testing.T) { talkToNode(t, s, newClient(t, s, p, 2), amber) })
	}

	conn, from := dialSocket(t, s, "/api/echo")
	if text, _ := hear(t, from); !strings.Contains(text, "connected") {
		t.Fatalf("the WebSocket said %q", text)
	}
	_ = wsutil.WriteClientText(conn, []byte("hello"))
	if text, _ := hear(t, from); !strings.Contains(text, `"text":"hello"`) {
		t.Errorf("the WebSocket said %q", text)
	}
}

func talkToNode(t *testing.T, s *server.Server, c *client, amber *node) {
	t.Helper()
	answered := func(n int) map[string]int {
		t.Helper()
		by := map[string]int{}
		for range n {
			resp, text, err := c.do(t, http.MethodGet, "/api/whoami", nil)
			var who struct{ Name, Protocol, Host, Client, Journey string }
			if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal([]byte(text), &who) != nil {
				t.Fatalf("%v, %v, %s", resp, err, text)
			}
			if who.Protocol != "https" || who.Host != site || who.Client != "127.0.0.1" || who.Journey != resp.Header.Get("X-Journey") {
				t.Fatalf("what the process knows of the client: %s", text)
			}
			by[who.Name]++
		}
		return by
	}
	await(t, "answers of both", func() bool { by := answered(10); return by["amber"] > 0 && by["teal"] > 0 })

	body := strings.Repeat("roundtrip ", 300_000)
	hash := sha256.Sum256([]byte(body))
	if _, text, err := c.do(t, http.MethodPost, "/api/upload", strings.NewReader(body), "Content-Type", "application/octet-stream"); err != nil || !strings.Contains(text, hex.EncodeToString(hash[:])) {
		t.Errorf("upload: %v, %s", err, text)
	}
	if _, text, err := c.do(t, http.MethodGet, "/api/download?bytes=3000000", nil); err != nil || len(text) != 3_000_000 {
		t.Errorf("download: %d bytes, %v", len(text), err)
	}
	events := bufio.NewScanner(openBody(t, c, "/api/clock"))
	for _, want := range []string{"id: 1", "id: 2"} { // the second a second later: nothing holds it back
		for events.Scan() && events.Text() != want {
			if strings.HasPrefix(events.Text(), "id: ") {
				t.Fatalf("event %s came before %s", events.Text(), want)
			}
		}
	}

	amber.kill()
	if by := answered(60); by["amber"] > 0 {
		t.Errorf("a process answered that was killed: %v", by)
	}
	amber.start()
	await(t, "answers of the process that is back", func() bool { return answered(5)["amber"] > 0 })
	await(t, "the log tells that it is back", func() bool { return strings.Contains(s.Log(), `"msg":"upstream well again"`) })
}

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// receiver is a program in Node that takes messages with the function of docs/webhooks.md, and says what came.
const receiver = `
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { verify } from './verify.mjs'
const secret = readFileSync('secret.txt', 'utf8').trim()
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    const { headers } = request
    const good = verify(headers, body, secret)
    const forged = verify(headers, body + ' ', secret) || verify({ ...headers, 'webhook-id': 'msg_x' }, body, secret) ||
      verify({ ...headers, 'webhook-timestamp': '1' }, body, secret) || verify(headers, body, 'x' + secret)
    const { type, data } = JSON.parse(body)
    console.log(good, forged, type, data.title, data.etag)
    response.end()
  })
}).listen(0, '127.0.0.1', () => console.log(server.address().port))
`

// startReceiver runs the receiver in a folder and returns its port and its further lines.
func startReceiver(t *testing.T, folder string) (port string, lines <-chan string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```js\n")
	code, _, _ = strings.Cut(code, "```")
	if n := strings.Count(code, "\n"); n > 10 {
		t.Errorf("the example of docs/webhooks.md has %d lines", n)
	}
	put(t, folder, "verify.mjs", code)
	put(t, folder, "receiver.mjs", receiver)
	cmd := exec.Command("node", "receiver.mjs")
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 64)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	go func() {
		defer close(all)
		for s := bufio.NewScanner(out); s.Scan(); {
			all <- s.Text()
		}
	}()
	return next(t, all), all
}

// put writes a file of a folder.
func put(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// next returns the next line.
func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line, more := <-lines:
		if !more {
			t.Fatal("the receiver has ended")
		}
		return line
	case <-time.After(server.Patience):
		t.Fatal("nothing came")
		return ""
	}
}

func TestWebhook_IsTakenByTheExampleOfItsPage(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"plain": "a secret of the tests", "encoded": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := server.Declare(t, "")
			put(t, folder, "secret.txt", secret+"\n")
			port, lines := startReceiver(t, folder)
			yaml := notes + fmt.Sprintf("webhooks:\n  a: { when: [notes.created, notes.updated], url: 'http://127.0.0.1:%s/', secret: { file: secret.txt }, allow_private: true }\n", port)
			put(t, folder, "roundtrip.yaml", strings.Replace(yaml, ", { path: /, static: web, spa: true }", "", 1))
			s := server.Start(t, folder)
			api := s.API("notes.test")
			note := api.Do("POST", "notes", server.JSON{"title": "first"})
			if got := next(t, lines); got != "true false notes.created first 1" {
				t.Fatalf("the receiver says %q", got)
			}
			api.Do("PATCH", "notes/"+note.Text("id"), server.JSON{"title": "second"})
			if got := next(t, lines); got != "true false notes.updated second 2" {
				t.Fatalf("the receiver says %q", got)
			}
		})
	}
}

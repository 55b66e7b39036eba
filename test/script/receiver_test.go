package script

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// receiver starts a program that takes webhook messages, and puts its URL into a file in the place of RECEIVER. It answers
// with the status that stands in the file receiver.status, and writes each message into receiver.log.
func receiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receiver FILE")
	}
	var mu sync.Mutex // one message after the other
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		status, err2 := os.ReadFile(ts.MkAbs("receiver.status"))
		log, err3 := os.OpenFile(ts.MkAbs("receiver.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		code, err4 := strconv.Atoi(strings.TrimSpace(string(status)))
		if err != nil || err2 != nil || err3 != nil || err4 != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		defer log.Close()
		fmt.Fprintf(log, "%d %s %s\n", code, r.Header.Get("webhook-id"), body)
		w.WriteHeader(code)
	}))
	ts.Defer(s.Close)
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "RECEIVER", s.URL)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// await runs a command again and again until its output has a text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await TEXT COMMAND…")
	}
	for deadline := time.Now().Add(server.Patience); ; {
		if err := ts.Exec(args[1], args[2:]...); err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q never came from %q: %s%s", args[0], args[1:], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

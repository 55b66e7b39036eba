package app_test

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
)

// TestApp_ACallBothWaysMayBeSilent leaves a Live.Open alone for longer than any body may stall, in both directions, and speaks
// with it again: through the real gate, over HTTP/2.
func TestApp_ACallBothWaysMayBeSilent(t *testing.T) {
	t.Parallel()
	stall := 4 * time.Second // a machine that stands still for as long before the answer has begun would end the call
	_, client := startWith(t, declaration+"gate: { timeouts: { stall: 4s } }\n", func(*process.Surroundings) {})
	out, in := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://notes.test/notes.v1.Live/Open", out)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/connect+json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Proto, resp.Status)
	}
	said := func(message, want string) {
		t.Helper()
		head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
		if _, err := in.Write(append(head, message...)); err != nil {
			t.Fatal(err)
		}
		for { // heartbeats may come between
			var h [5]byte
			if _, err := io.ReadFull(resp.Body, h[:]); err != nil {
				t.Fatalf("the call has ended: %v", err)
			}
			answer := make([]byte, binary.BigEndian.Uint32(h[1:]))
			if _, err := io.ReadFull(resp.Body, answer); err != nil {
				t.Fatal(err)
			}
			if h[0] != 0 {
				t.Fatalf("the call has ended: %s", answer)
			}
			if strings.Contains(string(answer), want) {
				return
			}
		}
	}
	said(`{"id":1,"ping":true}`, `"id":"1"`)
	<-time.After(2 * stall) // it is the silence that is tested
	said(`{"id":2,"ping":true}`, `"id":"2"`)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasSuffix(string(rest), "{}") {
		t.Errorf("%v %q", err, rest)
	}
}

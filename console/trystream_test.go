package console_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// A stream that is tried has an end, whatever the site does, and says which.
func TestTryStream_HasAnEnd(t *testing.T) {
	t.Parallel()
	endless := func(ctx context.Context, tell func(console.TryEvent) error) error {
		for tell(console.TryEvent{Message: `{"n":1}`}) == nil {
		}
		return ctx.Err()
	}
	for name, c := range map[string]struct {
		stream   func(ctx context.Context, tell func(console.TryEvent) error) error
		end      string
		messages int
	}{
		"endless": {endless, `{"why":"messages"}`, 500},
		"ended": {func(_ context.Context, tell func(console.TryEvent) error) error {
			return tell(console.TryEvent{Message: "{}"})
		}, `{"why":"end"}`, 1},
		"broken": {func(context.Context, func(console.TryEvent) error) error {
			return roundtrip.E(roundtrip.Unavailable, "console.try_failed", "it broke off")
		}, `{"why":"problem","reason":"console.try_failed","detail":"it broke off"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *console.Options) {
				o.Try = func(context.Context, console.TryOrder) (*console.TryAnswer, error) { return &console.TryAnswer{}, nil }
				o.TryStream = func(ctx context.Context, _ console.TryOrder, tell func(console.TryEvent) error) error {
					if err := tell(console.TryEvent{Answer: &console.TryAnswer{Status: 200}}); err != nil {
						return err
					}
					return c.stream(ctx, tell)
				}
			})
			ana := b.join(t, "ana", operators.Operate)
			resp := ana.send("POST", "/api/try/stream", args{"site": "gallery.test", "method": "GET", "path": "/photos:watch"})
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "event: message\n"); n != c.messages || strings.Count(string(text), "event: answer\n") != 1 {
				t.Errorf("%d messages, want %d", n, c.messages)
			}
			if !strings.HasSuffix(string(text), "event: end\ndata: "+c.end+"\n\n") {
				t.Errorf("it ends with …%s", text[max(0, len(text)-200):])
			}
		})
	}
}

// Who is signed out sees no more of a stream, and the site is let go of.
func TestTryStream_EndsWithTheSession(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	b := newBench(t, func(o *console.Options) {
		o.Try = func(context.Context, console.TryOrder) (*console.TryAnswer, error) { return &console.TryAnswer{}, nil }
		o.TryStream = func(ctx context.Context, _ console.TryOrder, tell func(console.TryEvent) error) error {
			defer close(let)
			if err := tell(console.TryEvent{Message: "{}"}); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	root, ana := b.join(t, "root", operators.Owner), b.join(t, "ana", operators.Operate)
	resp := ana.send("POST", "/api/try/stream", args{"site": "gallery.test", "method": "GET", "path": "/photos:watch"})
	defer resp.Body.Close()
	root.want(200, "DELETE", "/api/operators/ana", nil)
	text, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(text), "event: end") {
		t.Errorf("%s, %v", text, err)
	}
	<-let
}

package console_test

import (
	"context"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// However a session of the console ends, the session of an account ends that it has opened at a site.
func TestTry_AnAccountEndsWithTheSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, b *bench, root, ana *browser){
		"signed out": func(_ *testing.T, _ *bench, _, ana *browser) { ana.want(200, "POST", "/api/sign-out", args{}) },
		"signed in anew": func(_ *testing.T, _ *bench, _, ana *browser) {
			ana.want(200, "POST", "/api/sign-in", args{"name": "ana", "password": secret})
		},
		"removed": func(_ *testing.T, _ *bench, root, _ *browser) { root.want(200, "DELETE", "/api/operators/ana", nil) },
		"not used for long": func(_ *testing.T, b *bench, _, _ *browser) {
			b.clock.add(13 * time.Hour)
			b.Sweep()
		},
		"removed by a command": func(t *testing.T, b *bench, _, _ *browser) {
			if err := b.Book().Remove("ana"); err != nil {
				t.Fatal(err)
			}
			b.Sweep()
		},
		"another password": func(t *testing.T, b *bench, _, _ *browser) {
			other := b.browser(t)
			other.want(200, "POST", "/api/sign-in", args{"name": "ana", "password": secret})
			other.want(200, "POST", "/api/password", args{"current": secret, "password": "other unrelated words"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan console.TryOrder, 8)
			b := newBench(t, func(o *console.Options) {
				o.Try = func(_ context.Context, o console.TryOrder) (*console.TryAnswer, error) {
					if o.Path == "/auth/sign-out" {
						left <- o
					}
					return &console.TryAnswer{Status: 200, Body: `{"token":"rt_s_x"}`}, nil
				}
			})
			root, ana := b.join(t, "root", operators.Owner), b.join(t, "ana", operators.Operate)
			ana.want(200, "POST", "/api/try/sign-in", args{"site": "gallery.test", "login": "mia", "password": "x"})
			end(t, b, root, ana)
			select {
			case o := <-left:
				if o.Site != "gallery.test" || o.Token != "rt_s_x" || o.Method != "POST" {
					t.Errorf("%+v", o)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the account is still signed in")
			}
			b.stop() // all that was to be done is done then
			if n := len(left); n != 0 {
				t.Errorf("it was signed out %d times", n+1)
			}
		})
	}
}

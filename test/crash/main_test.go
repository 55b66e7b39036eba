package crash

import (
	"context"
	"crypto/rand"
	"fmt"
	random "math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// scrambled makes this program a server whose streams are woken wrongly: see serveScrambled.
const scrambled = "ROUNDTRIP_SCRAMBLED"

// TestMain runs the tests, or, in a process that a test has started, the server.
func TestMain(m *testing.M) {
	if os.Getenv(scrambled) == "" {
		os.Exit(m.Run())
	}
	if err := serveScrambled(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveScrambled serves a folder as `roundtrip serve` does, but of the wake-ups of streams some are lost, some come late and
// out of order, and some come twice. The shipped program has no such switch.
func serveScrambled(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := app.New(app.Options{
		File: folder, HTTPS: "127.0.0.1:0", HTTP: "127.0.0.1:0",
		Hint: func(wake func()) {
			switch random.IntN(4) {
			case 0: // lost
			case 1:
				time.AfterFunc(time.Duration(random.IntN(300))*time.Millisecond, wake)
			case 2:
				wake()
				time.AfterFunc(time.Duration(random.IntN(30))*time.Millisecond, wake)
			default:
				wake()
			}
		},
	}, process.Surroundings{Out: os.Stdout, Err: os.Stderr, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv})
	if err != nil {
		return err
	}
	return a.Run(ctx, nil)
}

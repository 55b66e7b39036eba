package lifetime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/internal/lifetime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes what happened in which order.
type diary struct {
	mu   sync.Mutex
	said []string
}

func (d *diary) say(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = append(d.said, what)
}

func (d *diary) part(name string) lifetime.Part {
	ready := make(chan struct{})
	return lifetime.Part{Name: name, Ready: ready, Run: func(ctx context.Context) error {
		d.say("start " + name)
		close(ready)
		<-ctx.Done()
		d.say("stop " + name)
		return ctx.Err()
	}}
}

func TestRun_StopsInReverse(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var d diary
	err := lifetime.Run(ctx, func() { d.say("ready"); cancel() }, d.part("store"), d.part("door"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"start store", "start door", "ready", "stop door", "stop store"}
	if !slices.Equal(d.said, want) {
		t.Errorf("happened: %v\nwant:     %v", d.said, want)
	}
}

func TestRun_AFailingPartStopsTheOthers(t *testing.T) {
	t.Parallel()
	var d diary
	bad := lifetime.Part{Name: "door", Ready: make(chan struct{}), Run: func(context.Context) error { return errors.New("address in use") }}
	err := lifetime.Run(t.Context(), func() { t.Error("it was never ready") }, d.part("store"), bad, d.part("never"))
	if err == nil || err.Error() != "door: address in use" {
		t.Errorf("error %v", err)
	}
	if want := []string{"start store", "stop store"}; !slices.Equal(d.said, want) {
		t.Errorf("happened: %v", d.said)
	}
}

func TestRun_APartThatEndsByItselfIsAnError(t *testing.T) {
	t.Parallel()
	err := lifetime.Run(t.Context(), func() {}, lifetime.Part{Name: "log", Run: func(context.Context) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "log ended by itself") {
		t.Errorf("error %v", err)
	}
}

package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// watching runs a watch in a namespace.
func watching(t *testing.T, n *namespace, p *firewall.Policy) (*watch.Watch, *trace.Recorder) {
	t.Helper()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	w, err := watch.New(watch.Options{
		Recorder: r, Now: time.Now, Log: slog.New(slog.DiscardHandler), NetNS: n.fd(),
		Interface: func(int) string { return "wire" },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Enter(p, true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	<-w.Ready()
	return w, r
}

// await asks until there is what a test waits for.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %s", what, patience)
		}
		time.Sleep(time.Millisecond) // the kernel hands up what it has when it likes
	}
}

func TestWatch_TellsWhoWasDroppedAndWhatWouldLetThemPass(t *testing.T) {
	t.Parallel()
	server, client := wire(t)
	server.nft(t, twoRules)
	stale := port(5432, config.Peer{Kind: config.GroupRef, Name: "nobody"})
	w, recorder := watching(t, server, policyOf(t, port(7001, anywhere()), port(7002, network("198.18.7.9/32")), stale))

	udp := client.dial(t, "udp", netip.AddrPortFrom(server4, 9000))
	for range 3 {
		if _, err := udp.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.dial(t, "udp", netip.AddrPortFrom(server6, 5432)).Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var l watch.Listing
	await(t, "four packets", func() bool {
		l = w.Drops(0, 100)
		return len(l.Drops) == 2 && l.Drops[0].Packets+l.Drops[1].Packets == 4
	})
	if !l.Kernel || l.Fault != "" || l.Lost != 0 || l.Odd != 0 || l.Forgotten != 0 {
		t.Errorf("the listing is %+v", l)
	}
	last, first := l.Drops[0], l.Drops[1]
	if first.Reason.Code() != "firewall.no_rule" || first.Packets != 3 || first.Flow.String() != "udp/9000 from 198.18.7.2" ||
		first.Evidence != trace.Reported || first.Local != server4 || first.Interface != "wire" || first.Nearest == "" || len(first.Would) == 0 {
		t.Errorf("got %+v", first)
	}
	if last.Reason.Code() != "firewall.stale_group" || last.Packets != 1 || last.Flow.String() != "udp/5432 from 2001:db8:7::2" {
		t.Errorf("got %+v", last)
	}
	if later := w.Drops(l.Turn, 100); len(later.Drops) != 0 || later.Turn != l.Turn {
		t.Errorf("nothing changed since, and the listing has %+v", later)
	}
	journeys := recorder.Select(trace.Filter{}, 10)
	if len(journeys) == 0 {
		t.Fatal("there is no journey")
	}
	j := journeys[len(journeys)-1]
	if j.Kind != trace.Drop || j.Client != client4 || j.Proto != "udp/9000" || j.Reason.Code() != "firewall.no_rule" || len(j.Hops) != 1 {
		t.Fatalf("the journey is %+v", j)
	}
	if h := j.Hops[0]; h.Layer != trace.Firewall || h.Verdict != trace.Deny || h.Evidence != trace.Reported || !strings.Contains(h.Note, "would pass if") {
		t.Errorf("the hop is %+v", h)
	}
}

func TestWatch_ListensOnlyWhileTheKernelEnforces(t *testing.T) {
	t.Parallel()
	server, _ := wire(t)
	w, _ := watching(t, server, policyOf(t, port(7001, anywhere())))
	p := policyOf(t, port(7001, anywhere()))
	second, _ := watching(t, server, p)
	if l := second.Drops(0, 1); !strings.Contains(l.Fault, "another program listens") {
		t.Errorf("the second one says %q", l.Fault)
	}
	w.Enter(nil, false)
	await(t, "the second one listens", func() bool {
		second.Enter(p, true)
		return second.Drops(0, 1).Fault == ""
	})
	if l := w.Drops(0, 1); l.Kernel || l.Fault != "" {
		t.Errorf("after the end of the groups: %+v", l)
	}
}

func TestWatch_NotesWhatTheProcessRefused(t *testing.T) {
	t.Parallel()
	w, err := watch.New(watch.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.Enter(policyOf(t, port(7001, anywhere())), false)
	f := firewall.Flow{Protocol: firewall.TCP, Remote: netip.MustParseAddr("::ffff:203.0.113.9"), Port: 443}
	for range 5 {
		w.Refused(f, trace.ReasonOf("firewall.no_rule"))
	}
	l := w.Drops(0, 10)
	if len(l.Drops) != 1 || l.Drops[0].Packets != 5 || l.Drops[0].Evidence != trace.Seen || l.Drops[0].Flow.Remote.String() != "203.0.113.9" {
		t.Errorf("got %+v", l.Drops)
	}
	w.Enter(policyOf(t, port(443, anywhere())), false)
	if l = w.Drops(0, 10); !strings.Contains(l.Drops[0].Short, "it would pass now") {
		t.Errorf("under other rules: %q", l.Drops[0].Short)
	}
	w.Enter(nil, false)
	if l = w.Drops(0, 10); l.Drops[0].Short != "there are no groups any more" {
		t.Errorf("without rules: %q", l.Drops[0].Short)
	}
}

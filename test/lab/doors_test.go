package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// way is a connection from one machine to a port of another, and whether the groups allow it.
type way struct {
	from, to, role string
	port           uint16
	allowed        bool
}

func (w way) String() string { return fmt.Sprintf("%s -> %s tcp/%d", w.from, w.to, w.port) }

// ways are what the lab's declaration says, one or two for each of its rules.
var ways = []way{
	{lab.Client, lab.Edge, "edge", 443, true},
	{lab.Stranger, lab.Edge, "edge", 443, false},
	{lab.App1, lab.Edge, "edge", 443, false},
	{lab.Client, lab.Edge, "edge", 22, false},
	{lab.Operator, lab.Edge, "edge", 22, true},
	{lab.Stranger, lab.DNS, "names", 53, true},
	{lab.Client, lab.DNS, "names", 443, false},
	{lab.Edge, lab.App1, "app", 8080, true},
	{lab.Edge, lab.App2, "app", 8080, true},
	{lab.Client, lab.App1, "app", 8080, false},
	{lab.App2, lab.App1, "app", 8080, false}, // one of the group is not what the group allows
	{lab.DB, lab.App1, "app", 8080, false},
	{lab.App1, lab.DB, "database", 5432, true},
	{lab.App2, lab.DB, "database", 5432, true},
	{lab.Edge, lab.DB, "database", 5432, false}, // a reference to app does not mean what app allows in turn
	{lab.Client, lab.DB, "database", 5432, false},
	{lab.Operator, lab.DB, "database", 22, true},
}

// The machines accept whom their groups name and nobody else, over both families; and `roundtrip reach` says the same of each
// way without sending a packet.
func TestDoors_TheKernelDoesWhatReachSays(t *testing.T) {
	l := open(t)
	up(t, l)
	for _, name := range []string{lab.Edge, lab.DB} {
		must(t, l.Machine(name).Echo(t.Context(), ":22"))
	}
	var all sync.WaitGroup
	for _, w := range ways {
		for _, six := range []bool{false, true} {
			from, to := l.Machine(w.from), l.Machine(w.to)
			source, target := from.IPv4(), to.IPv4()
			if six {
				source, target = from.IPv6(), to.IPv6()
			}
			all.Go(func() {
				if got := reaches(t.Context(), from, netip.AddrPortFrom(target, w.port), w.allowed); got != w.allowed {
					t.Errorf("%s (%s): connected %v, wanted %v", w, target, got, w.allowed)
				}
			})
			want := 1
			if w.allowed {
				want = 0
			}
			run(t, l.Machine(lab.Edge), want, program(t), "reach", source.String(), fmt.Sprintf("tcp/%d", w.port), "--to", w.role, l.Machine(lab.Edge).Folder)
		}
	}
	all.Wait()
}

// reaches reports whether a machine can connect to an address. One that is thought to be unreachable is given a second.
func reaches(ctx context.Context, from *lab.Machine, to netip.AddrPort, expected bool) bool {
	patience := time.Second
	if expected {
		patience = lab.Patience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := from.Dial(ctx, "tcp", to.String())
	if err == nil {
		c.Close()
	}
	return err == nil
}

// up starts the whole site, each machine behind its groups.
func up(t testing.TB, l *lab.Lab) (names, edge *lab.Process) {
	t.Helper()
	servers, err := l.Up(t.Context(), program(t))
	must(t, err)
	for _, s := range servers {
		t.Cleanup(func() { stop(t, s) })
	}
	return servers[0], servers[1]
}

// A stranger is dropped, over both families, and the edge says of each who it was, what it wanted, and what would let it pass.
func TestDoors_ADroppedStrangerIsExplained(t *testing.T) {
	l := open(t)
	up(t, l)
	edge, stranger := l.Machine(lab.Edge), l.Machine(lab.Stranger)
	for _, family := range []string{"-4", "-6"} {
		run(t, stranger, 28, "curl", "-sS", family, "-m", "2", "--cacert", edge.Authority(), "https://"+lab.Site+"/")
	}
	var text string
	await(t, "the edge tells of both drops", func() bool {
		text = run(t, edge, 0, program(t), "firewall", "drops", edge.Folder)
		return strings.Contains(text, "198.18.2.66") && strings.Contains(text, "2001:db8:5:2::66")
	})
	has(t, "roundtrip firewall drops", text, "tcp/443", "web rule 1")
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("a line of more than 80 columns: %s", line)
		}
	}
}

// slow is an answer that goes on and on, read by a visitor.
type slow struct {
	lines chan string // closed when it ends
	err   error       // how, after that
}

// watch asks for an answer that goes on and on, from the client, and waits until it has begun.
func watch(t testing.TB, client *http.Client) *slow {
	t.Helper()
	resp, err := client.Get("https://" + lab.Site + "/slow")
	must(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	s := &slow{lines: make(chan string)}
	go func() {
		defer close(s.lines)
		in := bufio.NewScanner(resp.Body)
		for in.Scan() {
			select {
			case s.lines <- in.Text():
			case <-t.Context().Done():
				return
			}
		}
		s.err = in.Err()
	}()
	s.goesOn(t)
	return s
}

// goesOn wants some more lines.
func (s *slow) goesOn(t testing.TB) {
	t.Helper()
	for range 5 {
		select {
		case _, ok := <-s.lines:
			if !ok {
				t.Fatalf("the answer ended: %v", s.err)
			}
		case <-time.After(lab.Patience):
			t.Fatal("no line comes any more")
		}
	}
}

// ends wants the answer to be cut.
func (s *slow) ends(t testing.TB) {
	t.Helper()
	for end := time.After(lab.Patience); ; {
		select {
		case _, ok := <-s.lines:
			if !ok && s.err == nil {
				t.Error("the answer ended as if it were whole")
			}
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the answer still goes on")
		}
	}
}

// While the edge is given one declaration after the other, with other groups each time, no request is lost and no answer
// that is under way is cut.
func TestDoors_ReloadsCutNothing(t *testing.T) {
	l := open(t)
	_, edge := up(t, l)
	live := []*slow{watch(t, browser(t, l, lab.Client)), watch(t, browser(t, l, lab.Client))}
	var done atomic.Bool
	var answered atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		client := browser(t, l, lab.Client)
		all.Go(func() {
			for !done.Load() {
				if err := ask(client); err != nil {
					t.Error(err)
					return
				}
				client.CloseIdleConnections() // the next one makes a connection of its own
				answered.Add(1)
			}
		})
	}
	for n := range 5 {
		before := answered.Load()
		changed := strings.Replace(lab.Declaration, "  groups:\n", fmt.Sprintf("  groups:\n    other:\n      - { allow: tcp/%d, from: [anywhere] }\n", 7000+n), 1)
		changed = strings.Replace(changed, "edge:     [web,", "edge:     [other, web,", 1)
		must(t, l.Machine(lab.Edge).Reload(t.Context(), edge, changed))
		await(t, "requests go on", func() bool { return answered.Load() > before+5 || t.Failed() })
		for _, s := range live {
			s.goesOn(t)
		}
		if !reaches(t.Context(), l.Machine(lab.Client), netip.AddrPortFrom(l.Machine(lab.Edge).IPv4(), 443), true) {
			t.Error("the client does not reach the edge")
		}
	}
	done.Store(true)
	all.Wait()
}

// ask asks for the site once.
func ask(client *http.Client) error {
	resp, err := client.Get("https://" + lab.Site + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && !strings.Contains(string(text), " answers ") {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return err
}

// A rule that is taken away lets nobody in any more, and leaves those alone who are in; `firewall cut` ends exactly them.
func TestDoors_ARemovedRuleAndItsFlows(t *testing.T) {
	l := open(t)
	_, server := up(t, l)
	edge, client := l.Machine(lab.Edge), l.Machine(lab.Client)
	visitor := watch(t, browser(t, l, lab.Client))
	must(t, edge.Echo(t.Context(), ":22"))
	operator, err := l.Machine(lab.Operator).Dial(t.Context(), "tcp", netip.AddrPortFrom(edge.IPv4(), 22).String())
	must(t, err)
	defer operator.Close()

	must(t, edge.Reload(t.Context(), server, strings.Replace(lab.Declaration, "from: [198.18.1.0/24, '2001:db8:5:1::/64']", "from: [198.18.3.0/24]", 1)))
	if reaches(t.Context(), client, netip.AddrPortFrom(edge.IPv4(), 443), false) {
		t.Error("the client still gets in")
	}
	visitor.goesOn(t)
	has(t, "roundtrip firewall flows", run(t, edge, 0, program(t), "firewall", "flows", edge.Folder), "198.18.1.10")

	run(t, edge, 0, program(t), "firewall", "cut", "--removed", "--yes", edge.Folder)
	visitor.ends(t)
	if _, err := operator.Write([]byte("here")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(operator, make([]byte, 4)); err != nil {
		t.Errorf("a connection of another rule was cut too: %v", err)
	}
}

// Without the kernel the server itself closes the door to a stranger, and leaves nftables alone.
func TestDoors_InProcess(t *testing.T) {
	l := open(t)
	site(t, l, strings.Replace(lab.Declaration, "firewall:\n", "firewall:\n  enforce: process\n", 1))
	edge := l.Machine(lab.Edge)
	for _, family := range []string{"-4", "-6"} {
		has(t, "the answer", run(t, l.Machine(lab.Client), 0, "curl", "-sS", family, "--cacert", edge.Authority(), "https://"+lab.Site+"/"), " answers ")
		text, status, err := l.Machine(lab.Stranger).Run(t.Context(), "curl", "-sS", family, "--cacert", edge.Authority(), "https://"+lab.Site+"/")
		if err != nil || status != 7 && status != 35 && status != 56 {
			t.Errorf("the stranger's curl: exit status %d, %v; wanted 7, 35 or 56, a connection that was closed; it said:\n%s", status, err, text)
		}
	}
	if text := run(t, edge, 0, "nft", "list", "ruleset"); text != "" {
		t.Errorf("there are rules in the kernel:\n%s", text)
	}
}

// A machine whose group says what may leave begins nothing else; what others begin with it is answered all the same.
func TestDoors_WhatLeavesIsBoundedToo(t *testing.T) {
	l := open(t)
	names, db, app := l.Machine(lab.DNS), l.Machine(lab.DB), l.Machine(lab.App1)
	for _, address := range []string{":53", ":54"} {
		must(t, names.Echo(t.Context(), address))
	}
	must(t, db.Echo(t.Context(), ":5432"))
	rule := "from: ['group:app'] }\n"
	must(t, db.Declare(strings.Replace(lab.Declaration, rule, rule+"      - { allow: tcp/53, to: ['group:names'] }\n", 1)))
	if text := run(t, db, 0, program(t), "check", db.Folder); !strings.Contains(text, "operators") {
		t.Errorf("check does not warn that the group operators bounds nothing that leaves:\n%s", text)
	}
	must(t, db.Declare(strings.Replace(strings.Replace(lab.Declaration, rule, rule+"      - { allow: tcp/53, to: ['group:names'] }\n", 1), "[database, operators]", "[database]", 1)))
	run(t, db, 0, program(t), "firewall", "apply", "--yes", db.Folder)

	for _, six := range []bool{false, true} {
		to, own := names.IPv4(), db.IPv4()
		if six {
			to, own = names.IPv6(), db.IPv6()
		}
		if !reaches(t.Context(), db, netip.AddrPortFrom(to, 53), true) {
			t.Errorf("what the rule allows does not leave to %s", to)
		}
		if reaches(t.Context(), db, netip.AddrPortFrom(to, 54), false) {
			t.Errorf("what no rule allows leaves to %s", to)
		}
		c, err := app.Dial(t.Context(), "tcp", netip.AddrPortFrom(own, 5432).String())
		must(t, err)
		defer c.Close()
		must(t, c.SetDeadline(time.Now().Add(lab.Patience)))
		if _, err := c.Write([]byte("here")); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Errorf("an answer does not leave: %v", err)
		}
	}
}

// In the process too a datagram is judged before it is read: a stranger's question is not answered, over UDP and TCP.
func TestDoors_InProcessForQuestions(t *testing.T) {
	l := open(t)
	declared := strings.Replace(lab.Declaration, "firewall:\n", "firewall:\n  enforce: process\n", 1)
	declared = strings.Replace(declared, "{ allow: [tcp/53, udp/53], from: [anywhere] }", "{ allow: [tcp/53, udp/53], from: [198.18.1.0/24, '2001:db8:5:1::/64'] }", 1)
	serve(t, l.Machine(lab.DNS), declared)
	for _, a := range l.Machine(lab.DNS).Addresses {
		for _, transport := range []string{"+notcp", "+tcp"} {
			ask := []string{"@" + a.String(), transport, "+norecurse", "+short", "+time=1", "+tries=1", lab.Site, "A"}
			if text := run(t, l.Machine(lab.Client), 0, "dig", ask...); text != "198.18.0.80\n" {
				t.Errorf("the client, %s to %s: %q", transport, a, text)
			}
			run(t, l.Machine(lab.Stranger), 9, "dig", ask...) // no answer
		}
	}
}

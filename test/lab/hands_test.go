package lab_test

import (
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// rules lists all of a machine's nftables but our own table, counters included.
func rules(t testing.TB, m *lab.Machine) string {
	t.Helper()
	text := run(t, m, 0, "nft", "list", "ruleset")
	start := strings.Index(text, "table inet roundtrip {")
	if start < 0 {
		return text
	}
	end := strings.Index(text[start:], "\n}\n")
	if end < 0 {
		t.Fatalf("our table has no end:\n%s", text)
	}
	return text[:start] + text[start+end+3:]
}

var counted = regexp.MustCompile(`packets \d+ bytes \d+`)

// uncounted lists all of a machine's nftables, without what the counters have counted.
func uncounted(t testing.TB, m *lab.Machine) string {
	t.Helper()
	return counted.ReplaceAllString(run(t, m, 0, "nft", "list", "ruleset"), "")
}

// Tables of others are as before, whatever we do with ours.
func TestHands_TablesOfOthersStay(t *testing.T) {
	l := open(t)
	m := l.Machine(lab.DB)
	must(t, m.Declare(lab.Declaration))
	must(t, m.Echo(t.Context(), ":5432"))
	run(t, m, 0, "nft", `add table inet mine
add set inet mine friends { type ipv4_addr; flags interval; }
add element inet mine friends { 203.0.113.0/24, 198.51.100.7 }
add chain inet mine in { type filter hook input priority 10; policy accept; }
add rule inet mine in ip saddr @friends counter accept comment "friends of mine"
add table ip nat
add chain ip nat out { type nat hook postrouting priority 100; }
add rule ip nat out ip daddr 203.0.113.9 masquerade`)
	before := rules(t, m)
	to := netip.AddrPortFrom(m.IPv4(), 5432)

	run(t, m, 0, program(t), "firewall", "apply", "--yes", m.Folder)
	if got := rules(t, m); got != before {
		t.Errorf("apply changed tables of others:\n%s\nbefore:\n%s", got, before)
	}
	if reaches(t.Context(), l.Machine(lab.Client), to, false) || !reaches(t.Context(), l.Machine(lab.App1), to, true) {
		t.Error("the groups are not in force")
	}
	run(t, m, 0, program(t), "firewall", "off", m.Folder)
	if got := run(t, m, 0, "nft", "list", "ruleset"); got != before {
		t.Errorf("off left other rules than there were before:\n%s\nbefore:\n%s", got, before)
	}
	if !reaches(t.Context(), l.Machine(lab.Client), to, true) {
		t.Error("the groups are still in force")
	}
}

// withoutOperators is the lab's declaration without the rule that lets the operator in.
func withoutOperators() string {
	return strings.ReplaceAll(lab.Declaration, ", operators]", "]")
}

// A change that would refuse the operator's own connection, if it came again, is refused with the rule to add.
func TestHands_TheOperatorIsNotLockedOut(t *testing.T) {
	l := open(t)
	m := l.Machine(lab.DB)
	must(t, m.Echo(t.Context(), ":22"))
	at := netip.AddrPortFrom(m.IPv4(), 22)
	session, err := l.Machine(lab.Operator).Dial(t.Context(), "tcp", at.String())
	must(t, err)
	defer session.Close()
	must(t, m.Declare(lab.Declaration))
	run(t, m, 0, program(t), "firewall", "apply", "--yes", m.Folder)
	before := uncounted(t, m)

	must(t, m.Declare(withoutOperators()))
	text := run(t, m, 1, program(t), "firewall", "apply", "--yes", m.Folder)
	has(t, "the refusal", text, "198.18.0.9", "allow: tcp/22")
	if after := uncounted(t, m); after != before {
		t.Errorf("what was refused changed something:\n%s\nbefore:\n%s", after, before)
	}
	if !reaches(t.Context(), l.Machine(lab.Operator), at, true) {
		t.Error("the operator is locked out")
	}
	if _, err := session.Write([]byte("here")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(session, make([]byte, 4)); err != nil {
		t.Errorf("the operator's connection is gone: %v", err)
	}
}

// A change that nobody confirms is taken back.
func TestHands_WhatNobodyConfirmsIsTakenBack(t *testing.T) {
	l := open(t)
	m, client := l.Machine(lab.DB), l.Machine(lab.Client)
	must(t, m.Echo(t.Context(), ":5432"))
	to := netip.AddrPortFrom(m.IPv4(), 5432)
	must(t, m.Declare(lab.Declaration))
	run(t, m, 0, program(t), "firewall", "apply", "--yes", m.Folder)
	before := uncounted(t, m)

	open := strings.Replace(lab.Declaration, "from: ['group:app']", "from: [anywhere]", 1)
	must(t, m.Declare(strings.Replace(open, "firewall:\n", "firewall:\n  rollback: 10s\n", 1)))
	apply, err := m.Start(program(t), "firewall", "apply", m.Folder)
	must(t, err)
	if !reaches(t.Context(), client, to, true) {
		t.Fatal("the change is not in force: " + apply.Log())
	}
	await(t, "the change is taken back", func() bool { return uncounted(t, m) == before })
	if reaches(t.Context(), client, to, false) {
		t.Error("the change is still in force")
	}
	t.Log(apply.Log())
}

// A server that is killed opens nothing: its groups stay in force, and the next one goes on with them.
func TestHands_AKilledServerOpensNothing(t *testing.T) {
	l := open(t)
	_, server := up(t, l)
	edge := l.Machine(lab.Edge)
	must(t, edge.Echo(t.Context(), ":7"))
	to := netip.AddrPortFrom(edge.IPv4(), 7)
	server.Kill()
	if reaches(t.Context(), l.Machine(lab.Client), to, false) {
		t.Error("without the server a port can be reached that no rule allows")
	}
	before := uncounted(t, edge)
	again, err := edge.Serve(t.Context(), program(t))
	must(t, err)
	t.Cleanup(func() { stop(t, again) })
	if err := ask(browser(t, l, lab.Client)); err != nil {
		t.Error(err)
	}
	if after := uncounted(t, edge); after != before {
		t.Errorf("the next server changed the rules:\n%s\nbefore:\n%s", after, before)
	}
}

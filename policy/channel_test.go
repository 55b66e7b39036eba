package policy_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

func TestChannel_RulesAreCheckedAtLoad(t *testing.T) {
	t.Parallel()
	g := newGallery()
	rule := func(s string) roundtrip.Rule {
		return roundtrip.Rule{Source: s, Pos: roundtrip.Pos{File: "x", Line: 1, Column: 1}}
	}
	g.schema.Channels = []*roundtrip.Broadcast{
		{Name: "photo", Of: g.photos, Send: rule("record.captoin == 'x'")},
		{Name: "lobby", Join: rule("record.id != null")},
		{Name: "chat", Join: rule("auth.id != nul")},
	}
	_, err := policy.New(g.schema, make([]byte, 32))
	wrong, ok := errors.AsType[*policy.RuleErrors](err)
	if !ok || len(wrong.List) != 3 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{"captoin", "without of:", "nul"} {
		if !strings.Contains(wrong.List[i].Message, want) {
			t.Errorf("mistake %d: %s", i, wrong.List[i].Message)
		}
	}
}

func TestChannel_WhoMayJoinAndSend(t *testing.T) {
	t.Parallel()
	g := newGallery()
	g.schema.Roles = append(g.schema.Roles, "staff")
	rule := func(s string) roundtrip.Rule { return roundtrip.Rule{Source: s} }
	g.schema.Channels = []*roundtrip.Broadcast{
		{Name: "photo", Of: g.photos, Send: rule("auth.id == record.author")},
		{Name: "lobby", Join: rule("auth.id != null")},
		{Name: "staff", Join: rule(`"staff" in auth.roles`), Send: rule("true")},
	}
	e, err := policy.New(g.schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	stranger, ana := &roundtrip.Principal{}, &roundtrip.Principal{ID: 1, Roles: []string{"staff"}}
	for _, c := range []struct {
		name   string
		send   bool
		who    *roundtrip.Principal
		reason string
		record bool
	}{
		{"photo", false, stranger, "", true},
		{"photo", true, stranger, "auth.missing", false},
		{"photo", true, ana, "", true},
		{"lobby", false, stranger, "auth.missing", false},
		{"lobby", false, ana, "", false},
		{"lobby", true, ana, "access.no_rule", false},
		{"staff", false, &roundtrip.Principal{ID: 2}, "access.rule_denied", false},
		{"staff", false, ana, "", false},
		{"staff", true, stranger, "", false},
		{"none", false, ana, "request.unknown_path", false},
	} {
		_, p, err := e.Channel(c.name, 7, c.send, c.who, time.Unix(0, 0), netip.Addr{})
		reason := ""
		if err != nil {
			reason = roundtrip.AsError(err).Reason
		}
		if reason != c.reason || (p != nil) != c.record {
			t.Errorf("%s, send %v, account %d: reason %q, permit %v", c.name, c.send, c.who.ID, reason, p)
		}
	}
}

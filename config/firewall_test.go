package config_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

func TestFirewall_IsReadAsDeclared(t *testing.T) {
	t.Parallel()
	const source = `name: app
firewall:
  enforce: process
  groups:
    web:
      - { allow: [tcp/80, 'tcp/8000-8010', icmp/3/4, icmpv6, protocol/47], from: [anywhere, 2001:db8::/32, ::1, list:office], note: the shop }
      - { allow: all, to: group:database }
    database:
      - allow: none
        to: anywhere
    nobody:
  attach: { edge: [web], db: [database] }
  machines: { edge: [203.0.113.10, 2001:db8::10] }
  lists: { office: testdata/lists/good.txt }
  rollback: off
  marks: { mask: 0xff0000 }
  drops: { rate: 50 }
`
	c, err := config.Parse("roundtrip.yaml", []byte(source), environment)
	if err != nil {
		t.Fatal(err)
	}
	all := int16(-1)
	want := &config.Firewall{
		Enforce: config.EnforceProcess,
		Groups: []config.SecurityGroup{
			{Name: "web", Rules: []config.GroupRule{
				{Number: 1, Note: "the shop", Allow: []config.Traffic{
					{Text: "tcp/80", Protocol: 6, First: 80, Last: 80, Type: all, Code: all},
					{Text: "tcp/8000-8010", Protocol: 6, First: 8000, Last: 8010, Type: all, Code: all},
					{Text: "icmp/3/4", Protocol: 1, Type: 3, Code: 4},
					{Text: "icmpv6", Protocol: 58, Type: all, Code: all},
					{Text: "protocol/47", Protocol: 47, Type: all, Code: all},
				}, Peers: []config.Peer{
					{Kind: config.Anywhere},
					{Kind: config.Network, Prefix: netip.MustParsePrefix("2001:db8::/32")},
					{Kind: config.Network, Prefix: netip.MustParsePrefix("::1/128")},
					{Kind: config.PrefixRef, Name: "office"},
				}},
				{Number: 2, Out: true, Allow: []config.Traffic{{Text: "all", All: true, Type: all, Code: all}}, Peers: []config.Peer{{Kind: config.GroupRef, Name: "database"}}},
			}},
			{Name: "database", Rules: []config.GroupRule{{Number: 1, Out: true, Peers: []config.Peer{{Kind: config.Anywhere}}}}},
			{Name: "nobody"},
		},
		Attach:   []config.Attachment{{Role: "edge", Groups: []config.Name{{Text: "web"}}}, {Role: "db", Groups: []config.Name{{Text: "database"}}}},
		Machines: []config.Machine{{Role: "edge", Addresses: []config.Address{{Addr: netip.MustParseAddr("203.0.113.10")}, {Addr: netip.MustParseAddr("2001:db8::10")}}}},
		Lists:    []config.PrefixList{{Name: "office", Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("198.51.101.7/32")}}},
		Marks:    config.Marks{Mask: 0xff0000}, Drops: config.DropLog{Rate: 50},
	}
	if diff := cmp.Diff(want, c.Firewall, cmpopts.IgnoreTypes(roundtrip.Pos{}), cmpopts.IgnoreFields(config.PrefixList{}, "File"),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
	if got := c.Beside(); len(got) != 1 || got[0] != c.Firewall.Lists[0].File {
		t.Errorf("the files are %q", got)
	}
}

func TestFirewall_HasItsDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("roundtrip.yaml", []byte("name: app\nfirewall: { groups: { web: [{ allow: tcp/443, from: anywhere }] }, attach: { edge: [web] } }\n"), environment)
	if err != nil {
		t.Fatal(err)
	}
	if f := c.Firewall; f.Enforce != config.EnforceAuto || f.Rollback != time.Minute || f.Marks.Mask != 0 || f.Drops.Off || f.Drops.Rate != 1000 {
		t.Errorf("got %+v", f)
	}
	if c, err = config.Parse("roundtrip.yaml", []byte("name: app\n"), environment); err != nil || c.Firewall != nil {
		t.Errorf("without a firewall there is %v, %v", c.Firewall, err)
	}
}

// Every text that is taken as traffic means the same when it is written out again.
func FuzzParseTraffic(f *testing.F) {
	for _, seed := range []string{"tcp/80", "tcp/8000-8010", "icmp/3/4", "icmpv6", "protocol/47", "all", "80/tcp", "tcp:80", "a/b", "b/a/b", "tpc/443", "-1", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := config.ParseTraffic(s)
		if err != nil {
			return
		}
		if got.Text != s || got.First > got.Last || got.Type < -1 || got.Type > 255 || got.Code < -1 || got.Code > 255 || got.Code >= 0 && got.Type < 0 {
			t.Errorf("%q is %+v", s, got)
		}
	})
}

package firewall_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// portRules is the policy of a machine with a group web, in which each rule allows one port from anywhere.
func portRules(t *testing.T, ports ...uint16) *firewall.Policy {
	t.Helper()
	g := config.SecurityGroup{Name: "web"}
	for i, port := range ports {
		g.Rules = append(g.Rules, config.GroupRule{
			Number: i + 1, Peers: []config.Peer{{Kind: config.Anywhere}},
			Allow: []config.Traffic{{Text: fmt.Sprintf("tcp/%d", port), Protocol: firewall.TCP, First: port, Last: port}},
		})
	}
	p, mistakes := firewall.Compile(&config.Firewall{
		Groups: []config.SecurityGroup{g}, Attach: []config.Attachment{{Role: "edge", Groups: []config.Name{{Text: "web"}}}},
	}, firewall.Who{Every: true})
	if p == nil {
		t.Fatal(mistakes)
	}
	return p
}

func TestStamps_StayWithWhatARuleSays(t *testing.T) {
	t.Parallel()
	const mask = 0xff0000
	var s firewall.Stamps
	if st, ok := s.Of(0x010000); ok {
		t.Errorf("before the first policy a mark names %+v", st)
	}
	before := portRules(t, 80, 443, 8080)
	if err := s.Enter(before, mask); err != nil {
		t.Fatal(err)
	}
	marks := map[uint16]uint32{}
	for i, port := range []uint16{80, 443, 8080} {
		marks[port] = firewall.Mark(s.Number(before.Rules()[i]), mask)
	}
	after := portRules(t, 22, 443, 8080) // 443 is web rule 2 still, 80 has gone
	if err := s.Enter(after, mask); err != nil {
		t.Fatal(err)
	}
	for port, want := range map[uint16]string{80: "web rule 1", 443: "web rule 2", 8080: "web rule 3"} {
		st, ok := s.Of(marks[port] | 0xff)
		if !ok || st.Name != want || (st.Rule == nil) != (port == 80) || !strings.Contains(st.Key, fmt.Sprintf("tcp/%d ", port)) {
			t.Errorf("the mark of port %d names %+v, %t", port, st, ok)
		}
	}
	if n := s.Number(after.Rules()[0]); n == 0 || firewall.Mark(n, mask) == marks[80] {
		t.Errorf("the new rule has number %d, which a flow of the old one may still carry", n)
	}
	b, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	var again firewall.Stamps
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if err := again.Enter(after, mask); err != nil {
		t.Fatal(err)
	}
	if st, ok := again.Of(marks[8080]); !ok || st.Rule != after.Rules()[2] {
		t.Errorf("after a new start the mark names %+v, %t", st, ok)
	}
	if err := s.Enter(after, 0xff00); err != nil {
		t.Fatal(err)
	}
	if st, ok := s.Of(marks[443]); ok {
		t.Errorf("a mark in other bits names %+v", st)
	}
}

func TestStamps_GiveOutTheLongestGoneLast(t *testing.T) {
	t.Parallel()
	const mask = 3 << 20 // room for three
	var s firewall.Stamps
	if err := s.Enter(portRules(t, 1, 2, 3, 4), mask); err == nil {
		t.Error("four rules have room in two bits")
	}
	number := func(ports ...uint16) uint16 {
		p := portRules(t, ports...)
		if err := s.Enter(p, mask); err != nil {
			t.Fatal(err)
		}
		return s.Number(p.Rules()[len(ports)-1])
	}
	first, second := number(1), number(2)
	third := number(3)
	if first != 1 || second != 2 || third != 3 {
		t.Errorf("numbers %d, %d, %d", first, second, third)
	}
	if again := number(1); again != first {
		t.Errorf("the rule came back and has %d", again)
	}
	if fourth := number(1, 4); fourth != second {
		t.Errorf("the fourth rule has %d, not the number of the one that has been gone for longest, %d", fourth, second)
	}
}

func TestStamps_RefuseABrokenFile(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`{`, `{"mask":16711680,"rules":[{"number":2,"key":"web allows tcp/80 from anywhere"}]}`, `{"mask":0,"rules":[{"number":1,"key":"x"}]}`,
	} {
		var s firewall.Stamps
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

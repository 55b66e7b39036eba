package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// awsBytesMax bounds what is read of an answer of AWS.
const awsBytesMax = 64 << 20

// FromAWS reads the answer of aws ec2 describe-security-groups and writes a firewall: block. What it can't say stands in it as
// a comment, and among the losses.
func FromAWS(w io.Writer, r io.Reader) ([]Loss, error) {
	source, err := io.ReadAll(io.LimitReader(r, awsBytesMax+1))
	if err != nil {
		return nil, err
	}
	var in groupsJSON
	if len(source) > awsBytesMax {
		err = fmt.Errorf("it is longer than %d MiB", awsBytesMax>>20)
	} else {
		err = json.Unmarshal(source, &in)
	}
	if err != nil || len(in.SecurityGroups) == 0 {
		e := roundtrip.E(roundtrip.Invalid, "command.invalid", "this is no answer of aws ec2 describe-security-groups: expected JSON with SecurityGroups")
		e.Err = err
		return nil, e
	}
	m := &awsImport{groups: in.SecurityGroups, names: map[string]string{}}
	m.name()
	m.write()
	_, err = w.Write(m.b.Bytes())
	return m.losses, err
}

type awsImport struct {
	groups  []groupJSON
	names   map[string]string // ours, by id and by name of AWS
	taken   []string
	strange []string // groups that are referred to and not described
	b       bytes.Buffer
	losses  []Loss
}

// name gives each group a name of ours.
func (m *awsImport) name() {
	for i := range m.groups {
		g := &m.groups[i]
		name := m.free(g.GroupName)
		for _, key := range []string{g.GroupID, g.GroupName} {
			if _, known := m.names[key]; key != "" && !known {
				m.names[key] = name
			}
		}
		g.GroupName = name
	}
}

// free makes a name of a group of a text, which no other one has.
func (m *awsImport) free(text string) string {
	const most = 50
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, strings.TrimPrefix(text, "sg-"))
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.Trim(name[:min(len(name), most)], "-")
	if name == "" || name[0] < 'a' || strings.HasPrefix(name, "sg-") {
		name = strings.Trim("group-"+name, "-")
	}
	base := name
	for n := 2; slices.Contains(m.taken, name); n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	m.taken = append(m.taken, name)
	return name
}

func (m *awsImport) lose(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.losses = append(m.losses, Loss{Text: text})
	fmt.Fprintf(&m.b, "      # %s\n", strings.ReplaceAll(text, "\n", " "))
}

func (m *awsImport) write() {
	m.b.WriteString("# Made by roundtrip import aws-json.\nfirewall:\n  groups:\n")
	for i := range m.groups {
		g := &m.groups[i]
		fmt.Fprintf(&m.b, "    %s:\n", g.GroupName)
		for k := range g.IPPermissions {
			m.permission(g, &g.IPPermissions[k], "from")
		}
		if m.freeOut(g) {
			continue
		}
		written := 0
		for k := range g.IPPermissionsEgress {
			written += m.permission(g, &g.IPPermissionsEgress[k], "to")
		}
		if written == 0 {
			m.b.WriteString("      - { allow: none, to: [anywhere] }\n")
		}
	}
	for _, name := range m.strange {
		fmt.Fprintf(&m.b, "    %s: # is referred to, and was not in the answer: it is empty here\n", name)
	}
	m.b.WriteString("  attach: # which machines have which groups is not in the answer: here each group has a role of its name\n")
	for i := range m.groups {
		fmt.Fprintf(&m.b, "    %s: [%[1]s]\n", m.groups[i].GroupName)
	}
}

// freeOut reports whether a group lets everything leave, as ours do without a rule.
func (m *awsImport) freeOut(g *groupJSON) bool {
	v4, v6 := false, false
	for i := range g.IPPermissionsEgress {
		p := &g.IPPermissionsEgress[i]
		if p.IPProtocol != "-1" {
			continue
		}
		v4 = v4 || slices.ContainsFunc(p.IPRanges, func(r rangeJSON) bool { return r.CidrIP == "0.0.0.0/0" })
		v6 = v6 || slices.ContainsFunc(p.IPv6Ranges, func(r rangeJSON) bool { return r.CidrIPv6 == "::/0" })
	}
	return v4 && v6
}

// permission writes the rules of one permission, a rule for all ends that have the same note, and returns how many.
func (m *awsImport) permission(g *groupJSON, p *permissionJSON, key string) int {
	traffic, err := ourTraffic(p)
	if err != nil {
		m.lose("a rule of %s is left out: %v", g.GroupName, err)
		return 0
	}
	var notes []string
	peers := map[string][]string{}
	add := func(note, peer string) {
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
		if !slices.Contains(peers[note], peer) {
			peers[note] = append(peers[note], peer)
		}
	}
	for _, r := range slices.Concat(p.IPRanges, p.IPv6Ranges) {
		n, err := netip.ParsePrefix(r.CidrIP + r.CidrIPv6)
		if err != nil {
			m.lose("%s of a rule of %s is left out: it is no network", oneLine(r.CidrIP+r.CidrIPv6), g.GroupName)
			continue
		}
		if t, err := config.ParseTraffic(traffic); err == nil && !fits(&t, n) {
			continue // icmpv6 over IPv4, which never was
		}
		add(r.Description, "'"+n.Masked().String()+"'")
	}
	for _, r := range p.UserIDGroupPairs {
		add(r.Description, "'group:"+m.known(r)+"'")
	}
	for _, r := range p.PrefixListIDs {
		m.lose("prefix list %s of a rule of %s is left out: put its networks into a file, declare it under lists:, and add { allow: %s, %s: [list:NAME] }",
			oneLine(r.PrefixListID), g.GroupName, traffic, key)
	}
	for _, note := range notes {
		fmt.Fprintf(&m.b, "      - { allow: %s, %s: [%s]", traffic, key, strings.Join(anywhere(peers[note]), ", "))
		if text := strings.TrimSpace(oneLine(note)); text != "" {
			fmt.Fprintf(&m.b, ", note: '%s'", strings.ReplaceAll(text, "'", "''"))
		}
		m.b.WriteString(" }\n")
	}
	return len(notes)
}

// known returns our name of a group that is referred to.
func (m *awsImport) known(r rangeJSON) string {
	for _, key := range []string{r.GroupID, r.GroupName} {
		if name := m.names[key]; key != "" && name != "" {
			return name
		}
	}
	key := r.GroupID
	if key == "" {
		key = r.GroupName
	}
	name := m.free("other-" + strings.TrimPrefix(key, "sg-"))
	m.names[key] = name
	m.strange = append(m.strange, name)
	m.losses = append(m.losses, Loss{Text: fmt.Sprintf("group %s is referred to and was not described: %s is empty and matches nobody", oneLine(key), name)})
	return name
}

// anywhere writes both families as one word.
func anywhere(peers []string) []string {
	const v4, v6 = "'0.0.0.0/0'", "'::/0'"
	if !slices.Contains(peers, v4) || !slices.Contains(peers, v6) {
		return peers
	}
	rest := slices.DeleteFunc(slices.Clone(peers), func(p string) bool { return p == v4 || p == v6 })
	return append([]string{"anywhere"}, rest...)
}

// oneLine keeps of a text what can stand in a line of the declaration.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}

// ourTraffic is the traffic of a permission in our words.
func ourTraffic(p *permissionJSON) (string, error) {
	protocol := strings.ToLower(p.IPProtocol)
	for _, n := range []uint8{firewall.TCP, firewall.UDP, firewall.ICMP, firewall.ICMPv6} {
		if protocol == strconv.Itoa(int(n)) {
			protocol = firewall.ProtocolName(n)
		}
	}
	from, to := -1, -1
	if p.FromPort != nil {
		from = *p.FromPort
	}
	if p.ToPort != nil {
		to = *p.ToPort
	}
	text := "protocol/" + protocol
	switch protocol {
	case "-1":
		text = "all"
	case "tcp", "udp":
		switch {
		case from == -1 && to == -1:
			from, to = 0, 0xffff
			fallthrough
		case from != to:
			text = fmt.Sprintf("%s/%d-%d", protocol, from, to)
		default:
			text = fmt.Sprintf("%s/%d", protocol, from)
		}
	case "icmp", "icmpv6":
		switch {
		case from == -1:
			text = protocol
		case to == -1:
			text = fmt.Sprintf("%s/%d", protocol, from)
		default:
			text = fmt.Sprintf("%s/%d/%d", protocol, from, to)
		}
	case strconv.Itoa(int(firewall.SCTP)):
		text = "sctp/0-65535"
	}
	if _, err := config.ParseTraffic(text); err != nil {
		return "", fmt.Errorf("%s %w", oneLine(text), err)
	}
	return text, nil
}

package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// The protocols that rules know by a name (IANA protocol numbers).
const (
	protocolICMP   = 1
	protocolTCP    = 6
	protocolUDP    = 17
	protocolICMPv6 = 58
	protocolSCTP   = 132
)

// trafficWords says what a kind of traffic looks like.
const trafficWords = "tcp/443, tcp/8000-8010, udp/53, icmp, icmp/8, icmpv6/128, protocol/47 or all"

// ParseTraffic reads one kind of traffic as rules have it: tcp/443, udp/8000-8010, icmp/8, icmp/3/4, protocol/47, all. The
// error completes the text: "80/tcp" is the wrong way round; expected tcp/80.
func ParseTraffic(s string) (Traffic, error) {
	t, known, err := readTraffic(s)
	if !known {
		err = strangeTraffic(s)
	}
	return t, err
}

// readTraffic is ParseTraffic; known is false where no protocol of ours begins the text.
func readTraffic(s string) (t Traffic, known bool, err error) {
	t = Traffic{Text: s, Type: -1, Code: -1}
	word, rest, given := strings.Cut(s, "/")
	switch word {
	case "all":
		if given {
			return t, true, mistake("is all ports of all protocols already; expected all")
		}
		t.All = true
		return t, true, nil
	case "tcp", "udp", "sctp":
		t.Protocol = map[string]uint8{"tcp": protocolTCP, "udp": protocolUDP, "sctp": protocolSCTP}[word]
		err = t.ports(word, rest, given)
	case "icmp", "icmpv6":
		if t.Protocol = protocolICMP; word == "icmpv6" {
			t.Protocol = protocolICMPv6
		}
		err = t.types(word, rest, given)
	case "protocol":
		err = t.number(rest)
	default:
		return t, false, nil
	}
	return t, true, err
}

// ports reads what follows tcp/.
func (t *Traffic) ports(word, rest string, given bool) error {
	if !given || rest == "" || rest == "*" || rest == "all" || rest == "any" {
		return mistake("needs its ports; expected such as " + word + "/443, or " + word + "/0-65535 for all of them")
	}
	low, high, isRange := strings.Cut(rest, "-")
	if !isRange {
		high = low
	}
	first, ok1 := smallNumber(low, 0xffff)
	last, ok2 := smallNumber(high, 0xffff)
	switch {
	case !ok1 || !ok2:
		return mistake("has no good port; expected a number from 1 to 65535, or a range such as " + word + "/8000-8010")
	case first > last:
		return mistake("is a range that ends before it begins; expected " + word + "/" + high + "-" + low)
	case last == 0:
		return mistake("is nobody's port; expected a number from 1 to 65535")
	}
	t.First, t.Last = uint16(first), uint16(last)
	return nil
}

// types reads what follows icmp/.
func (t *Traffic) types(word, rest string, given bool) error {
	if !given {
		return nil
	}
	kind, code, hasCode := strings.Cut(rest, "/")
	n, ok := smallNumber(kind, 0xff)
	if !ok {
		return mistake("has no good type; expected a number from 0 to 255, such as " + word + "/" + echo(word) + " for a ping, or " + word + " alone for all types")
	}
	t.Type = int16(n)
	if !hasCode {
		return nil
	}
	if n, ok = smallNumber(code, 0xff); !ok {
		return mistake("has no good code; expected a number from 0 to 255 behind the type, or the type alone for all codes")
	}
	t.Code = int16(n)
	return nil
}

// echo is the type of a ping.
func echo(word string) string {
	if word == "icmpv6" {
		return "128"
	}
	return "8"
}

// number reads what follows protocol/.
func (t *Traffic) number(rest string) error {
	n, ok := smallNumber(rest, 0xff)
	if !ok {
		return mistake("has no good number; expected one from 0 to 255, such as protocol/47")
	}
	named := map[int]string{protocolTCP: "tcp/ and its ports", protocolUDP: "udp/ and its ports", protocolSCTP: "sctp/ and its ports", protocolICMP: "icmp", protocolICMPv6: "icmpv6"}
	if name := named[n]; name != "" {
		return mistake("has a name; expected " + name)
	}
	t.Protocol = uint8(n)
	return nil
}

// smallNumber reads a whole number without signs and leading zeros.
func smallNumber(s string, most int) (int, bool) {
	if s == "" || len(s) > 5 || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= most
}

// strangeTraffic says what somebody may have meant by words that other firewalls have.
func strangeTraffic(s string) error {
	small := strings.ToLower(s)
	known := map[string]string{
		"http": "tcp/80", "https": "tcp/443", "ssh": "tcp/22", "dns": "udp/53 and tcp/53", "ping": "icmp/8 and icmpv6/128", "postgres": "tcp/5432", "postgresql": "tcp/5432",
		"any": "all", "*": "all", "-1": "all", "icmp6": "icmpv6", "ipv6-icmp": "icmpv6", "gre": "protocol/47", "esp": "protocol/50",
	}
	if ours := known[small]; ours != "" {
		return mistake("is no kind of traffic; expected " + ours)
	}
	for _, sep := range []string{"/", ":"} {
		if a, b, ok := strings.Cut(small, sep); ok {
			for _, turned := range []string{a + "/" + b, b + "/" + a} {
				if t, known, err := readTraffic(turned); known && err == nil {
					return mistake("is no kind of traffic; expected " + t.Text)
				}
			}
		}
	}
	if _, ok := smallNumber(small, 0xffff); ok {
		return mistake("is a port without its protocol; expected tcp/" + small + " or udp/" + small)
	}
	word, rest, _ := strings.Cut(small, "/")
	names := []string{"tcp", "udp", "sctp", "icmp", "icmpv6", "protocol", "all"}
	if near := nearest.Of(word, names); near != "" {
		return mistake("is no kind of traffic; expected " + strings.TrimSuffix(near+"/"+rest, "/"))
	}
	if slices.Contains(names, small) {
		return mistake("is no kind of traffic; expected " + small)
	}
	return mistake("is no kind of traffic; expected " + trafficWords)
}

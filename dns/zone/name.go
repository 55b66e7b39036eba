package zone

import (
	"bytes"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// A wire name is a name as on the wire: labels with their lengths, the root's empty one last (RFC 1035 section 3.1). Names of
// zones are in small letters.

// wireName packs a name of a zone file. It reports false for what is no name.
func wireName(text string) ([]byte, bool) {
	var buf [message.NameMax + 1]byte
	n, err := dns.PackDomainName(dns.Fqdn(text), buf[:], 0, nil, false)
	if err != nil || n > message.NameMax {
		return nil, false
	}
	return bytes.Clone(buf[:n]), true
}

// text returns a wire name as in a zone file, with a dot at its end.
func text(wire []byte) string {
	s, _, err := dns.UnpackDomainName(wire, 0)
	if err != nil {
		return "?" // cannot be: it was packed here
	}
	return s
}

// plain returns a wire name as people write it, without a dot at its end.
func plain(wire []byte) string {
	if len(wire) == 1 {
		return "."
	}
	return strings.TrimSuffix(text(wire), ".")
}

// lower makes the letters of a wire name small, in place. Lengths of labels are below any letter.
func lower(wire []byte) {
	for i, c := range wire {
		if 'A' <= c && c <= 'Z' {
			wire[i] = c + 'a' - 'A'
		}
	}
}

// labels counts the labels of a wire name, the root's not.
func labels(wire []byte) int {
	n := 0
	for i := 0; wire[i] != 0; i += int(wire[i]) + 1 {
		n++
	}
	return n
}

// starts fills in where each label of a wire name begins, the root's not.
func starts(wire, at []byte) (n int) {
	for i := 0; wire[i] != 0; i += int(wire[i]) + 1 {
		at[n] = uint8(i)
		n++
	}
	return n
}

// parent returns the wire name without its leftmost label.
func parent(wire []byte) []byte { return wire[int(wire[0])+1:] }

// within reports whether a wire name is the zone or lies below it. Both are in small letters.
func within(wire, zone []byte) bool {
	for len(wire) > len(zone) {
		wire = parent(wire)
	}
	return bytes.Equal(wire, zone)
}

// isWild reports whether the leftmost label is a *.
func isWild(wire []byte) bool { return wire[0] == 1 && wire[1] == '*' }

// appendOrder appends a key by which names sort in canonical order (RFC 4034 section 6.1) when keys are compared as bytes.
// The key of a name is the beginning of the keys of all names below it.
func appendOrder(b, wire []byte) []byte {
	var at [message.LabelsMax]uint8
	for i := starts(wire, at[:]) - 1; i >= 0; i-- {
		start := int(at[i])
		for _, c := range wire[start+1 : start+1+int(wire[start])] {
			if c <= 1 { // 0 ends a label
				b = append(b, 1)
				c++
			}
			b = append(b, c)
		}
		b = append(b, 0)
	}
	return b
}

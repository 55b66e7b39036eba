package wire_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// binaryHeader makes a version 2 header.
func binaryHeader(versionCommand, family byte, body string) string {
	b := []byte("\r\n\r\n\x00\r\nQUIT\n")
	b = append(b, versionCommand, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return string(b) + body
}

// summed makes a version 2 header with its checksum, which is off by wrong.
func summed(body string, wrong uint32) string {
	h := []byte(binaryHeader(0x21, 0x11, body+"\x03\x00\x04\x00\x00\x00\x00"))
	binary.BigEndian.PutUint32(h[len(h)-4:], crc32.Checksum(h, crc32.MakeTable(crc32.Castagnoli))+wrong)
	return string(h)
}

const (
	v4 = "\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x34\x01\xbb"
	v6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x34\x01\xbb"
)

func TestProxyHeader_ReadsBothVersionsAndNotOneByteMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ header, from string }{
		"line IPv4":         {"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n", "203.0.113.9:4660"},
		"line IPv6":         {"PROXY TCP6 2001:db8::9 2001:db8::1 4660 443\r\n", "[2001:db8::9]:4660"},
		"line unknown":      {"PROXY UNKNOWN\r\n", "invalid AddrPort"},
		"line unknown more": {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "invalid AddrPort"},
		"the longest line":  {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 " + strings.Repeat("5", 53) + "\r\n", "invalid AddrPort"},
		"IPv4":              {binaryHeader(0x21, 0x11, v4), "203.0.113.9:4660"},
		"IPv6":              {binaryHeader(0x21, 0x21, v6), "[2001:db8::9]:4660"},
		"IPv4 in IPv6":      {binaryHeader(0x21, 0x21, strings.Repeat("\x00", 10)+"\xff\xff\xcb\x00\x71\x09"+v6[16:]), "203.0.113.9:4660"},
		"local":             {binaryHeader(0x20, 0x00, ""), "invalid AddrPort"},
		"local with more":   {binaryHeader(0x20, 0x11, v4), "invalid AddrPort"},
		"unspecified":       {binaryHeader(0x21, 0x00, "anything"), "invalid AddrPort"},
		"Unix socket":       {binaryHeader(0x21, 0x31, strings.Repeat("\x00", 216)), "invalid AddrPort"},
		"values":            {binaryHeader(0x21, 0x11, v4+"\x04\x00\x03abc\xee\x00\x00"), "203.0.113.9:4660"},
		"checksum":          {summed(v4, 0), "203.0.113.9:4660"},
		"values, checksum":  {summed(v4+"\x02\x00\x03abc", 0), "203.0.113.9:4660"},
	} {
		for way, r := range map[string]io.Reader{
			"at once": strings.NewReader(c.header + "GET /"), "byte by byte": iotest.OneByteReader(strings.NewReader(c.header + "GET /")),
		} {
			from, err := wire.ReadProxyHeader(r)
			if err != nil || from.String() != c.from {
				t.Errorf("%s, %s: %v, %v", name, way, from, err)
			}
			if rest, _ := io.ReadAll(r); string(rest) != "GET /" {
				t.Errorf("%s, %s: %q is left", name, way, rest)
			}
		}
	}
}

func TestProxyHeader_RefusesWhatIsNotOne(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"nothing":             "",
		"a request":           "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"TLS":                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 20),
		"half a line":         "PROXY TCP4 203.0.113.9",
		"small letters":       "proxy TCP4 203.0.113.9 10.0.0.1 4660 443\r\n",
		"bare LF":             "PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\n",
		"bare LF early":       "PROXY UNKNOWN\nGET / HTTP/1.1\r\n",
		"bare CR":             "PROXY UNKNOWN\rGET /\r\n",
		"too long a line":     "PROXY UNKNOWN " + strings.Repeat("5", 92) + "\r\n",
		"two spaces":          "PROXY  TCP4 203.0.113.9 10.0.0.1 4660 443\r\n",
		"UDP":                 "PROXY UDP4 203.0.113.9 10.0.0.1 4660 443\r\n",
		"wrong family":        "PROXY TCP4 2001:db8::9 2001:db8::1 4660 443\r\n",
		"wrong destination":   "PROXY TCP4 203.0.113.9 x 4660 443\r\n",
		"zone":                "PROXY TCP6 fe80::1%1 2001:db8::1 4660 443\r\n",
		"port too large":      "PROXY TCP4 203.0.113.9 10.0.0.1 65536 443\r\n",
		"port with zero":      "PROXY TCP4 203.0.113.9 10.0.0.1 04660 443\r\n",
		"port with sign":      "PROXY TCP4 203.0.113.9 10.0.0.1 +4660 443\r\n",
		"no port":             "PROXY TCP4 203.0.113.9 10.0.0.1  443\r\n",
		"version 1 in binary": binaryHeader(0x11, 0x11, v4),
		"unknown command":     binaryHeader(0x22, 0x11, v4),
		"datagrams":           binaryHeader(0x21, 0x12, v4),
		"too few addresses":   binaryHeader(0x21, 0x11, v4[:11]),
		"too few of IPv6":     binaryHeader(0x21, 0x21, v4),
		"too few of Unix":     binaryHeader(0x21, 0x31, v6),
		"half":                binaryHeader(0x21, 0x11, v4)[:20],
		"half a value":        binaryHeader(0x21, 0x11, v4+"\x04\x00"),
		"value over the end":  binaryHeader(0x21, 0x11, v4+"\x04\x00\x09abc"),
		"wrong checksum":      summed(v4, 1),
		"short checksum":      binaryHeader(0x21, 0x11, v4+"\x03\x00\x02ab"),
		"too large":           binaryHeader(0x21, 0x11, v4+"\x04\x0f\xff"+strings.Repeat("x", 0xfff)),
	} {
		if from, err := wire.ReadProxyHeader(strings.NewReader(header)); err == nil {
			t.Errorf("%s: %v", name, from)
		}
	}
}

// FuzzProxyHeader checks that what is read does not depend on how it comes, and that no byte after it is taken.
func FuzzProxyHeader_ReadsTheSameInAnyPieces(f *testing.F) {
	for _, s := range []string{
		"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n", "PROXY UNKNOWN\r\n", "GET / HTTP/1.1\r\n\r\n",
		binaryHeader(0x21, 0x11, v4), binaryHeader(0x21, 0x21, v6), binaryHeader(0x20, 0, ""), summed(v4, 0),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, pieces := bytes.NewReader(b), bytes.NewReader(b)
		from, err := wire.ReadProxyHeader(whole)
		again, errAgain := wire.ReadProxyHeader(iotest.OneByteReader(pieces))
		if from != again || (err == nil) != (errAgain == nil) || whole.Len() != pieces.Len() {
			t.Fatalf("%v, %v, %d left; in pieces %v, %v, %d left", from, err, whole.Len(), again, errAgain, pieces.Len())
		}
		if read := len(b) - whole.Len(); read > 16+4<<10 {
			t.Fatalf("%d bytes were read", read)
		}
		if err == nil && from.IsValid() && (from.Addr().Zone() != "" || from.Addr().Is4In6()) {
			t.Fatalf("%v", from)
		}
	})
}

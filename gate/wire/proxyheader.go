package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// The PROXY protocol, versions 1 and 2, as HAProxy describes it (proxy-protocol.txt, 2020/03/05): what a proxy that does
// not look into a connection writes before its bytes, to say whose they are.

const (
	proxyLineMax = 107     // bytes of a version 1 line with its CRLF (section 2.1)
	proxyBodyMax = 4 << 10 // bytes of a version 2 header after its first 16: addresses and far more TLVs than are in use
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

var (
	errNoProxyHeader = errors.New("the connection of a trusted proxy does not begin with a PROXY header")
	castagnoli       = crc32.MakeTable(crc32.Castagnoli)
)

// readProxyHeader reads a PROXY header and not one byte more. The address is invalid where the proxy speaks for itself or
// does not know it (LOCAL, UNKNOWN, UNSPEC, a Unix socket): then the other end of the connection stands for the client.
func readProxyHeader(r io.Reader) (netip.AddrPort, error) {
	var first [15]byte // the shortest header: "PROXY UNKNOWN\r\n"
	if n, err := io.ReadFull(r, first[:]); err != nil {
		if n > 0 && !bytes.HasPrefix([]byte("PROXY "), first[:min(n, 6)]) && !bytes.HasPrefix(proxySignature, first[:min(n, 12)]) {
			err = errNoProxyHeader
		}
		return netip.AddrPort{}, err
	}
	switch {
	case bytes.HasPrefix(first[:], []byte("PROXY ")):
		return readProxyLine(r, first[:])
	case bytes.HasPrefix(first[:], proxySignature):
		return readProxyBinary(r, first[:])
	}
	return netip.AddrPort{}, errNoProxyHeader
}

// readProxyLine reads the rest of a version 1 line, byte by byte, since what follows it is not ours.
func readProxyLine(r io.Reader, begun []byte) (netip.AddrPort, error) {
	line := make([]byte, len(begun), proxyLineMax)
	copy(line, begun)
	for end := bytes.IndexByte(line, '\n'); end != len(line)-1; end = bytes.IndexByte(line, '\n') {
		if end >= 0 || len(line) == proxyLineMax {
			return netip.AddrPort{}, errors.New("the PROXY line does not end where it should")
		}
		line = line[:len(line)+1]
		if _, err := io.ReadFull(r, line[len(line)-1:]); err != nil {
			return netip.AddrPort{}, err
		}
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	words := strings.Split(text, " ")
	switch {
	case !ok || strings.ContainsAny(text, "\r\x00"):
		return netip.AddrPort{}, errors.New("the PROXY line does not end in CR LF")
	case words[1] == "UNKNOWN":
		return netip.AddrPort{}, nil
	case len(words) != 6 || (words[1] != "TCP4" && words[1] != "TCP6"):
		return netip.AddrPort{}, fmt.Errorf("the PROXY line %.107q is not one of TCP4, TCP6 or UNKNOWN", text)
	}
	from, err := proxyAddress(words[2], words[4], words[1] == "TCP4")
	if err == nil {
		_, err = proxyAddress(words[3], words[5], words[1] == "TCP4")
	}
	return from, err
}

func proxyAddress(addr, port string, v4 bool) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Is4() != v4 || a.Zone() != "" {
		return netip.AddrPort{}, fmt.Errorf("the PROXY line has the address %.64q", addr)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || (len(port) > 1 && port[0] == '0') || port[0] == '+' {
		return netip.AddrPort{}, fmt.Errorf("the PROXY line has the port %.64q", port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), nil
}

// readProxyBinary reads the rest of a version 2 header.
func readProxyBinary(r io.Reader, begun []byte) (netip.AddrPort, error) {
	head := make([]byte, 16, 16+216)
	copy(head, begun)
	if _, err := io.ReadFull(r, head[len(begun):]); err != nil {
		return netip.AddrPort{}, err
	}
	size := int(binary.BigEndian.Uint16(head[14:]))
	if size > proxyBodyMax {
		return netip.AddrPort{}, fmt.Errorf("the PROXY header has %d bytes; %d are read at most", size, proxyBodyMax)
	}
	head = append(head, make([]byte, size)...)
	if _, err := io.ReadFull(r, head[16:]); err != nil {
		return netip.AddrPort{}, err
	}
	return parseProxyBinary(head)
}

// parseProxyBinary reads a whole version 2 header.
func parseProxyBinary(head []byte) (netip.AddrPort, error) {
	body := head[16:]
	version, command, family := head[12]>>4, head[12]&0xf, head[13]
	if version != 2 || command > 1 {
		return netip.AddrPort{}, fmt.Errorf("the PROXY header has version %d and command %d", version, command)
	}
	if command == 0 { // LOCAL: a health check of the proxy itself; what follows is to be skipped (section 2.2)
		return netip.AddrPort{}, nil
	}
	var from netip.AddrPort
	var addresses int
	switch family {
	case 0x00: // UNSPEC
		return netip.AddrPort{}, nil
	case 0x11: // TCP over IPv4
		if addresses = 12; len(body) >= addresses {
			from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(body)), binary.BigEndian.Uint16(body[8:]))
		}
	case 0x21: // TCP over IPv6
		if addresses = 36; len(body) >= addresses {
			from = netip.AddrPortFrom(netip.AddrFrom16([16]byte(body)).Unmap(), binary.BigEndian.Uint16(body[32:]))
		}
	case 0x31: // a stream of a Unix socket
		addresses = 216
	default:
		return netip.AddrPort{}, fmt.Errorf("the PROXY header is of family and transport %#02x", family)
	}
	if len(body) < addresses {
		return netip.AddrPort{}, fmt.Errorf("the PROXY header has %d bytes of addresses; family %#02x needs %d", len(body), family, addresses)
	}
	return from, checkProxyTLVs(head, 16+addresses)
}

// checkProxyTLVs walks over the values that follow the addresses, and checks the checksum if it is among them.
func checkProxyTLVs(head []byte, at int) error {
	for at < len(head) {
		if len(head)-at < 3 {
			return errors.New("the PROXY header ends within a value")
		}
		kind, size := head[at], int(binary.BigEndian.Uint16(head[at+1:]))
		at += 3
		if size > len(head)-at {
			return errors.New("the PROXY header ends within a value")
		}
		if kind == 0x03 { // PP2_TYPE_CRC32C (section 2.2.3)
			if size != 4 {
				return errors.New("the checksum of the PROXY header has not 4 bytes")
			}
			want := binary.BigEndian.Uint32(head[at:])
			clear(head[at : at+4])
			if crc32.Checksum(head, castagnoli) != want {
				return errors.New("the checksum of the PROXY header is wrong")
			}
			binary.BigEndian.PutUint32(head[at:], want)
		}
		at += size
	}
	return nil
}

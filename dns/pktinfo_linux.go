package dns

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// Offsets in the control messages that name the address a datagram came to (ip(7), RFC 3542 section 6.1).
const (
	pktinfo4Len, pktinfo4Local = 12, 4 // an index of 4 bytes, our address, the address of the header
	pktinfo6Len, pktinfo6Index = 20, 16
	recvPktinfo6               = 49 // IPV6_RECVPKTINFO
	pktinfo6                   = 50 // IPV6_PKTINFO
)

// askForAddress has the kernel tell the address that each datagram came to, where the socket is bound to all of them: the
// answer must leave from that address, or who asked takes it for somebody else's.
func askForAddress(c *net.UDPConn) error {
	local := addressOf(c.LocalAddr()).Addr()
	if !local.IsUnspecified() {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var wrong error
	err = raw.Control(func(fd uintptr) {
		if local.Is4() {
			wrong = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1)
		} else { // tells of IPv4 too, as addresses of IPv4 in IPv6
			wrong = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, recvPktinfo6, 1)
		}
	})
	if err != nil {
		return err
	}
	return wrong
}

// asked finds the address that a datagram came to among its control messages, and makes of it, in place, the message that
// sends the answer from there. The interface is left to the kernel's routes, except where the address means nothing without.
func asked(control []byte) (netip.Addr, []byte) {
	for len(control) >= syscall.SizeofCmsghdr {
		h := (*syscall.Cmsghdr)(unsafe.Pointer(&control[0]))
		if h.Len < syscall.SizeofCmsghdr || int(h.Len) > len(control) {
			break
		}
		data := control[syscall.CmsgLen(0):h.Len]
		space := syscall.CmsgSpace(len(data))
		switch {
		case h.Level == syscall.IPPROTO_IP && h.Type == syscall.IP_PKTINFO && len(data) == pktinfo4Len:
			clear(data[:pktinfo4Local])
			return netip.AddrFrom4([4]byte(data[pktinfo4Local:])), control[:min(space, len(control))]
		case h.Level == syscall.IPPROTO_IPV6 && h.Type == pktinfo6 && len(data) == pktinfo6Len:
			local := netip.AddrFrom16([16]byte(data)).Unmap()
			if !local.IsLinkLocalUnicast() {
				clear(data[pktinfo6Index:])
			}
			return local, control[:min(space, len(control))]
		}
		control = control[min(space, len(control)):]
	}
	return netip.Addr{}, nil
}

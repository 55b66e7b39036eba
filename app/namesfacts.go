package app

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
)

// facts are what records are derived from: the doors that are open, or would be by the options where none is yet.
func (a *App) facts(c *config.Config) *derive.Facts {
	f := &derive.Facts{Sites: c.Sites, Issuers: c.ACME.Issuers, Zones: c.DNS.Zones}
	at := declaredDoor(a.options.HTTP)
	switch {
	case a.doors == nil && isSecure(c):
		f.Secure = derive.Door{At: declaredDoor(a.options.HTTPS), HTTP3: c.Gate.HTTP3}
		at = f.Secure.At
	case a.doors != nil && a.doors.secure != nil:
		f.Secure = derive.Door{At: addrPort(a.doors.secure.Addr()), HTTP3: a.doors.packets != nil && c.Gate.HTTP3}
		at = f.Secure.At
	case a.doors != nil:
		at = addrPort(a.doors.plain.Addr())
	}
	f.Addresses, f.From = derive.Reachable(c.DNS.Addresses, a.machineAddresses(), at.Addr(), a.options.Dev)
	if len(f.Addresses) == 0 && !a.serves { // a machine without a network can look at a declaration too
		f.Addresses, f.From = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, "loopback, since this machine has no other address"
	}
	return f
}

// declaredDoor reads host:port of an option; what is no address is taken for every one, and the listener will say what is
// wrong with it.
func declaredDoor(text string) netip.AddrPort {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "localhost":
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case err != nil:
		addr = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(addr, uint16(n))
}

// machineAddresses are those of the network interfaces. Where they can't be read there are none, and the zone says what to do
// about that.
func (a *App) machineAddresses() []netip.Addr {
	if a.around.Addresses == nil {
		return nil
	}
	list, err := a.around.Addresses()
	if err != nil {
		a.log.Warn("dns: the addresses of this machine can't be read, so that none are derived; declare dns.addresses", "error", err)
	}
	return list
}

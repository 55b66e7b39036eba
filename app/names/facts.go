package names

import (
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
)

// Machine is where zones are served, or would be: the doors and the addresses that others reach it at.
type Machine struct {
	HTTPS, HTTP, DNS string // host:port of its listeners; DNS may be several joined by commas
	Dev              bool
	Serves           bool                         // it opens doors; false where a command only looks at a declaration
	Open             *doors.Doors                 // nil: none is open yet
	Addresses        func() ([]netip.Addr, error) // of its network cards; nil: they are not looked at
	Log              *slog.Logger
}

// Facts are what records are derived from: the doors that are open, or would be where none is yet.
func (m *Machine) Facts(c *config.Config) *derive.Facts {
	f := &derive.Facts{Sites: c.Sites, Issuers: c.ACME.Issuers, Zones: c.DNS.Zones}
	at := declaredDoor(m.HTTP)
	switch {
	case m.Open == nil && declare.IsSecure(c):
		f.Secure = derive.Door{At: declaredDoor(m.HTTPS), HTTP3: c.Gate.HTTP3}
		at = f.Secure.At
	case m.Open != nil && m.Open.Secure != nil:
		f.Secure = derive.Door{At: doors.AddrPort(m.Open.Secure.Addr()), HTTP3: m.Open.Packets != nil && c.Gate.HTTP3}
		at = f.Secure.At
	case m.Open != nil:
		at = doors.AddrPort(m.Open.Plain.Addr())
	}
	f.Addresses, f.From = derive.Reachable(c.DNS.Addresses, m.Own(), at.Addr(), m.Dev)
	if len(f.Addresses) == 0 && !m.Serves { // a machine without a network can look at a declaration too
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

// Own are the addresses of the network interfaces. Where they can't be read there are none, and the zone says what to do about
// that.
func (m *Machine) Own() []netip.Addr {
	if m.Addresses == nil {
		return nil
	}
	list, err := m.Addresses()
	if err != nil {
		m.Log.Warn("dns: the addresses of this machine can't be read, so that none are derived; declare dns.addresses", "error", err)
	}
	return list
}

// AsDev has the listeners of dev where no flag says otherwise.
func AsDev() *Machine {
	return &Machine{Dev: true, HTTPS: "127.0.0.1:8443", HTTP: "127.0.0.1:8080", DNS: "127.0.0.1:5353"}
}

// AsServe has those of serve: what is built without a server is built for these.
func AsServe() *Machine { return &Machine{HTTPS: ":443", HTTP: ":80", DNS: ":53"} }

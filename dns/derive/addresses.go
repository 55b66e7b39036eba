package derive

import (
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Where addresses come from, as [Facts.From] says it.
const (
	FromDeclaration = "dns.addresses"
	FromMachine     = "an address of this machine"
	FromListener    = "the address that the gate listens on"
)

// Reachable decides where visitors reach this machine: the declared addresses; else the one that the gate listens on, where that
// is no wildcard and no loopback; else the public ones of the machine's interfaces, or the private ones where it has no others.
// With dev it is loopback alone, as far as the gate listens there.
func Reachable(declared []config.Address, machine []netip.Addr, door netip.Addr, dev bool) (list []netip.Addr, from string) {
	if dev {
		return Covered(door, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}), "loopback, in dev"
	}
	if len(declared) > 0 {
		for _, a := range declared {
			list = append(list, a.Addr.Unmap())
		}
		return list, FromDeclaration
	}
	if door.IsValid() && !door.IsUnspecified() && !door.IsLoopback() {
		return []netip.Addr{door.Unmap().WithZone("")}, FromListener
	}
	if door.Is4() && door.IsUnspecified() { // 0.0.0.0 takes nobody by IPv6
		machine = slices.DeleteFunc(slices.Clone(machine), func(a netip.Addr) bool { return !a.Unmap().Is4() })
	}
	return Public(machine), FromMachine
}

// Public returns the addresses that the internet reaches a machine at, IPv4 first; those of private networks (RFC 1918, RFC
// 4193, RFC 6598) only where there are no others of any family. Loopback and link-local ones never count.
func Public(machine []netip.Addr) []netip.Addr {
	var public, private []netip.Addr
	for _, a := range machine {
		a = a.Unmap().WithZone("")
		switch {
		case !a.IsGlobalUnicast() || slices.Contains(public, a) || slices.Contains(private, a):
		case IsPrivate(a):
			private = append(private, a)
		default:
			public = append(public, a)
		}
	}
	if len(public) == 0 {
		public = private
	}
	slices.SortFunc(public, netip.Addr.Compare)
	return public
}

// IsPrivate reports whether an address means something else in every network: loopback and link-local are, too.
func IsPrivate(a netip.Addr) bool {
	a = a.Unmap()
	carrier := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || carrier.Contains(a)
}

// Covered returns those addresses at which a listener can be reached. One on a loopback address is reached there alone; one on
// another address is taken to be reached at all of them, since machines are often given their public address by a router.
func Covered(listener netip.Addr, list []netip.Addr) []netip.Addr {
	listener = listener.Unmap()
	var covered []netip.Addr
	for _, a := range list {
		switch {
		case !listener.IsValid(),
			listener.IsLoopback() && a != listener,
			a.IsLoopback() && !listener.IsUnspecified() && a != listener,
			listener.Is4() && !a.Is4():
		default:
			covered = append(covered, a)
		}
	}
	return covered
}

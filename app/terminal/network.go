package terminal

import "net/netip"

// Network shortens an address to its network, /24 or /56, as it may be shown.
func Network(a netip.Addr) string {
	bits := 24
	switch a = a.Unmap(); {
	case a.IsLoopback():
		return "loopback"
	case !a.IsValid(), a.IsUnspecified():
		return ""
	case a.Is6():
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

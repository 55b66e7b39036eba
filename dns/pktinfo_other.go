//go:build !linux

package dns

import (
	"net"
	"net/netip"
)

// askForAddress does nothing here: on a machine with several addresses the sockets must be bound to each of them.
func askForAddress(*net.UDPConn) error { return nil }

func asked([]byte) (netip.Addr, []byte) { return netip.Addr{}, nil }

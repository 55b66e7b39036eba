// Package doors opens the listeners of the server, and says where they are.
package doors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
)

// Doors are the open listeners and the gate behind them.
type Doors struct {
	Gate    *gate.Gate
	Secure  net.Listener   // nil where no site has TLS
	Packets net.PacketConn // of HTTP/3; nil where it is not served
	Plain   net.Listener
	Control net.Listener // a Unix socket for this machine's operator
}

// TCP opens one door, and says what to do if it can't.
func TCP(ctx context.Context, address, flag string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address_in_use", Err: err, Public: fmt.Sprintf(
			"another program listens on %s already: stop it, or choose another address with %s", address, flag)}
	case errors.Is(err, syscall.EACCES):
		return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address_forbidden", Err: err, Public: fmt.Sprintf(
			"this user may not listen on %s: run as root, allow it (setcap cap_net_bind_service=+ep on the program), or choose a port above 1023 with %s", address, flag)}
	}
	return nil, &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address", Err: err, Public: fmt.Sprintf(
		"can't listen on %s: %s takes an address and a port, such as 127.0.0.1:8080, or :8080 for every address of this machine", address, flag)}
}

// Close closes them all.
func (d *Doors) Close() {
	for _, l := range []net.Listener{d.Secure, d.Plain, d.Control} {
		if l != nil {
			_ = l.Close() // the gate has closed it already where it ran
		}
	}
	if d.Packets != nil {
		_ = d.Packets.Close()
	}
}

// Port is the port of a listener, 0 for none.
func Port(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// Address is the address of a listener, "" for none.
func Address(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// AddrPort reads the address of a socket; not valid for what has none.
func AddrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		at := a.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	case *net.UDPAddr:
		at := a.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	return netip.AddrPort{}
}

// URL is where a site can be opened in a browser.
func URL(s config.Site, d *Doors) string {
	scheme, l, usual := "https", d.Secure, 443
	if s.TLS.Mode == config.TLSOff {
		scheme, l, usual = "http", d.Plain, 80
	}
	host := strings.Replace(s.Name, "*", "any", 1) // one that can be opened
	if p := Port(l); p != usual {
		host = net.JoinHostPort(host, strconv.Itoa(p))
	}
	return scheme + "://" + host
}

// Loopback reports whether an address, host:port, is one that only this machine reaches.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

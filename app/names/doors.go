package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/dns"
)

// nameDoors are the sockets of the name server. They outlive reloads, so that none loses a query.
type nameDoors struct {
	udp []*net.UDPConn
	tcp []net.Listener
}

// portTries is how often another port is tried where the system chose one for TCP that UDP has not free.
const portTries = 20

// listenNames opens the sockets of --dns: for each address one over TCP, and as many over UDP as there are cores, on the same port.
func listenNames(ctx context.Context, list string) (d *nameDoors, err error) {
	d = &nameDoors{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	for address := range strings.SplitSeq(list, ",") {
		if err := d.open(ctx, strings.TrimSpace(address)); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *nameDoors) open(ctx context.Context, address string) error {
	for try := 1; ; try++ {
		l, err := doors.TCP(ctx, address, "--dns")
		if err != nil {
			return nameDoorError(address, err)
		}
		sockets, err := dns.ListenUDP(ctx, l.Addr().String())
		if err == nil {
			d.tcp, d.udp = append(d.tcp, l), append(d.udp, sockets...)
			return nil
		}
		_ = l.Close()
		if _, port, wrong := net.SplitHostPort(address); wrong == nil && port == "0" && try < portTries && errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		return nameDoorError(address, err)
	}
}

// nameDoorError says how the port of DNS becomes free.
func nameDoorError(address string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	text := fmt.Sprintf("another program has %s already, over UDP or TCP: stop it, or choose another address with --dns", address)
	switch port {
	case "5353":
		text += ". On many desktops it is mDNS (avahi-daemon, mDNSResponder): --dns 127.0.0.1:5354 is usually free"
	case "53":
		text = fmt.Sprintf("another program has port 53 already, so DNS can't listen on %s. On many systems it is systemd-resolved, "+
			"which keeps port 53 of loopback to itself (ss -lnup 'sport = :53' tells). Either listen on the public address alone "+
			"(--dns 203.0.113.7:53), or write DNSStubListener=no below [Resolve] in /etc/systemd/resolved.conf and run "+
			"systemctl restart systemd-resolved", address)
	}
	return &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "start.address_in_use", Err: err, Public: text}
}

func (d *nameDoors) close() {
	for _, l := range d.tcp {
		_ = l.Close() // the server has closed it already where it ran
	}
	for _, c := range d.udp {
		_ = c.Close()
	}
}

// addresses says where DNS is served, "" for nowhere.
func (d *nameDoors) addresses() string {
	if d == nil {
		return ""
	}
	var list []string
	for _, l := range d.tcp {
		list = append(list, l.Addr().String())
	}
	return strings.Join(list, ",")
}

// all are the addresses of the sockets.
func (d *nameDoors) all() []netip.AddrPort {
	if d == nil {
		return nil
	}
	var list []netip.AddrPort
	for _, l := range d.tcp {
		list = append(list, doors.AddrPort(l.Addr()))
	}
	return list
}

// own is an address at which this machine reaches its own name server, not valid where there is none.
func (d *nameDoors) own() netip.AddrPort {
	if d == nil || len(d.tcp) == 0 {
		return netip.AddrPort{}
	}
	at := doors.AddrPort(d.tcp[0].Addr())
	if at.Addr().IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1}) // [::] takes IPv4 too
		return netip.AddrPortFrom(loopback, at.Port())
	}
	return at
}

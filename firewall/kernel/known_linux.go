package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// The kernel tracks connections only from the first rule on that asks about them. Those that are older would be judged by
// their next packet as if they began with it: one of this machine to a database, on which the other end speaks first, would
// be cut. So they are entered into the table of connections before the first table of ours comes.

// Of the messages of ctnetlink (linux/netfilter/nfnetlink_conntrack.h).
const (
	ctTupleOrig  = 1
	ctTupleReply = 2
	ctStatus     = 3
	ctProtoInfo  = 4
	ctTimeout    = 7

	ctTupleIP    = 1
	ctTupleProto = 2

	ctProtoNumber  = 1
	ctProtoSource  = 2
	ctProtoDest    = 3
	ctInfoTCP      = 1
	ctTCPState     = 1
	ctTCPFlagsOrig = 4
	ctTCPFlagsBack = 5

	ctSeenBothWays       = 2 | 4 | 8 // IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED
	ctEstablished        = 3
	ctLiberal            = 8      // what was sent before is not known, so windows are not compared
	ctEstablishedSeconds = 432000 // what the kernel itself gives
)

// introduce enters the open TCP connections of the thread's namespace into the table of connections. One that is there
// already stays as it is.
func (t *Table) introduce() (err error) {
	all, err := openSockets()
	if err != nil {
		return err
	}
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: t.o.NetNS})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	listens := map[uint16]bool{}
	for i := range all {
		if all[i].Protocol == firewall.TCP && all[i].Listening {
			listens[all[i].Local.Port()] = true
		}
	}
	for i := range all {
		s := &all[i]
		if s.Protocol != firewall.TCP || s.Listening || s.Remote.Addr().IsLoopback() {
			continue
		}
		m, err := connection(s.Local, s.Remote, listens[s.Local.Port()])
		if err != nil {
			return err
		}
		if _, err := c.Execute(m); err != nil && !errors.Is(err, syscall.EEXIST) {
			return fmt.Errorf("%s to %s: %w", s.Local, s.Remote, err)
		}
	}
	return nil
}

// connection is the message that enters one connection; in says that the other end began.
func connection(local, remote netip.AddrPort, in bool) (netlink.Message, error) {
	from, to := local, remote
	if in {
		from, to = remote, local
	}
	e := netlink.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	e.Nested(ctTupleOrig, tuple(from, to))
	e.Nested(ctTupleReply, tuple(to, from))
	e.Uint32(ctStatus, ctSeenBothWays)
	e.Uint32(ctTimeout, ctEstablishedSeconds)
	e.Nested(ctProtoInfo, func(e *netlink.AttributeEncoder) error {
		e.Nested(ctInfoTCP, func(e *netlink.AttributeEncoder) error {
			e.Uint8(ctTCPState, ctEstablished)
			e.Bytes(ctTCPFlagsOrig, []byte{ctLiberal, ctLiberal})
			e.Bytes(ctTCPFlagsBack, []byte{ctLiberal, ctLiberal})
			return nil
		})
		return nil
	})
	data, err := e.Encode()
	family := byte(unix.AF_INET)
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	return netlink.Message{
		Header: netlink.Header{
			Type:  unix.NFNL_SUBSYS_CTNETLINK << 8, // IPCTNL_MSG_CT_NEW is 0
			Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl,
		},
		Data: append([]byte{family, unix.NFNETLINK_V0, 0, 0}, data...),
	}, err
}

// tuple is one direction of a connection.
func tuple(from, to netip.AddrPort) func(*netlink.AttributeEncoder) error {
	source, destination := uint16(1), uint16(2) // CTA_IP_V4_SRC, CTA_IP_V4_DST
	if from.Addr().Is6() {
		source, destination = 3, 4
	}
	return func(e *netlink.AttributeEncoder) error {
		e.Nested(ctTupleIP, func(e *netlink.AttributeEncoder) error {
			e.Bytes(source, from.Addr().AsSlice())
			e.Bytes(destination, to.Addr().AsSlice())
			return nil
		})
		e.Nested(ctTupleProto, func(e *netlink.AttributeEncoder) error {
			e.Uint8(ctProtoNumber, firewall.TCP)
			e.Uint16(ctProtoSource, from.Port())
			e.Uint16(ctProtoDest, to.Port())
			return nil
		})
		return nil
	}
}

// Package nflog hears from the kernel what it dropped: copies of the first bytes of packets that a rule with `log group`
// met, over netlink (nfnetlink_log). It knows nothing of security groups.
package nflog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/mdlayher/netlink"
)

const (
	copyBytes   = 128     // of each packet: room for an IPv6 head with extensions and the ports behind it
	bufferBytes = 4 << 20 // of the socket: no packet was lost at 70,000 a second with it
	batch       = 32      // packets that the kernel gathers before it hands them up
	waitHundred = 10      // 1/100 s after which it hands up what it has
)

// The words of linux/netfilter/nfnetlink_log.h that are sent. They are in network byte order.
const (
	netlinkNetfilter = 12
	subsystem        = 4 << 8 // NFNL_SUBSYS_ULOG
	messagePacket    = subsystem
	messageConfig    = subsystem | 1

	configCommand   = 1
	configMode      = 2
	configTimeout   = 4
	configThreshold = 5

	commandBind    = 1
	modeCopyPacket = 2
)

// Options says where to listen.
type Options struct {
	Group uint16 // the number in the rules that log
	NetNS int    // descriptor of a network namespace; 0: the one of this thread
}

// Reader receives from one NFLOG group. One goroutine may call Run.
type Reader struct {
	conn *netlink.Conn
	lost atomic.Int64
	odd  atomic.Int64
}

// ErrRefused says that we may not listen to the group: there can be one listener, and it needs CAP_NET_ADMIN. The kernel does
// not tell the two apart.
var ErrRefused = errors.New("another program listens to it already, or this process has no CAP_NET_ADMIN")

// Open binds to a group. It needs CAP_NET_ADMIN.
func Open(o Options) (*Reader, error) {
	c, err := netlink.Dial(netlinkNetfilter, &netlink.Config{NetNS: o.NetNS})
	if err != nil {
		return nil, err
	}
	r := &Reader{conn: c}
	if err := r.bind(o.Group); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return r, nil
}

// bind asks for the packets of a group: first for the group itself, then for how they come.
func (r *Reader) bind(group uint16) error {
	if err := r.conn.SetReadBuffer(bufferBytes); err != nil {
		return err
	}
	if err := r.configure(group, netlink.Attribute{Type: configCommand, Data: []byte{commandBind}}); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EBUSY) {
			err = ErrRefused
		}
		return fmt.Errorf("listen to NFLOG group %d: %w", group, err)
	}
	mode := append(binary.BigEndian.AppendUint32(nil, copyBytes), modeCopyPacket, 0)
	err := r.configure(group,
		netlink.Attribute{Type: configMode, Data: mode},
		netlink.Attribute{Type: configThreshold, Data: binary.BigEndian.AppendUint32(nil, batch)},
		netlink.Attribute{Type: configTimeout, Data: binary.BigEndian.AppendUint32(nil, waitHundred)})
	if err != nil {
		return fmt.Errorf("set up NFLOG group %d: %w", group, err)
	}
	return nil
}

// configure sends one message of settings and waits for its acknowledgement.
func (r *Reader) configure(group uint16, attributes ...netlink.Attribute) error {
	b, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint16([]byte{syscall.AF_UNSPEC, 0}, group) // struct nfgenmsg
	_, err = r.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: messageConfig, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(head, b...),
	})
	return err
}

// Lost returns how often the kernel said that it had to throw packets away because we did not read in time.
func (r *Reader) Lost() int64 { return r.lost.Load() }

// Odd returns how many messages could not be read.
func (r *Reader) Odd() int64 { return r.odd.Load() }

// Run calls each with every packet until ctx ends or the socket fails. The packet's text is valid after the call.
func (r *Reader) Run(ctx context.Context, each func(Packet)) error {
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Close() })
	defer stop()
	for {
		messages, err := r.conn.Receive()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, syscall.ENOBUFS):
			r.lost.Add(1) // how many packets these were, nobody knows
			continue
		case err != nil:
			return err
		}
		for _, m := range messages {
			if m.Header.Type != messagePacket {
				continue // the end of a batch
			}
			p, err := Decode(m.Data)
			if err != nil {
				r.odd.Add(1)
				continue
			}
			each(p)
		}
	}
}

// Close frees the group.
func (r *Reader) Close() error { return r.conn.Close() }

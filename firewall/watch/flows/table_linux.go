package flows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/ti-mo/conntrack"
)

// Table is the connection table. It is safe for use by one goroutine at a time.
type Table struct {
	conn  *conntrack.Conn
	stats *netlink.Conn // of netfilter too
	diag  *netlink.Conn
}

// The families of netlink, and the one question that is asked by hand: conntrack.StatsGlobal waits for ever.
const (
	netlinkSockDiag  = 4
	netlinkNetfilter = 12

	ctGetStats = 1<<8 | 5 // IPCTNL_MSG_CT_GET_STATS of NFNL_SUBSYS_CTNETLINK
	attrCount  = 1        // CTA_STATS_GLOBAL_ENTRIES
	attrMax    = 2        // CTA_STATS_GLOBAL_MAX_ENTRIES
	genBytes   = 4        // of struct nfgenmsg
)

// bufferBytes is what the kernel may write before we read on: a table of a million flows comes in many messages.
const bufferBytes = 1 << 20

// Open opens the table. It needs CAP_NET_ADMIN.
func Open(o Options) (*Table, error) {
	c, err := conntrack.Dial(&netlink.Config{NetNS: o.NetNS})
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(bufferBytes) // the default will do
	n, err := netlink.Dial(netlinkNetfilter, &netlink.Config{NetNS: o.NetNS})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	d, err := netlink.Dial(netlinkSockDiag, &netlink.Config{NetNS: o.NetNS})
	if err != nil {
		return nil, errors.Join(err, c.Close(), n.Close())
	}
	return &Table{conn: c, stats: n, diag: d}, nil
}

// Close closes the table.
func (t *Table) Close() error { return errors.Join(t.conn.Close(), t.stats.Close(), t.diag.Close()) }

// List returns all flows.
func (t *Table) List() ([]Flow, error) {
	entries, err := t.conn.Dump(nil)
	if err != nil {
		return nil, err
	}
	all := make([]Flow, len(entries))
	for i := range entries {
		e := &entries[i]
		all[i] = Flow{
			Protocol: e.TupleOrig.Proto.Protocol,
			From:     from(&e.TupleOrig), To: to(&e.TupleOrig),
			ReplyFrom: from(&e.TupleReply), ReplyTo: to(&e.TupleReply),
			Type: e.TupleOrig.Proto.ICMPType, Code: e.TupleOrig.Proto.ICMPCode,
			Mark: e.Mark, Answered: e.Status&conntrack.StatusSeenReply != 0,
			Left:  time.Duration(e.Timeout) * time.Second,
			Bytes: e.CountersOrig.Bytes + e.CountersReply.Bytes,
			zone:  e.Zone,
		}
	}
	return all, nil
}

func from(t *conntrack.Tuple) netip.AddrPort {
	return netip.AddrPortFrom(t.IP.SourceAddress, t.Proto.SourcePort)
}

func to(t *conntrack.Tuple) netip.AddrPort {
	return netip.AddrPortFrom(t.IP.DestinationAddress, t.Proto.DestinationPort)
}

// Cut ends exactly this flow. A TCP socket of this machine goes first, since its reset has to pass as part of the flow. UDP
// sockets stay, for others speak through them too. What is gone already is no error.
func (t *Table) Cut(f *Flow) (Ended, error) {
	var done Ended
	var wrong error
	if f.Protocol == syscall.IPPROTO_TCP {
		// At most one of these is a socket of ours: that of a server, or that of a client.
		for _, end := range [][2]netip.AddrPort{{f.ReplyFrom, f.ReplyTo}, {f.From, f.To}} {
			ok, err := t.destroy(end[0], end[1])
			done.Socket = done.Socket || ok
			wrong = errors.Join(wrong, err)
		}
	}
	// The kernel goes by the first tuple; the package takes the family from both.
	entry := conntrack.NewFlow(f.Protocol, 0, f.From.Addr(), f.To.Addr(), f.From.Port(), f.To.Port(), 0, 0)
	entry.TupleOrig.Proto.ICMPType, entry.TupleOrig.Proto.ICMPCode = f.Type, f.Code
	entry.Zone = f.zone
	switch err := t.conn.Delete(entry); {
	case err == nil:
		done.Entry = true
	case !errors.Is(err, syscall.ENOENT):
		wrong = errors.Join(wrong, err)
	}
	return done, wrong
}

// Fill asks the kernel. Its counters begin when the machine does.
func (t *Table) Fill() (Fill, error) {
	f, err := t.size()
	if err != nil {
		return Fill{}, err
	}
	cores, err := t.conn.Stats()
	if err != nil {
		return Fill{}, err
	}
	for _, c := range cores {
		f.Dropped += uint64(c.Drop)
		f.Early += uint64(c.EarlyDrop)
	}
	return f, nil
}

// size asks how many entries there are, and may be. The one answer calls itself the part of many, for whose end the netlink
// package would wait for ever, so it is read from the socket itself.
func (t *Table) size() (Fill, error) {
	_, err := t.stats.Send(netlink.Message{
		Header: netlink.Header{Type: ctGetStats, Flags: netlink.Request}, Data: []byte{syscall.AF_UNSPEC, 0, 0, 0},
	})
	if err != nil {
		return Fill{}, fmt.Errorf("ask how full the connection table is: %w", err)
	}
	raw, err := t.stats.SyscallConn()
	if err != nil {
		return Fill{}, err
	}
	b, n := make([]byte, os.Getpagesize()), 0
	var wrong error
	err = raw.Read(func(fd uintptr) bool {
		n, _, wrong = syscall.Recvfrom(int(fd), b, 0)
		return !errors.Is(wrong, syscall.EAGAIN)
	})
	if err = errors.Join(err, wrong); err != nil {
		return Fill{}, fmt.Errorf("ask how full the connection table is: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(b[:n])
	if err != nil {
		return Fill{}, err
	}
	if len(messages) != 1 || messages[0].Header.Type == syscall.NLMSG_ERROR {
		return Fill{}, errors.New("ask how full the connection table is: the kernel does not answer it")
	}
	return readSize(messages[0].Data)
}

func readSize(b []byte) (Fill, error) {
	if len(b) < genBytes {
		return Fill{}, errors.New("ask how full the connection table is: the answer is too short")
	}
	a, err := netlink.NewAttributeDecoder(b[genBytes:])
	if err != nil {
		return Fill{}, err
	}
	var f Fill
	for a.ByteOrder = binary.BigEndian; a.Next(); {
		switch a.Type() {
		case attrCount:
			f.Entries = a.Uint32()
		case attrMax:
			f.Max = a.Uint32()
		}
	}
	return f, a.Err()
}

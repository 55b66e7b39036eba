package flows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"github.com/mdlayher/netlink"
	"github.com/ti-mo/conntrack"
)

// Table is the connection table. It is safe for use by one goroutine at a time.
type Table struct {
	conn *conntrack.Conn
	ask  *netlink.Conn // of netfilter too: what is asked by hand
	diag *netlink.Conn
}

// The families of netlink, and what is asked by hand: conntrack.Dump holds the whole table several times over, and
// conntrack.StatsGlobal waits for ever.
const (
	netlinkSockDiag  = 4
	netlinkNetfilter = 12

	ctGet      = 1<<8 | 1 // IPCTNL_MSG_CT_GET of NFNL_SUBSYS_CTNETLINK
	ctGetStats = 1<<8 | 5 // IPCTNL_MSG_CT_GET_STATS
	attrCount  = 1        // CTA_STATS_GLOBAL_ENTRIES
	attrMax    = 2        // CTA_STATS_GLOBAL_MAX_ENTRIES
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
	return &Table{conn: c, ask: n, diag: d}, nil
}

// Close closes the table.
func (t *Table) Close() error { return errors.Join(t.conn.Close(), t.ask.Close(), t.diag.Close()) }

// Each calls f with every flow, which is valid until f returns, as the kernel tells of them: a table may have a million. f must
// not use the table.
func (t *Table) Each(f func(*Flow)) error {
	_, err := t.ask.Send(netlink.Message{
		Header: netlink.Header{Type: ctGet, Flags: netlink.Request | netlink.Dump}, Data: []byte{syscall.AF_UNSPEC, 0, 0, 0},
	})
	if err != nil {
		return fmt.Errorf("list the connection table: %w", err)
	}
	var flow Flow
	for m, err := range t.ask.ReceiveIter() {
		if err != nil {
			return fmt.Errorf("list the connection table: %w", err)
		}
		if flow.decode(m.Data) == nil { // what can't be read is no flow that we could say anything about
			f(&flow)
		}
	}
	return nil
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
	entry.TupleOrig.Proto.ICMPType, entry.TupleOrig.Proto.ICMPCode, entry.TupleOrig.Proto.ICMPID = f.Type, f.Code, f.id
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
	_, err := t.ask.Send(netlink.Message{
		Header: netlink.Header{Type: ctGetStats, Flags: netlink.Request}, Data: []byte{syscall.AF_UNSPEC, 0, 0, 0},
	})
	if err != nil {
		return Fill{}, fmt.Errorf("ask how full the connection table is: %w", err)
	}
	raw, err := t.ask.SyscallConn()
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

package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	socketBytes  = 4 << 20 // of a netlink socket's buffers: the kernel answers each message of a transaction at once
	elementBytes = 128     // of one element of a set in a message and in the kernel's account of it, at most
)

// Table is our table in the kernel of one network namespace.
type Table struct {
	o  Options
	mu sync.Mutex // one transaction at a time
}

// New makes the handle of the table. It opens nothing.
func New(o Options) (*Table, error) {
	if o.Now == nil || o.Log == nil {
		return nil, roundtrip.E(roundtrip.Internal, "app.internal", "kernel.New needs a clock and a log")
	}
	return &Table{o: o}, nil
}

// connect opens a connection for messages of so many bytes.
func (t *Table) connect(size int) (*nftables.Conn, error) {
	size = max(size, socketBytes)
	options := []nftables.ConnOption{nftables.WithSockOptions(
		func(c *netlink.Conn) error { return c.SetReadBuffer(size) },
		func(c *netlink.Conn) error { return c.SetWriteBuffer(size) },
	)}
	if t.o.NetNS != 0 {
		options = append(options, nftables.WithNetNSFd(t.o.NetNS))
	}
	return nftables.New(options...)
}

// ours names the table.
func ours() *nftables.Table {
	return &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}
}

// Available says why groups can't be enforced here, nil where they can: it needs CAP_NET_ADMIN, and a kernel with nftables.
func (t *Table) Available(context.Context) error {
	c, err := t.connect(0)
	if err != nil {
		return unavailable(err)
	}
	if _, err := c.ListTablesOfFamily(nftables.TableFamilyINet); err != nil {
		return unavailable(err)
	}
	return nil
}

// unavailable says what to do about it.
func unavailable(err error) error {
	if _, said := errors.AsType[*roundtrip.Error](err); said {
		return err
	}
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return &roundtrip.Error{
			Kind: roundtrip.Denied, Reason: "firewall.not_permitted",
			Public: "this process may not program the kernel's firewall: it has no CAP_NET_ADMIN. Run it as root, or give it the capability " +
				"(AmbientCapabilities=CAP_NET_ADMIN in its unit, or setcap cap_net_admin,cap_net_bind_service=+ep on the program)",
		}
	case errors.Is(err, syscall.EPROTONOSUPPORT), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOENT):
		return &roundtrip.Error{
			Kind: roundtrip.Unavailable, Reason: "firewall.kernel",
			Public: "the kernel of this machine has no nftables, or not all of it that the groups need (nf_tables, nft_ct, nft_fib_inet, nft_log, nft_limit): " + err.Error(),
		}
	}
	return failed("asking the kernel for its firewall", err)
}

// failed is a refusal of the kernel.
func failed(what string, err error) error {
	return &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "firewall.kernel", Err: err, Public: what + " failed"}
}

// Apply makes the table say what the plan says, in one transaction: no packet meets half of it, connections that were
// admitted stay, and counters go on. former is the plan of the table that is there now, nil where nobody knows; it says
// whose counters are whose. What was brought in is read back and compared; where it is not what was asked for, the error
// says how.
func (t *Table) Apply(ctx context.Context, p, former *Plan) (Report, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	began := t.o.Now()
	sets, chains := p.sets(), p.chains()
	r := Report{Digest: p.Digest(), Sets: len(sets)}
	for i := range sets {
		r.Ranges += len(sets[i].spans)
	}
	for i := range chains {
		r.Rules += len(chains[i].lines)
	}
	c, err := t.connect(2 * r.Ranges * elementBytes)
	if err != nil {
		return r, unavailable(err)
	}
	c.AddTable(ours()) // so that there is one to delete
	c.DelTable(ours())
	c.AddTable(ours())
	if err := addSets(c, p, sets); err != nil {
		return r, failed("writing the sets of addresses", err)
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	if _, there, err := t.Digest(ctx); err != nil {
		return r, err
	} else if !there {
		if err := t.introduce(); err != nil { // without it, they are judged by their next packet
			t.o.Log.Warn("firewall: connections that are open already could not be made known to the kernel's table of connections", "error", err)
		}
	}
	had, err := t.counts() // as late as can be: what is counted from here to the transaction is lost
	if err != nil {
		return r, err
	}
	addObjects(c, p, p.carried(former, had))
	if err := addChains(c, p, chains); err != nil {
		return r, failed("writing the chains", err)
	}
	if err := c.Flush(); err != nil {
		return r, refused(err)
	}
	got, err := t.read()
	if err != nil {
		return r, err
	}
	r.Took = t.o.Now().Sub(began)
	if drift := p.compare(got); len(drift) > 0 {
		return r, &roundtrip.Error{
			Kind: roundtrip.Internal, Reason: "firewall.kernel",
			Public: "the kernel took the rules, but does not show what it was given: " + strings.Join(drift, "; "),
		}
	}
	return r, nil
}

// refused is a transaction that the kernel did not take: nothing has changed.
func refused(err error) error {
	if errors.Is(err, syscall.EPERM) {
		return unavailable(err)
	}
	return failed("programming the kernel's firewall (nothing was changed)", err)
}

func addSets(c *nftables.Conn, p *Plan, sets []addresses) error {
	for i := range sets {
		s := sets[i].set(ours())
		if err := c.AddSet(s, nil); err != nil {
			return err
		}
		if err := inChunks(sets[i].elements(), func(part []nftables.SetElement) error { return c.SetAddElements(s, part) }); err != nil {
			return err
		}
	}
	if p.Mask == 0 {
		return nil
	}
	return c.AddSet(stamps(), nil)
}

// stamps is the map of stamps.
func stamps() *nftables.Set {
	return &nftables.Set{
		Table: ours(), ID: stampMapID, Name: stampMap, IsMap: true, KeyType: nftables.TypeMark, DataType: nftables.TypeVerdict,
		KeyByteOrder: binaryutil.NativeEndian, // so that nft shows marks as they are
	}
}

// addObjects adds the counters, with what they have counted before, and the bound of what is handed up.
func addObjects(c *nftables.Conn, p *Plan, seeds map[string]Counts) {
	for _, name := range p.counters() {
		s := seeds[name]
		c.AddObj(&nftables.NamedObj{
			Table: ours(), Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{Packets: s.Packets, Bytes: s.Bytes},
		})
	}
	if p.DropRate > 0 {
		c.AddObj(&nftables.NamedObj{Table: ours(), Name: dropLimit, Type: nftables.ObjTypeLimit, Obj: &expr.Limit{
			Type: expr.LimitTypePkts, Rate: uint64(p.DropRate), Unit: expr.LimitTimeSecond, Burst: uint32(p.DropRate),
		}})
	}
}

func addChains(c *nftables.Conn, p *Plan, chains []chain) error {
	for i := range chains {
		ch := chains[i].nft()
		c.AddChain(ch)
		if ch.Hooknum != nil && p.Mask != 0 && chains[i].name == inbound { // every chain of a stamp is there now
			if err := inChunks(p.stampElements(), func(part []nftables.SetElement) error { return c.SetAddElements(stamps(), part) }); err != nil {
				return err
			}
		}
		for _, l := range chains[i].lines {
			c.AddRule(&nftables.Rule{Table: ours(), Chain: ch, Exprs: l.exprs, UserData: comment(l.comment)})
		}
	}
	return nil
}

// nft is the chain as nftables has it. What passes the end of a base chain is dropped.
func (c *chain) nft() *nftables.Chain {
	n := &nftables.Chain{Name: c.name, Table: ours()}
	if c.hook != nil {
		drop := nftables.ChainPolicyDrop
		n.Type, n.Hooknum, n.Priority, n.Policy = nftables.ChainTypeFilter, c.hook, c.prio, &drop
	}
	return n
}

// Off removes our table and nothing else. there says whether there was one.
func (t *Table) Off(context.Context) (there bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.connect(0)
	if err != nil {
		return false, unavailable(err)
	}
	there, err = exists(c)
	if err != nil || !there {
		return false, err
	}
	c.DelTable(ours())
	if err := c.Flush(); err != nil && !errors.Is(err, syscall.ENOENT) { // somebody else was faster
		return true, refused(err)
	}
	return true, nil
}

func exists(c *nftables.Conn) (bool, error) {
	there, _, err := lookFor(c)
	return there, err
}

// lookFor says whether our table is there, and whether somebody has put it to sleep.
func lookFor(c *nftables.Conn) (there, asleep bool, err error) {
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return false, false, unavailable(err)
	}
	for _, t := range tables {
		if t.Name == TableName {
			const dormant = unix.NFT_TABLE_F_DORMANT | unix.NFT_TABLE_F_DORMANT<<24 // the library reads it in the machine's order
			return true, t.Flags&dormant != 0, nil
		}
	}
	return false, false, nil
}

// String says which table it is, as nft names it.
func (t *Table) String() string { return fmt.Sprintf("inet %s", TableName) }

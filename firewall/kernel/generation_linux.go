package kernel

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Generation counts the changes of all tables of the namespace: while it stays, ours is as it was, and need not be read.
func (t *Table) Generation(context.Context) (n uint32, err error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: t.o.NetNS})
	if err != nil {
		return 0, unavailable(err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	answers, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN, Flags: netlink.Request},
		Data:   []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err != nil {
		return 0, unavailable(err)
	}
	for _, m := range answers {
		if len(m.Data) < netfilterHead {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(m.Data[netfilterHead:])
		if err != nil {
			return 0, failed("reading the generation", err)
		}
		ad.ByteOrder = binary.BigEndian
		for ad.Next() {
			if ad.Type() == unix.NFTA_GEN_ID {
				return ad.Uint32(), nil
			}
		}
	}
	return 0, failed("reading the generation", errors.New("the kernel has not said it"))
}

// netfilterHead is how long the head of a message of netfilter is.
const netfilterHead = 4

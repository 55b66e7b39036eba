package flows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/mdlayher/netlink"
)

// The words of linux/inet_diag.h and sock_diag.h.
const (
	sockDiagByFamily = 20
	sockDestroy      = 21

	requestBytes = 56 // struct inet_diag_req_v2
	replyBytes   = 72 // struct inet_diag_msg
	idAt         = 8  // struct inet_diag_sockid in the request
	replyIDAt    = 4  // and in the reply
	idBytes      = 48
	cookieAt     = 40 // in the sockid

	stateListen = 10 // TCP_LISTEN
)

// destroy ends the TCP socket with exactly these ends; ok is false where this machine has none.
//
// The kernel finds the listener where there is no such connection, and would end that. So it is asked for the socket first,
// and what is ended is the socket of that answer, by its cookie.
func (t *Table) destroy(local, remote netip.AddrPort) (ok bool, err error) {
	if !local.IsValid() || !remote.IsValid() {
		return false, nil
	}
	request := diagRequest(local, remote)
	replies, err := t.diag.Execute(netlink.Message{Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request}, Data: request})
	if errors.Is(err, syscall.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the socket %s of %s: %w", local, remote, err)
	}
	if len(replies) != 1 || len(replies[0].Data) < replyBytes {
		return false, fmt.Errorf("look for the socket %s of %s: the answer is broken", local, remote)
	}
	reply := replies[0].Data
	found := reply[replyIDAt : replyIDAt+idBytes]
	if reply[1] == stateListen || binary.BigEndian.Uint16(found[2:]) != remote.Port() {
		return false, nil
	}
	copy(request[idAt+cookieAt:idAt+idBytes], found[cookieAt:])
	_, err = t.diag.Execute(netlink.Message{Header: netlink.Header{Type: sockDestroy, Flags: netlink.Request | netlink.Acknowledge}, Data: request})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ESTALE):
		return false, nil // it ended in between
	case errors.Is(err, syscall.EOPNOTSUPP):
		return false, ErrNoDestroy
	}
	return false, fmt.Errorf("end the socket %s of %s: %w", local, remote, err)
}

// diagRequest names a TCP socket by its two ends, with the cookie that stands for any.
func diagRequest(local, remote netip.AddrPort) []byte {
	b := make([]byte, requestBytes)
	b[0], b[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	if local.Addr().Unmap().Is6() {
		b[0] = syscall.AF_INET6
	}
	binary.NativeEndian.PutUint32(b[4:], 0xffffffff) // in whatever state
	id := b[idAt:]
	binary.BigEndian.PutUint16(id, local.Port())
	binary.BigEndian.PutUint16(id[2:], remote.Port())
	copy(id[4:20], local.Addr().Unmap().AsSlice())
	copy(id[20:36], remote.Addr().Unmap().AsSlice())
	binary.NativeEndian.PutUint64(id[cookieAt:], ^uint64(0))
	return b
}

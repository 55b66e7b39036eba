//go:build linux && (amd64 || arm64)

package dns

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The room for what is taken from the kernel at once. Under load a socket holds many datagrams, and a call of the kernel for
// each of them costs more than its answer: together they cost half.
const (
	datagramsMax = 32
	controlMax   = 64   // bytes of control messages of one datagram: more than what we ask for takes
	answerRoom   = 2048 // bytes: over UDP no answer is longer
)

// header is struct mmsghdr of recvmmsg(2) and sendmmsg(2): a datagram and its length, as 64-bit machines lay it out.
type header struct {
	unix.Msghdr

	length uint32
	_      [4]byte
}

// batch takes datagrams from a socket and sends their answers, many with one call of the kernel. Its memory is used again for
// each round; the headers point into it.
//
// The calls are raw: they never block, and so need not tell the scheduler, which would give the rest of the work to another
// thread meanwhile and wake it for that.
type batch struct {
	socket syscall.RawConn

	in, out         [datagramsMax]header
	inData, outData [datagramsMax]unix.Iovec
	peers           [datagramsMax]unix.RawSockaddrInet6 // IPv4 has room in it too
	controls        [datagramsMax][controlMax]byte
	packets         [datagramsMax][datagramMax]byte
	answers         [datagramsMax][]byte

	taken, answered, sent, failed int
	err                           unix.Errno

	receive, send func(fd uintptr) (done bool) // made once, since each would be an allocation
}

func newBatch(socket syscall.RawConn) *batch {
	b := &batch{socket: socket}
	b.receive, b.send = b.receiveNow, b.sendNow
	for i := range b.in {
		b.answers[i] = make([]byte, 0, answerRoom)
		b.inData[i].Base = &b.packets[i][0]
		b.inData[i].SetLen(datagramMax)
		h := &b.in[i]
		h.Iov, h.Control, h.Name = &b.inData[i], &b.controls[i][0], (*byte)(unsafe.Pointer(&b.peers[i]))
		h.SetIovlen(1)
	}
	return b
}

// receiveNow takes the datagrams that there are; it reports false where it has to wait for one.
func (b *batch) receiveNow(fd uintptr) bool {
	for i := range b.in {
		b.in[i].Namelen = unix.SizeofSockaddrInet6
		b.in[i].SetControllen(controlMax)
	}
	for {
		n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.in[0])), datagramsMax, unix.MSG_DONTWAIT, 0, 0)
		if b.taken, b.err = int(n), err; err == 0 {
			return true
		}
		if b.taken = 0; err != unix.EINTR {
			return err != unix.EAGAIN
		}
	}
}

// sendNow sends the answers; it reports false where it has to wait for room.
func (b *batch) sendNow(fd uintptr) bool {
	for b.sent < b.answered {
		n, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.out[b.sent])), uintptr(b.answered-b.sent), unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case 0:
			b.sent += int(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default: // of the first one: those behind it may still leave
			b.sent++
			b.failed++
		}
	}
	return true
}

// peer returns who sent datagram i, IPv4 as IPv4.
func (b *batch) peer(i int) netip.AddrPort {
	p := &b.peers[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&p.Port))[:])
	if p.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(p)).Addr), port)
	}
	a := netip.AddrFrom16(p.Addr).Unmap()
	if p.Scope_id != 0 {
		a = a.WithZone(strconv.FormatUint(uint64(p.Scope_id), 10))
	}
	return netip.AddrPortFrom(a, port)
}

// answer adds the answer to datagram i: it goes back to where that came from.
func (b *batch) answer(i int, text, control []byte) {
	h, data := &b.out[b.answered], &b.outData[b.answered]
	b.answers[b.answered] = text
	data.Base = &text[0]
	data.SetLen(len(text))
	h.Iov, h.Name, h.Namelen, h.Control = data, b.in[i].Name, b.in[i].Namelen, nil
	h.SetIovlen(1)
	h.SetControllen(len(control))
	if len(control) > 0 {
		h.Control = &control[0]
	}
	b.answered++
}

// readMany answers what comes in at a socket until ctx ends, many datagrams at once. It reports false where the kernel can't.
func (s *Server) readMany(ctx context.Context, c *net.UDPConn, d *desk) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	b := newBatch(raw)
	local := addressOf(c.LocalAddr()).Addr()
	wildcard := local.IsUnspecified()
	back := datagram{socket: c}
	for {
		if err := b.socket.Read(b.receive); err != nil { // closed, or told to end
			return true
		}
		switch {
		case b.err == unix.ENOSYS || b.err == unix.EPERM: // a sandbox that knows only the calls of old
			return false
		case b.err != 0 && !pause(ctx):
			return true
		}
		b.answered, b.sent, b.failed = 0, 0, 0
		for i := range b.taken {
			from := origin{client: b.peer(i), local: local}
			back.peer = from.client
			if wildcard {
				from.local, back.from = asked(b.controls[i][:min(b.in[i].Controllen, controlMax)])
			}
			d.out = b.answers[b.answered]
			if s.take(ctx, d, b.packets[i][:b.in[i].length], from, &back) {
				b.answer(i, d.out, back.from)
			}
		}
		if b.answered > 0 && b.socket.Write(b.send) != nil {
			b.failed += b.answered - b.sent
		}
		d.counts.unsent.Add(uint64(b.failed))
	}
}

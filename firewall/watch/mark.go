package watch

import (
	"net"
	"syscall"
)

// MarkOf returns the mark of the packet that opened an accepted TCP connection: in it stands the rule that the kernel let it
// in by, where [MarksArrive]. ok is false for connections without a socket, and where the kernel tells none.
func MarkOf(c net.Conn) (mark uint32, ok bool) {
	s, is := c.(syscall.Conn)
	if !is {
		return 0, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) { mark, ok = socketMark(fd) })
	return mark, ok && err == nil
}

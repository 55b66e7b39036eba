package dns

import (
	"net"
	"runtime"
	"syscall"
)

const (
	reusePort          = 15 // SO_REUSEPORT, which package syscall has not on all machines
	receiveBufferForce = 33 // SO_RCVBUFFORCE: over the limit of the system, for who may
)

func sharers() int { return runtime.GOMAXPROCS(0) }

func share(_, _ string, raw syscall.RawConn) error {
	var wrong error
	if err := raw.Control(func(fd uintptr) {
		wrong = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1)
	}); err != nil {
		return err
	}
	return wrong
}

// widen gives the socket a large buffer, or as large a one as it may have.
func widen(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, receiveBufferForce, bufferBytes) != nil {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferBytes)
		}
	})
}

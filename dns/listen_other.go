//go:build !linux

package dns

import (
	"net"
	"syscall"
)

func sharers() int { return 1 }

func share(_, _ string, _ syscall.RawConn) error { return nil }

func widen(c *net.UDPConn) { _ = c.SetReadBuffer(bufferBytes) }

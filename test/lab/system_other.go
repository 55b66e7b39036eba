//go:build !linux

package lab

import (
	"net/netip"
	"os"
	"syscall"
)

// Other systems have no network namespaces: New says so, and nothing below is reached.

func enter(*os.File) error { return ErrNoNamespaces }

func attributes() *syscall.SysProcAttr { return nil }

type rawSocket struct{}

func openRaw(netip.Addr) (*rawSocket, error) { return nil, ErrNoNamespaces }

func (*rawSocket) send([]byte) error { return ErrNoNamespaces }

func (*rawSocket) close() {}

//go:build !(linux && (amd64 || arm64))

package dns

import (
	"context"
	"net"
)

// readMany does nothing here: datagrams are read one by one.
func (s *Server) readMany(context.Context, *net.UDPConn, *desk) bool { return false }

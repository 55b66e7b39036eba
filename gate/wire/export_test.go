package wire

import (
	"io"
	"net/netip"
)

// ScanStream looks at a stream of HTTP/1 requests: how many heads it saw, what it refused, and whether it followed the
// stream to its end.
func ScanStream(r io.Reader) (heads int64, why string, followed bool) {
	var s scanner
	buf := make([]byte, 4096)
	for s.why == nil {
		n, err := r.Read(buf)
		s.feed(buf[:n])
		if err != nil {
			break
		}
	}
	if s.why != nil {
		why = s.why.Public
	}
	return s.heads, why, s.part != unknown
}

// SeenFrame is what the guard sees of a frame.
type SeenFrame struct {
	Length      int
	Kind, Flags byte
	Stream      uint32
	First       [4]byte
}

// ScanFrames returns the frames of a stream whose beginning is complete.
func ScanFrames(r io.Reader) []SeenFrame {
	var f frames
	var all []SeenFrame
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		f.feed(buf[:n], func(f frame) bool {
			all = append(all, SeenFrame{f.length, f.kind, f.flags, f.stream, f.first})
			return true
		})
		if err != nil {
			return all
		}
	}
}

// ReadProxyHeader reads a PROXY header.
func ReadProxyHeader(r io.Reader) (netip.AddrPort, error) { return readProxyHeader(r) }

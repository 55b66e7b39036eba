package wire

import (
	"io"
	"net/netip"
)

// Scanned is what a scanner saw of a stream of HTTP/1 requests.
type Scanned struct {
	Heads    int64
	Ends     []int64 // after how many bytes each message ended
	Why      string  // what was refused
	Followed bool    // to the end of the stream
}

// ScanStream looks at a stream of HTTP/1 requests, in pieces of so many bytes.
func ScanStream(stream []byte, piece int) Scanned {
	var s scanner
	var seen Scanned
	at, was := int64(0), startLine
	for len(stream) > 0 && s.why == nil {
		p := stream[:min(piece, len(stream))]
		stream = stream[len(p):]
		at += int64(s.feed(p))
		if piece == 1 && s.part == startLine && was != startLine && s.why == nil {
			seen.Ends = append(seen.Ends, at)
		}
		was = s.part
	}
	if s.why != nil {
		seen.Why = s.why.Public
	}
	seen.Heads, seen.Followed = s.heads, s.part != unknown
	return seen
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
			all = append(all, SeenFrame{f.length, f.kind, f.flags, f.stream, [4]byte(f.first[:4])})
			return true
		})
		if err != nil {
			return all
		}
	}
}

// ReadProxyHeader reads a PROXY header.
func ReadProxyHeader(r io.Reader) (netip.AddrPort, error) { return readProxyHeader(r) }

// NewFeed returns a scanner as a function, which reports whether what it is given passes.
func NewFeed() func([]byte) bool {
	var s scanner
	return func(p []byte) bool { return s.feed(p) == len(p) && s.why == nil }
}

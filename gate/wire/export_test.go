package wire

import "io"

// ScanStream looks at a stream of HTTP/1 requests: how many heads it saw, what it refused, and whether it followed the
// stream to its end.
func ScanStream(r io.Reader) (heads int64, why string, followed bool) {
	var s scanner
	buf := make([]byte, 4096)
	for s.why == "" {
		n, err := r.Read(buf)
		s.feed(buf[:n])
		if err != nil {
			break
		}
	}
	return s.heads, s.why, s.part != unknown
}

package proxy

import "encoding/binary"

// frames follows the frames of a WebSocket (RFC 6455 section 5.2) as bytes pass, to know where one ends: only there can
// another one be put in.
type frames struct {
	head [14]byte
	have int    // of head
	left uint64 // of the frame's data
}

// between reports whether the last frame is whole.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// feed takes the next bytes, and returns how many of them there are up to the first end of a frame; -1 where there is none.
func (f *frames) feed(p []byte) int {
	first := -1
	for at := 0; at < len(p); {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)-at))
			f.left -= n
			at += int(n)
		} else {
			f.head[f.have] = p[at]
			f.have++
			at++
			if f.have < f.want() {
				continue
			}
			f.left, f.have = f.length(), 0
		}
		if f.left == 0 && first < 0 {
			first = at
		}
	}
	return first
}

// want returns how long the head is, as far as is known.
func (f *frames) want() int {
	if f.have < 2 {
		return 2
	}
	n := 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += 4 // the mask
	}
	return n
}

func (f *frames) length() uint64 {
	switch n := f.head[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(n)
	}
}

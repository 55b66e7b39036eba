package wire

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// prefaceSize is how many bytes a client says before its first frame (RFC 9113 section 3.4).
const prefaceSize = 24

// The frame types of RFC 9113 section 6 that are told apart.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameGoAway       = 0x7
	frameContinuation = 0x9
)

// The codes of errors (RFC 9113 section 7) with which the server ends a connection for a head that goes on and on.
const (
	errProtocol    = 0x1
	errCompression = 0x9
)

// The flags of frames.
const (
	flagEndStream  = 0x1 // of DATA and HEADERS
	flagAck        = 0x1 // of SETTINGS and PING
	flagEndHeaders = 0x4
	flagPadded     = 0x8
)

// frame is the beginning of one frame.
type frame struct {
	length int
	kind   byte
	flags  byte
	stream uint32
	first  [8]byte // of the payload, where it has so many
}

// frames finds the frames in a stream of bytes as it passes. It decodes nothing: nine bytes of each frame, and the first
// eight behind them, are all that it looks at.
type frames struct {
	skip int // bytes until the next frame begins: what is left of a preface or a payload
	head [17]byte
	have int
}

// feed looks at the next bytes, and tells take of each frame whose beginning is complete. It stops where take returns
// false.
func (f *frames) feed(p []byte, take func(frame) bool) bool {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(p))
			f.skip -= n
			p = p[n:]
			continue
		}
		need := 9
		if f.have >= 9 {
			need = 9 + min(8, f.length())
		}
		n := copy(f.head[f.have:need], p)
		f.have += n
		p = p[n:]
		if f.have < need || need == 9 && f.length() > 0 {
			continue
		}
		length := f.length()
		next := frame{length: length, kind: f.head[3], flags: f.head[4], stream: binary.BigEndian.Uint32(f.head[5:]) &^ (1 << 31)}
		copy(next.first[:], f.head[9:f.have])
		f.skip, f.have = length-(f.have-9), 0
		if !take(next) {
			return false
		}
	}
	return true
}

// inHead reports whether the bytes so far end in a frame that is, or may become, a part of a request's head. head says
// whether the last frame that take was told of is one.
func (f *frames) inHead(head bool) bool {
	if f.have >= 9 {
		return f.head[3] == frameHeaders || f.head[3] == frameContinuation
	}
	return f.have > 0 || head && f.skip > 0
}

// between reports whether the bytes so far end where a frame ends.
func (f *frames) between() bool { return f.skip == 0 && f.have == 0 }

func (f *frames) length() int { return int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2]) }

// allowance is how much of something a connection may do at once, and how much of that comes back each second. The clock
// is asked only when it is used up, so that frames that everybody sends cost nothing.
type allowance struct {
	burst, perSecond float64
	spent            float64
	since            time.Time
}

// take spends n, and reports whether it was there.
func (a *allowance) take(n float64, now func() time.Time) bool {
	if a.spent += n; a.spent <= a.burst {
		return true
	}
	t := now()
	if !a.since.IsZero() {
		a.spent = max(n, a.spent-t.Sub(a.since).Seconds()*a.perSecond)
	}
	a.since = t
	return a.spent <= a.burst
}

// back gives n back.
func (a *allowance) back(n float64) { a.spent = max(0, a.spent-n) }

const (
	blockBytesMax  = 64 << 10 // of one header block as it is sent: far over what can become 16 KiB of headers
	blockFramesMax = 16       // CONTINUATION frames of one
)

// conduct judges what a client does on a connection of HTTP/2, by its frames and by our answers to them.
type conduct struct {
	now func() time.Time

	resets  allowance // RST_STREAM: the client gives up what it asked for (CVE-2023-44487)
	control allowance // frames that carry no request and no answer
	empty   allowance // DATA and CONTINUATION with nothing in them

	blockBytes, blockFrames int           // of the header block that is being sent
	inBlock                 bool          // whether its last frame has not begun
	inHead                  bool          // whether the payload that is being sent is of one
	last                    atomic.Uint32 // the newest stream
	long                    atomic.Bool   // whether the newest block has what a head may have, and more
}

func (c *conduct) begin(now func() time.Time) {
	t := now()
	c.now = now
	c.resets = allowance{burst: 500, perSecond: 50, since: t}
	c.control = allowance{burst: 2000, perSecond: 200, since: t}
	c.empty = allowance{burst: 200, perSecond: 20, since: t}
}

// take judges a frame of the client. served is how many frames of answers went out since the last call: who gets answers
// has reason to speak of windows and to measure the way. It returns what there was too much of, or "".
func (c *conduct) take(f frame, served int64) string {
	c.control.back(4 * float64(served))
	if c.inHead = f.kind == frameHeaders || f.kind == frameContinuation; c.inHead {
		c.inBlock = f.flags&flagEndHeaders == 0
	}
	switch f.kind {
	case frameData:
		return c.takeData(f)
	case frameHeaders:
		if f.stream > c.last.Load() {
			c.last.Store(f.stream)
		}
		c.blockBytes, c.blockFrames = f.length, 0
		c.noteLong()
	case frameContinuation:
		c.blockBytes += f.length
		c.noteLong()
		if c.blockFrames++; c.blockFrames > blockFramesMax || c.blockBytes > blockBytesMax {
			return "a header block that goes on and on in CONTINUATION frames"
		}
		if f.length == 0 && f.flags&flagEndHeaders == 0 && !c.empty.take(1, c.now) {
			return "empty frames"
		}
	case frameReset:
		if !c.resets.take(1, c.now) {
			return "streams that were opened and reset"
		}
	default:
		if !c.control.take(costOf(f), c.now) {
			return "frames that carry nothing (SETTINGS, PING, PRIORITY, WINDOW_UPDATE and the like)"
		}
	}
	return ""
}

// noteLong notes whether a header block is so long that the server may end the connection for it.
func (c *conduct) noteLong() {
	if long := c.blockBytes >= HeadBytesMax; long != c.long.Load() {
		c.long.Store(long)
	}
}

func (c *conduct) takeData(f frame) string {
	size := f.length
	if f.flags&flagPadded != 0 && size > 0 {
		size -= 1 + int(f.first[0])
	}
	if size > 0 {
		c.control.back(1)
		return ""
	}
	if f.flags&flagEndStream == 0 && !c.empty.take(1, c.now) {
		return "empty frames"
	}
	return ""
}

// costOf is what a frame costs that carries no request: what has to be answered costs more.
func costOf(f frame) float64 {
	switch {
	case f.flags&flagAck != 0:
		return 1
	case f.kind == frameSettings:
		return 40
	case f.kind == framePing:
		return 5
	}
	return 1
}

// provoked judges our own RST_STREAM frames: a client can make the server give up a stream, and with it the limit of
// streams, by breaking the rules on it (CVE-2025-8671, MadeYouReset). What is left of a body that was refused can also be
// answered so, again and again for one stream: that counts once.
type provoked struct {
	streams allowance
	again   allowance
	recent  [16]uint32
	at      int
}

func newProvoked(now time.Time) provoked {
	return provoked{
		streams: allowance{burst: 100, perSecond: 5, since: now},
		again:   allowance{burst: 2000, perSecond: 100, since: now},
	}
}

func (p *provoked) take(f frame, now func() time.Time) string {
	switch binary.BigEndian.Uint32(f.first[:]) {
	case 0x0, 0x2, 0x8: // NO_ERROR, INTERNAL_ERROR, CANCEL: our own will
		return ""
	}
	const why = "broken frames that make the server reset streams"
	for _, id := range p.recent {
		if id == f.stream {
			if !p.again.take(1, now) {
				return why
			}
			return ""
		}
	}
	p.recent[p.at%len(p.recent)] = f.stream
	p.at++
	if !p.streams.take(1, now) {
		return why
	}
	return ""
}

package http1

import (
	"bytes"
	"errors"
	"io"
)

// state is where in the body of an answer a connection is.
type state uint8

const (
	noHead    state = iota // no head was read
	byLength               // left bytes
	byClose                // until the upstream closes
	chunkSize              // the size line of a chunk
	chunkData              // left bytes of it
	chunkEnd               // the line end after them
	trailers
	done
)

const (
	chunkLineMax   = 1 << 10 // bytes of the size line of a chunk, with its extensions
	trailerMax     = 8 << 10 // bytes of all trailers
	trailerLineMax = 50
)

// Done reports whether all of the answer was read.
func (c *Conn) Done() bool { return c.state == done }

// Waiting reports whether the next part has to be waited for: nothing of it lies in the buffer.
func (c *Conn) Waiting() bool { return c.state != done && c.r == c.w }

// Next returns the next part of the body, where it lies: it is valid until the next call. After the last part it returns
// io.EOF. A connection that ends before is an *Error.
func (c *Conn) Next() ([]byte, error) {
	for {
		switch c.state {
		case byLength, chunkData:
			if c.r == c.w {
				if err := c.refill(); err != nil {
					return nil, err
				}
			}
			n := int(min(c.left, int64(c.w-c.r)))
			part := c.in[c.r : c.r+n]
			c.r += n
			if c.left -= int64(n); c.left == 0 {
				if c.state = done; c.chunked {
					c.state = chunkEnd
				}
				c.settle()
			}
			return part, nil
		case byClose:
			return c.untilClose()
		case chunkSize, chunkEnd, trailers:
			if err := c.betweenChunks(); err != nil {
				return nil, err
			}
		case noHead, done:
			return nil, io.EOF
		}
	}
}

// settle goes on to the end of a chunked body where the buffer holds it, so that the last part is known to be the last.
func (c *Conn) settle() {
	for c.state == chunkEnd || c.state == chunkSize || c.state == trailers {
		have := c.in[c.r:c.w]
		switch c.state { //nolint:exhaustive // the three of the loop
		case chunkEnd:
			if len(have) < 2 {
				return
			}
		case chunkSize:
			if !bytes.HasPrefix(have, []byte("0\r\n")) {
				return
			}
		case trailers:
			if !bytes.HasPrefix(have, []byte("\r\n")) {
				return
			}
		}
		if c.betweenChunks() != nil {
			return // what is wrong is found again by Next
		}
	}
}

// refill reads into an empty buffer.
func (c *Conn) refill() error {
	c.r, c.w = 0, 0
	return c.fill()
}

func (c *Conn) untilClose() ([]byte, error) {
	if c.r == c.w {
		err := c.refill()
		if e, ok := errors.AsType[*Error](err); ok && e.clean {
			c.state = done
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
	}
	part := c.in[c.r:c.w]
	c.r = c.w
	return part, nil
}

// betweenChunks reads the line between two parts of a chunked body (RFC 9112 section 7.1).
func (c *Conn) betweenChunks() error {
	switch c.state {
	case chunkEnd:
		for c.w-c.r < 2 {
			if err := c.fill(); err != nil {
				return err
			}
		}
		if c.in[c.r] != '\r' || c.in[c.r+1] != '\n' {
			return bad("a chunk is longer than its size says")
		}
		c.r += 2
		c.state = chunkSize
	case chunkSize:
		line, err := c.line(chunkLineMax)
		if err != nil {
			return err
		}
		n, ok := chunkLength(line)
		if !ok {
			return bad("the size of a chunk can't be read")
		}
		if c.left, c.state = n, chunkData; n == 0 {
			c.state = trailers
		}
	default:
		return c.readTrailers()
	}
	return nil
}

func (c *Conn) readTrailers() error {
	for c.w-c.r < 2 {
		if err := c.fill(); err != nil {
			return err
		}
	}
	if c.in[c.r] == '\r' && c.in[c.r+1] == '\n' {
		c.r += 2
		c.state = done
		return nil
	}
	block, err := c.block(trailerMax)
	if err != nil {
		return err
	}
	if c.trailer, err = appendFields(nil, block, trailerLineMax); err != nil {
		return err
	}
	c.state = done
	return nil
}

// line reads a line that ends in CR LF, and returns it without them.
func (c *Conn) line(limit int) ([]byte, error) {
	for {
		have := c.in[c.r:c.w]
		if end := bytes.IndexByte(have, '\n'); end >= 0 {
			if end == 0 || have[end-1] != '\r' {
				return nil, bad("a line between chunks does not end in CR LF")
			}
			c.r += end + 1
			return have[:end-1], nil
		}
		if len(have) >= limit {
			return nil, bad("the size line of a chunk is too long")
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// chunkLength reads a size line: hexadecimal digits, then perhaps extensions, which mean nothing to us.
func chunkLength(line []byte) (int64, bool) {
	size, extensions, _ := bytes.Cut(line, []byte(";"))
	size = bytes.TrimRight(size, " \t")
	if len(size) == 0 || len(size) > 15 || !plain(string(extensions)) {
		return 0, false
	}
	var n int64
	for _, c := range size {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

package rpc

import (
	"errors"
	"io"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"
)

// gunzip unpacks a message, as far as its limit. Its errors have the code that connect hands on; it knows no call.
type gunzip struct {
	gzip.Reader

	most, left int64
	used       bool  // it has unpacked something once
	broken     error // what is not even the beginning of something packed
}

var errNotPacked = errors.New("it is said to be packed by gzip, and is not")

// Reset begins another message.
func (g *gunzip) Reset(from io.Reader) error {
	g.left = g.most
	if g.broken = g.Reader.Reset(from); g.broken == nil {
		g.used = true
	}
	return nil // Read says it, where connect keeps the code
}

// Read reads on.
func (g *gunzip) Read(p []byte) (int, error) {
	if g.broken != nil {
		return 0, connect.NewError(connect.CodeInvalidArgument, errNotPacked)
	}
	n, err := g.Reader.Read(p)
	if g.left -= int64(n); g.left < 0 {
		return n, connect.NewError(connect.CodeResourceExhausted, tooLarge(g.most))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = connect.NewError(connect.CodeInvalidArgument, errNotPacked)
	}
	return n, err
}

// Close ends a message.
func (g *gunzip) Close() error {
	if !g.used {
		return nil
	}
	return g.Reader.Close()
}

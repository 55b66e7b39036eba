package rpc

import (
	"errors"
	"io"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/roundtrip-dev/roundtrip"
)

// gunzip unpacks a message, as far as its limit.
type gunzip struct {
	gzip.Reader

	most, left int64
}

// Reset begins another message.
func (g *gunzip) Reset(from io.Reader) error {
	g.left = g.most
	return g.Reader.Reset(from)
}

// Read reads on. What would be too large is refused in our words; connect knows no call here, so that its journey is not named.
func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if g.left -= int64(n); g.left >= 0 {
		return n, err
	}
	e := roundtrip.AsError(tooLarge(g.most))
	out := connect.NewError(connect.Code(e.Kind.GRPC()), errors.New(e.Message()))
	for _, d := range e.StatusDetails("") {
		if detail, err := connect.NewErrorDetail(&anypb.Any{TypeUrl: roundtrip.StatusType + d.Type, Value: d.Value}); err == nil {
			out.AddDetail(detail)
		}
	}
	return n, out
}

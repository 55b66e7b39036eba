package rpc

import (
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// message is a message that came in: its bytes as they are. They lie in a buffer of the door's; nil: connect saw no byte.
type message struct{ bytes *[]byte }

// codec hands messages through as bytes, so that what reads and writes them may know the schema and make no objects of them.
// connect looks for its methods beside those of [connect.Codec] by their form alone.
type codec struct {
	door   *Door
	name   string
	format wire.Format
}

// codecs replaces all of connect's codecs.
func (d *Door) codecs() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithCodec(&codec{door: d, name: "proto", format: wire.Proto}),
		connect.WithCodec(&codec{door: d, name: "json", format: wire.JSON}),
		connect.WithCodec(&codec{door: d, name: "json; charset=utf-8", format: wire.JSON}),
	}
}

// Name is the codec's name in content types.
func (c *codec) Name() string { return c.name }

// MarshalAppend appends a message where connect wants it.
func (c *codec) MarshalAppend(b []byte, m any) ([]byte, error) {
	switch m := m.(type) {
	case *answered:
		return append(b, m.bytes...), nil
	case proto.Message: // connect's own: the status of an error
		return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	}
	return nil, fmt.Errorf("rpc: %T is no message", m)
}

// Marshal returns a message.
func (c *codec) Marshal(m any) ([]byte, error) { return c.MarshalAppend(nil, m) }

// MarshalStable returns a message: all of ours have one form.
func (c *codec) MarshalStable(m any) ([]byte, error) { return c.MarshalAppend(nil, m) }

// IsBinary reports whether messages are no text.
func (c *codec) IsBinary() bool { return c.format == wire.Proto }

// Unmarshal keeps the bytes of a message. They are connect's own, so they are copied.
func (c *codec) Unmarshal(b []byte, m any) error {
	in, ok := m.(*message)
	if !ok {
		return fmt.Errorf("rpc: %T is no message", m)
	}
	in.bytes, _ = c.door.buffers.Get().(*[]byte)
	*in.bytes = append((*in.bytes)[:0], b...)
	return nil
}

// giveBack takes a buffer for the next message; nil is none.
func (d *Door) giveBack(buffer *[]byte) {
	if buffer != nil {
		*buffer = keep(*buffer)
		d.buffers.Put(buffer)
	}
}

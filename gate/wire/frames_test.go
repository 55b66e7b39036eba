package wire_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// FuzzFrames compares with a reader of frames: whatever way the bytes come in, the guard must see the same frames, or a
// flood would pass it by.
func FuzzFrames_AreFoundAsAReaderFindsThem(f *testing.F) {
	var b bytes.Buffer
	w := http2.NewFramer(&b, nil)
	w.AllowIllegalWrites = true
	for _, err := range []error{
		w.WriteSettings(http2.Setting{ID: 1, Val: 2}), w.WritePing(true, [8]byte{}), w.WriteData(3, false, nil), w.WriteDataPadded(3, true, []byte("a"), []byte{0}),
		w.WriteRSTStream(3, 8), w.WriteRawFrame(0xff, 0xff, 1<<31-1, make([]byte, 300)), w.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: []byte("abc")}),
	} {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte{0, 0, 2, 0, 0, 0, 0, 0, 1, 7})
	f.Fuzz(func(t *testing.T, stream []byte) {
		want := read(stream)
		for name, r := range map[string]io.Reader{"whole": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)), "in halves": iotest.HalfReader(bytes.NewReader(stream))} {
			got := wire.ScanFrames(r)
			if len(got) < len(want) || len(got) > len(want)+1 { // one more: its payload did not come whole
				t.Fatalf("%s: %d frames, want %d", name, len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: frame %d is %v, want %v", name, i, got[i], want[i])
				}
			}
		}
	})
}

// read reads frames one after the other, each as a whole.
func read(stream []byte) []wire.SeenFrame {
	var all []wire.SeenFrame
	for r := bytes.NewReader(stream); ; {
		head, err := http2.ReadFrameHeader(r)
		if err != nil {
			return all
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return all
		}
		s := wire.SeenFrame{Length: int(head.Length), Kind: byte(head.Type), Flags: byte(head.Flags), Stream: head.StreamID}
		copy(s.First[:], payload)
		all = append(all, s)
	}
}

package proxy

import (
	"bytes"
	"io"
	"os"
)

// spoolMemory is how much of a body that is read whole is kept in memory; the rest lies in a file.
const spoolMemory = 1 << 20

// spool is a body that was read whole, so that a slow client keeps no upstream busy. It can be read again.
type spool struct {
	memory []byte
	file   *os.File // without a name, nil where the memory is enough
	size   int64
}

// readAll reads all of the body before an upstream is bothered.
func (f *forward) readAll() error {
	s := &spool{}
	f.spool = s
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(f.r.Body, spoolMemory))
	s.memory, s.size = b.Bytes(), n
	if err != nil || n < spoolMemory {
		return err
	}
	if s.file, err = os.CreateTemp("", "roundtrip-body-*"); err != nil {
		return err
	}
	if err := os.Remove(s.file.Name()); err != nil {
		return err
	}
	n, err = io.Copy(s.file, f.r.Body)
	s.size += n
	return err
}

// reader returns the body from its beginning.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.memory)
	}
	return io.MultiReader(bytes.NewReader(s.memory), io.NewSectionReader(s.file, 0, s.size-int64(len(s.memory))))
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // it has no name any more: nothing stays behind
	}
}

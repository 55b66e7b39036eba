// Package serial gives zones their serial numbers: one that has grown for each new content, and the same one for the same
// content, also after a restart. A secondary copies a zone only when its serial has grown, so a serial that went back would
// cut it off from every later change.
package serial

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip/internal/atomicfile"
)

// FileName is the name of the book's file in the data folder.
const FileName = "dns-serials.json"

// Book remembers the last serial of each zone, and of which content it was. It is safe for use by many goroutines; one
// process alone may have it open, which the lock of the data folder sees to.
type Book struct {
	path string

	mu    sync.Mutex // guards zones, and the file
	zones map[string]entry
}

// entry is one zone in the file.
type entry struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"digest"` // 64 hex digits
}

// file is the whole book on the disk.
type file struct {
	Zones map[string]entry `json:"zones"`
}

// Open reads the book in a folder, or begins an empty one where there is none yet. It writes nothing.
func Open(dir string) (*Book, error) {
	b := &Book{path: filepath.Join(dir, FileName), zones: map[string]entry{}}
	content, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the serials of zones: %w", err)
	}
	var f file
	if err := json.Unmarshal(content, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, damaged(b.path, err)
	}
	if f.Zones == nil {
		return nil, damaged(b.path, errors.New(`it has no "zones"`))
	}
	for name, e := range f.Zones {
		if d, err := hex.DecodeString(e.Digest); err != nil || len(d) != 32 {
			return nil, damaged(b.path, fmt.Errorf("the digest of %s is not 64 hex digits", name))
		}
	}
	b.zones = f.Zones
	return b, nil
}

func damaged(path string, why error) error {
	return fmt.Errorf("%s is damaged (%w). It holds the serials that secondary name servers have seen. Take it from a backup; or, "+
		"where there is none, delete it: serials then begin anew at the present time, and a secondary whose serial is higher "+
		"(ask it: dig SOA) must be told to copy the zone afresh", path, why)
}

// Next returns the serial of a zone whose content has that digest: the last one where the digest is the same, else one that
// is greater (RFC 1982): the time in seconds since 1970, or the last one plus 1 where that is ahead. It is on the disk when
// Next returns; where that fails, there is an error and nothing has changed.
func (b *Book) Next(zone string, digest [32]byte, now time.Time) (uint32, error) {
	return b.next(zone, digest, func(last entry, known, same bool) uint32 {
		switch t := uint32(now.Unix()); {
		case same:
			return last.Serial
		case !known || Greater(t, last.Serial):
			return t
		}
		return after(last.Serial)
	})
}

// NextFrom is Next for a zone whose SOA was written by hand. The serial that was written is taken as it stands where it is
// greater than the last one. Where it is not, although the content has changed, the last one plus 1 is.
func (b *Book) NextFrom(zone string, digest [32]byte, written uint32) (uint32, error) {
	return b.next(zone, digest, func(last entry, known, same bool) uint32 {
		switch {
		case !known || Greater(written, last.Serial):
			return written
		case same:
			return last.Serial
		}
		return after(last.Serial)
	})
}

// Last returns the last serial that was given to a zone.
func (b *Book) Last(zone string) (uint32, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.zones[zone]
	return e.Serial, ok
}

// next lets choose find the serial, and returns it once it is on the disk.
func (b *Book) next(zone string, digest [32]byte, choose func(last entry, known, same bool) uint32) (uint32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, known := b.zones[zone]
	e := entry{Digest: hex.EncodeToString(digest[:])}
	e.Serial = choose(last, known, known && last.Digest == e.Digest)
	if e == last {
		return e.Serial, nil
	}
	zones := maps.Clone(b.zones)
	zones[zone] = e
	content, err := json.Marshal(file{Zones: zones}, json.Deterministic(true), jsontext.Multiline(true))
	if err == nil {
		err = atomicfile.Write(b.path, append(content, '\n'), 0o600)
	}
	if err != nil {
		return 0, fmt.Errorf("keeping the serial of %s: %w", zone, err)
	}
	b.zones = zones
	return e.Serial, nil
}

// Greater reports whether serial a is greater than b, in the arithmetic of RFC 1982: the numbers go round, and a is greater
// when it lies less than 2^31 ahead. Of two that are exactly 2^31 apart neither is.
func Greater(a, b uint32) bool { return a != b && a-b < 1<<31 }

// after returns the next serial. 0 is left out: some programs take it for none.
func after(last uint32) uint32 { return max(last+1, 1) }

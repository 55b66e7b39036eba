// Package places knows where in the declaration stands what a hop of a journey decided by: FILE:LINE:COLUMN, of the file as
// it was when the journey was made. It keeps the last declarations that were in force, and what changed from each to the next.
package places

import (
	"slices"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// generationsMax is how many declarations are kept. Journeys of older ones are shown without places.
const generationsMax = 32

// Book is the memory of declarations. It is safe for use by many goroutines; the zero Book is empty. What it is asked is
// worked out then, and nothing of it when a declaration comes into force.
type Book struct {
	mu    sync.Mutex // guards pages
	pages []*page    // oldest first
}

// page is one declaration.
type page struct {
	Generation

	config *config.Config
	source []byte
	read   sync.Once
	keys   *config.Outline
	told   sync.Once // Changes are there
}

// Generation is one declaration that was in force.
type Generation struct {
	Number  uint32          `json:"number"`
	At      time.Time       `json:"at"` // when it came into force
	File    string          `json:"file"`
	Changes []config.Change `json:"changes"` // from the one before it; empty where that is the first or forgotten
}

// outline reads the text of the declaration when it is first asked for.
func (p *page) outline() *config.Outline {
	p.read.Do(func() { p.keys = config.NewOutline(p.config.File, p.source) })
	return p.keys
}

// Enter notes the declaration that is in force from now on, with the text of its file.
func (b *Book) Enter(generation uint32, c *config.Config, file []byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pages) == generationsMax {
		b.pages = slices.Delete(b.pages, 0, 1)
	}
	b.pages = append(b.pages, &page{Generation: Generation{Number: generation, At: at, File: c.File}, config: c, source: file})
}

func (b *Book) page(generation uint32) *page {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pages {
		if p.Number == generation {
			return p
		}
	}
	return nil
}

// Where returns the place of what the hop decided by, "" where it is by nothing that is declared, or the declaration is
// forgotten. It is a [trace.Places].
func (b *Book) Where(generation uint32, h *trace.Hop) string {
	p := b.page(generation)
	if p == nil {
		return ""
	}
	if at := p.where(h); at.Line > 0 {
		return at.String()
	}
	return ""
}

// Diff returns what differs between two declarations, in the order of the second; nothing where one of them is forgotten.
func (b *Book) Diff(a, z uint32) []config.Change {
	first, second := b.page(a), b.page(z)
	if first == nil || second == nil {
		return nil
	}
	return config.Diff(first.outline(), second.outline())
}

// Generations returns the declarations that are kept, the newest first.
func (b *Book) Generations() []Generation {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	pages := slices.Clone(b.pages)
	b.mu.Unlock()
	all := make([]Generation, 0, len(pages))
	for i := len(pages) - 1; i >= 0; i-- {
		p := pages[i]
		p.told.Do(func() {
			p.Changes = []config.Change{}
			if i > 0 {
				p.Changes = append(p.Changes, config.Diff(pages[i-1].outline(), p.outline())...)
			}
		})
		all = append(all, p.Generation)
	}
	return all
}

// Key returns the place of a key of the declaration, such as Key(3, "store", "pool"), or of the nearest block around it that
// is written; "" where none is.
func (b *Book) Key(generation uint32, path ...string) string {
	p := b.page(generation)
	if p == nil {
		return ""
	}
	if at := p.key(path...); at.Line > 0 {
		return at.String()
	}
	return ""
}

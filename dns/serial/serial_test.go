package serial_test

import (
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/serial"
)

func open(t *testing.T, dir string) *serial.Book {
	t.Helper()
	b, err := serial.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func digest(content string) [32]byte { return sha256.Sum256([]byte(content)) }

func at(seconds int64) time.Time { return time.Unix(seconds, 0) }

// D63 of the study.
func TestGreater_GoesRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b uint32
		want bool
	}{
		{1, 0, true},
		{0, 1, false},
		{7, 7, false},
		{0, math.MaxUint32, true},
		{math.MaxUint32, 0, false},
		{100, math.MaxUint32 - 100, true},
		{1<<31 - 1, 0, true},
		{1 << 31, 0, false}, // exactly half the way: not defined by RFC 1982, and neither is greater here
		{0, 1 << 31, false},
		{1<<31 + 1, 0, false},
		{0, 1<<31 + 1, true},
	} {
		if got := serial.Greater(c.a, c.b); got != c.want {
			t.Errorf("Greater(%d, %d) = %v", c.a, c.b, got)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		first uint32 // 0: none
		again bool   // the same content
		now   int64
		want  uint32
	}{
		{"a new zone takes the time", 0, false, 1795867200, 1795867200},
		{"the same content keeps its serial", 1000, true, 1795867200, 1000},
		{"a change takes the time", 1000, false, 1795867200, 1795867200},
		{"two changes in a second differ", 1795867200, false, 1795867200, 1795867201},
		{"a clock that was set back does no harm", 1795867200, false, 1795860000, 1795867201},
		{"a serial that is made of a date goes on by one", 2026112801, false, 1795867200, 2026112802},
		{"one before the end of the circle", math.MaxUint32 - 1, false, 4294967000, math.MaxUint32},
		{"the end of the circle leaves out 0", math.MaxUint32, false, 4294967000, 1},
		{"the time goes round as well", math.MaxUint32 - 5, false, 1<<32 + 77, 77},
		{"a serial of another half of the circle goes on by one", 1795867200 + 1<<31, false, 1795867200, 1795867201 + 1<<31},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := open(t, dir)
			content := "new"
			if c.first != 0 {
				if _, err := b.NextFrom("example.test", digest("old"), c.first); err != nil {
					t.Fatal(err)
				}
				if c.again {
					content = "old"
				}
			}
			for _, book := range []*serial.Book{b, open(t, dir)} { // the second one comes after a restart
				got, err := book.Next("example.test", digest(content), at(c.now))
				if err != nil || got != c.want {
					t.Errorf("the serial is %d, %v; want %d", got, err, c.want)
				}
				if last, ok := book.Last("example.test"); !ok || last != c.want {
					t.Errorf("the last serial is %d, %v; want %d", last, ok, c.want)
				}
			}
		})
	}
}

func TestNextFrom_TakesWhatWasWritten(t *testing.T) {
	t.Parallel()
	b := open(t, t.TempDir())
	for _, step := range []struct {
		content       string
		written, want uint32
	}{
		{"a", 7, 7},
		{"a", 7, 7},
		{"b", 7, 8},     // changed, and the serial was forgotten
		{"b", 7, 8},     // a reload
		{"b", 100, 100}, // raised by hand, for no change: it is done
		{"c", 101, 101},
		{"d", 5, 102}, // went back
	} {
		if got, err := b.NextFrom("example.test", digest(step.content), step.written); err != nil || got != step.want {
			t.Fatalf("content %s, %d written: the serial is %d, %v; want %d", step.content, step.written, got, err, step.want)
		}
	}
}

func TestBook_IsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	var all sync.WaitGroup
	zones := []string{"a.test", "b.test", "c.test", "d.test"}
	for i, zone := range zones {
		all.Go(func() {
			for k := range 5 {
				if _, err := b.Next(zone, digest(zone+string(rune('0'+k))), at(int64(1000*(i+1)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	again := open(t, dir)
	for i, zone := range zones {
		if got, ok := again.Last(zone); !ok || got != uint32(1000*(i+1)+4) {
			t.Errorf("%s has %d, %v", zone, got, ok)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, serial.FileName)); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

// What a crash in the middle of a write leaves: the old book, and a part of the new one under another name.
func TestOpen_AfterACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := open(t, dir).Next("example.test", digest("one"), at(1000)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, serial.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".new-123"), whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	if got, err := b.Next("example.test", digest("one"), at(2000)); err != nil || got != 1000 {
		t.Errorf("the same content has %d, %v", got, err)
	}
	if got, err := b.Next("example.test", digest("two"), at(2000)); err != nil || got != 2000 {
		t.Errorf("new content has %d, %v", got, err)
	}
}

func TestNext_GivesNothingThatIsNotKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	if _, err := b.Next("example.test", digest("one"), at(1000)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Next("example.test", digest("two"), at(2000)); err == nil {
		t.Errorf("%d was given, and is written nowhere", got)
	}
	if got, _ := b.Last("example.test"); got != 1000 {
		t.Errorf("the book says %d, the disk 1000", got)
	}
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Next("example.test", digest("two"), at(2000)); err != nil || got != 2000 {
		t.Errorf("once the disk is back: %d, %v", got, err)
	}
}

func TestOpen_SaysHowToGoOnWithADamagedFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":        "",
		"cut off":      `{"zones": {"example.test": {"serial": 10`,
		"no zones":     `{}`,
		"no number":    `{"zones": {"example.test": {"serial": "ten", "digest": "` + strings.Repeat("0", 64) + `"}}}`,
		"too large":    `{"zones": {"example.test": {"serial": 4294967296, "digest": "` + strings.Repeat("0", 64) + `"}}}`,
		"short digest": `{"zones": {"example.test": {"serial": 10, "digest": "00"}}}`,
		"other words":  `{"zones": {}, "more": 1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), serial.FileName)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := serial.Open(filepath.Dir(path))
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, word := range []string{path, "damaged", "backup", "delete"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %s", err, word)
				}
			}
		})
	}
}

package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Last returns the newest n entries, the newest first: of everybody, or those of who alone where it is not "".
func (l *Log) Last(n int, who string) ([]Entry, error) {
	l.mu.Lock() // no rotation meanwhile
	defer l.mu.Unlock()
	list := []Entry{}
	for i := 0; i <= l.files && len(list) < n; i++ {
		text, err := os.ReadFile(l.path(i))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		lines := bytes.Split(text, []byte("\n"))
		for _, line := range slices.Backward(lines) {
			var e Entry
			if len(line) == 0 || json.Unmarshal(line, &e) != nil || who != "" && e.Who != who {
				continue // what can't be read was said to be broken when the log was opened
			}
			if list = append(list, e); len(list) == n {
				break
			}
		}
	}
	return list, nil
}

// Verify reads all files of what operators did, the oldest first, and says where the chain is broken, "" where it holds.
func Verify(dir string) (broken string, entries uint64, err error) {
	return verify(place{dir, File, FilesMax})
}

// VerifyRefused is Verify of those who were turned away.
func VerifyRefused(dir string) (broken string, entries uint64, err error) {
	return verify(place{dir, RefusedFile, RefusedFilesMax})
}

func verify(l place) (broken string, entries uint64, err error) {
	chain, known := "", false
	for i := l.files; i >= 0; i-- {
		text, err := os.ReadFile(l.path(i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", entries, err
		}
		if len(text) == 0 {
			continue
		}
		if first := readLine(text); known && first.After != chain {
			return fmt.Sprintf("line 1 of %s does not follow the file before it", l.path(i)), entries, nil
		}
		last, next, wrong := check(text)
		if wrong != "" {
			return l.path(i) + ": " + wrong, entries, nil
		}
		entries, chain, known = last, next, true
	}
	return "", entries, nil
}

// readLine reads the first line of a file; what can't be read is the zero Entry.
func readLine(text []byte) (e Entry) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if json.Unmarshal(line, &e) != nil {
		return Entry{}
	}
	return e
}

// check follows the chain of one file. It returns the number of its last entry, the chain behind it, and what is wrong. It
// goes on behind a break, so that new entries are bound to what stands there.
func check(text []byte) (last uint64, chain, wrong string) {
	chain = readLine(text).After
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var e Entry
		at := bytes.LastIndex(line, []byte(`,"chain":"`))
		switch err := json.Unmarshal(line, &e); {
		case err != nil || at < 0:
			wrong = first(wrong, fmt.Sprintf("line %d is no entry", n+1))
			continue
		case link(chain, line[:at]) != e.Chain:
			wrong = first(wrong, fmt.Sprintf("entry %d was changed, or one before it is missing", e.N))
		case last != 0 && e.N != last+1:
			wrong = first(wrong, fmt.Sprintf("entry %d follows entry %d", e.N, last))
		}
		last, chain = e.N, e.Chain
	}
	return last, chain, wrong
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

package zone

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
)

// Bounds of zone files.
const (
	maxFileBytes    = 256 << 20
	maxIncludeDepth = 8
	maxMistakes     = 100 // of one zone: a file of another kind would have one in each line
)

// recordWords says what a record is.
const recordWords = "name, perhaps a TTL, type and data, such as: www 300 A 203.0.113.10"

// source reads records out of zone files and of lines of the declaration. Records are cut apart here and read one by one, so
// that a mistake in one of them does not hide those behind it.
type source struct {
	*drafts
	origin string // what names without a dot at their end lie below, with a dot at its end
	owner  string // of the record before: a line that begins with a space is of the same one
	ttl    uint32 // of records that name none
	fixed  bool   // $TTL has been said, so that records do not change ttl
	from   origin
	chain  []string // the present file behind those that include it, below root
	root   *os.Root // of the zone file's folder
	in     string   // folder of the present file, below root
	path   string   // of the present file, for positions
	rename func(string) string
	file   string // the declaration
}

// shown returns a path as the user knows it: from where the declaration is, if it lies there or below.
func (s *source) shown(path string) string {
	here := filepath.Dir(s.file)
	abs, err := filepath.Abs(here)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(abs, path); err == nil && filepath.IsLocal(rel) {
		return filepath.Join(here, rel)
	}
	return path
}

// readFile reads the zone file at path.
func (s *source) readFile(path string, pos roundtrip.Pos) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		s.wrong(pos, "the folder of the zone file can't be read: "+trimErr(err), "a zone file at "+s.shown(path))
		return
	}
	defer func() { _ = root.Close() }() // nothing was written
	s.root, s.in = root, "."
	s.readBelow(filepath.Base(path), pos)
}

// readBelow reads a file of the zone file's folder.
func (s *source) readBelow(name string, pos roundtrip.Pos) {
	content, err := readBounded(s.root, name)
	full := s.shown(filepath.Join(s.root.Name(), name))
	switch {
	case err != nil:
		s.wrong(pos, "the zone file "+full+" can't be read: "+trimErr(err), "a file there that we may read")
		return
	case len(content) > maxFileBytes:
		s.wrong(pos, "the zone file "+full+" is too long", "at most 256 MiB")
		return
	}
	if s.rename != nil {
		content = []byte(s.rename(string(content)))
	}
	s.paths = append(s.paths, full)
	lines := bytes.Count(content, []byte("\n"))
	s.list = slices.Grow(s.list, lines)
	s.arena = slices.Grow(s.arena, len(content)+16*lines)
	inside := *s
	inside.in, inside.path, inside.chain = filepath.Dir(name), full, append(slices.Clone(s.chain), name)
	inside.entries(content)
}

func readBounded(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxFileBytes)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, maxFileBytes+1))
	return b.Bytes(), err
}

// entries reads one record or directive after the other.
func (s *source) entries(content []byte) {
	for line := 1; len(content) > 0; {
		entry, lines, open := cut(content)
		rest := content[len(entry):]
		pos := roundtrip.Pos{File: s.path, Line: line, Column: 1}
		if len(s.mistakes) >= maxMistakes {
			s.wrong(pos, "there may be more mistakes; the rest of the file was not read", "")
			return
		}
		switch {
		case open != "":
			s.wrong(pos, open, "a closing one before the record ends")
		case blank(entry):
		case entry[0] == '$' && !bytes.HasPrefix(entry, []byte("$GENERATE")):
			s.directive(string(entry), pos)
		default:
			s.record(string(entry), pos)
		}
		content, line = rest, line+lines
	}
}

// cut returns the first entry of a zone file with its line breaks: a record goes on over the end of a line within brackets. open
// says what is not closed.
func cut(content []byte) (entry []byte, lines int, open string) {
	depth, quoted, comment := 0, false, false
	for i := 0; i < len(content); i++ {
		switch c := content[i]; {
		case c == '\n':
			lines++
			comment = false
			if quoted {
				return content[:i+1], lines, `a quote (") is not closed in its line`
			}
			if depth <= 0 {
				return content[:i+1], lines, ""
			}
		case comment:
		case c == '\\':
			if i+1 < len(content) && content[i+1] != '\n' {
				i++
			}
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			comment = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
	}
	switch {
	case quoted:
		open = `a quote (") is not closed in its line`
	case depth > 0:
		open = "a bracket ( is not closed"
	}
	return content, lines, open
}

// blank reports whether an entry has nothing but spaces and comments.
func blank(entry []byte) bool {
	for line := range bytes.SplitSeq(entry, []byte("\n")) {
		line, _, _ = bytes.Cut(line, []byte(";"))
		if len(bytes.TrimSpace(line)) > 0 {
			return false
		}
	}
	return true
}

func lineOf(entry []byte, n int) string {
	for line := range bytes.SplitSeq(entry, []byte("\n")) {
		if n == 0 {
			return strings.TrimRight(string(line), "\r")
		}
		n--
	}
	return ""
}

// directive does what a line with a $ says (RFC 1035 section 5.1, RFC 2308 section 4).
func (s *source) directive(entry string, pos roundtrip.Pos) {
	entry, _, _ = strings.Cut(entry, ";")
	words := strings.Fields(entry)
	switch {
	case words[0] == "$ORIGIN" && len(words) == 2:
		s.setOrigin(words[1], pos)
	case words[0] == "$TTL" && len(words) == 2:
		ttl, ok := seconds(words[1])
		if !ok {
			s.wrong(pos, strconv.Quote(words[1])+" is no TTL", "seconds, or a time such as 1h or 1w2d")
			return
		}
		s.ttl, s.fixed = ttl, true
	case words[0] == "$INCLUDE" && (len(words) == 2 || len(words) == 3):
		s.include(words[1:], pos)
	case words[0] == "$ORIGIN", words[0] == "$TTL", words[0] == "$INCLUDE":
		s.wrong(pos, words[0]+" takes "+map[string]string{"$ORIGIN": "a name", "$TTL": "a time", "$INCLUDE": "a file, and perhaps a name that its records lie below"}[words[0]], "")
	default:
		s.wrong(pos, strconv.Quote(words[0])+" is no directive", "$ORIGIN, $TTL, $INCLUDE or $GENERATE")
	}
}

func (s *source) setOrigin(name string, pos roundtrip.Pos) {
	if !dns.IsFqdn(name) {
		if name = name + "." + strings.TrimPrefix(s.origin, "."); s.origin == "." {
			name = strings.TrimSuffix(name, ".") + "."
		}
	}
	if _, ok := wireName(name); !ok {
		s.wrong(pos, strconv.Quote(name)+" is no name", "a name, with a dot at its end unless it lies below "+s.origin)
		return
	}
	s.origin = name
}

// include reads another file with the present origin, which its end brings back with the owner.
func (s *source) include(words []string, pos roundtrip.Pos) {
	name := strings.Trim(words[0], `"`)
	switch {
	case s.root == nil:
		s.wrong(pos, "$INCLUDE has no folder to start from here", "the records themselves, or file: with a zone file")
		return
	case len(s.chain) > maxIncludeDepth:
		s.wrong(pos, "files include each other too deep", "at most "+strconv.Itoa(maxIncludeDepth)+" levels")
		return
	}
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(s.root.Name(), name)
		if err != nil {
			rel = ".."
		}
		name = rel
	} else {
		name = filepath.Join(s.in, name)
	}
	if !filepath.IsLocal(name) {
		s.wrong(pos, words[0]+" lies outside the folder of the zone file", "a file in "+s.shown(s.root.Name())+" or below it")
		return
	}
	if slices.Contains(s.chain, name) {
		s.wrong(pos, words[0]+" includes itself", "a file that does not lead back to it")
		return
	}
	inside := *s
	if len(words) == 2 {
		before := len(s.mistakes)
		if inside.setOrigin(words[1], pos); len(s.mistakes) > before {
			return
		}
	}
	inside.readBelow(name, pos)
}

// seconds reads a TTL of a zone file: a number, or numbers with units w, d, h, m and s.
func seconds(word string) (uint32, bool) {
	var total, number uint64
	begun := false
	for _, c := range strings.ToLower(word) {
		unit := map[rune]uint64{'w': 604800, 'd': 86400, 'h': 3600, 'm': 60, 's': 1}[c]
		switch {
		case '0' <= c && c <= '9':
			number, begun = number*10+uint64(c-'0'), true
		case unit > 0 && begun:
			total, number = total+number*unit, 0
		default:
			return 0, false
		}
		if total+number > 1<<31-1 {
			return 0, false
		}
	}
	return uint32(total + number), begun
}

// showLines adds the lines of zone files to the mistakes in them. The files are read again for it: while a zone is built, their
// text is not kept.
func (s *source) showLines(path string) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return // and that is a mistake without a line
	}
	defer func() { _ = root.Close() }() // nothing was written
	lines := map[string][][]byte{}
	for i := range s.mistakes {
		m := &s.mistakes[i]
		name, err := filepath.Rel(s.shown(root.Name()), m.Pos.File)
		if err != nil || !filepath.IsLocal(name) || !slices.Contains(s.paths, m.Pos.File) {
			continue
		}
		if lines[name] == nil {
			content, err := readBounded(root, name)
			if err != nil {
				continue
			}
			if s.rename != nil {
				content = []byte(s.rename(string(content)))
			}
			lines[name] = bytes.Split(content, []byte("\n"))
		}
		if n := m.Pos.Line - 1; n >= 0 && n < len(lines[name]) {
			m.Source = strings.TrimRight(string(lines[name][n]), "\r")
		}
	}
}

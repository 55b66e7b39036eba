package trace

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// logBytesMax bounds what waits to be written; beyond it lines are dropped and counted, so that a slow disk never slows
// a request.
const logBytesMax = 1 << 20

// Log writes one line for each journey of a request. The line is appended to a buffer by the request and written by Run.
type Log struct {
	w    io.Writer
	line func(b []byte, j *Journey) []byte

	mu      sync.Mutex // guards all below
	buf     []byte
	spare   []byte
	dropped int
	total   uint64 // dropped since the start
	wake    chan struct{}
}

// NewLog makes a log of JSON lines, in the member names of log/slog.
func NewLog(w io.Writer) *Log { return &Log{w: w, line: appendLine, wake: make(chan struct{}, 1)} }

// NewPlainLog makes a log of short lines for a person at a terminal.
func NewPlainLog(w io.Writer) *Log {
	return &Log{w: w, line: appendPlainLine, wake: make(chan struct{}, 1)}
}

// Run writes what comes in until ctx ends, then what is left. Lines that can't be written are dropped and counted: the
// server does not stop for its log. It returns the error of the last write.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.flush()
		case <-l.wake:
		case <-tick.C:
		}
		_ = l.flush() // the next one says how many lines were lost
	}
}

func (l *Log) flush() error {
	l.mu.Lock()
	out := l.buf
	l.buf, l.spare = l.spare[:0], out
	if l.dropped > 0 {
		l.buf = append(l.buf, `{"level":"WARN","msg":"log lines dropped","n":`...)
		l.buf = strconv.AppendInt(l.buf, int64(l.dropped), 10)
		l.buf = append(l.buf, "}\n"...)
		l.dropped = 0
	}
	l.mu.Unlock()
	if len(out) == 0 {
		return nil
	}
	_, err := l.w.Write(out)
	if err != nil {
		l.mu.Lock()
		n := bytes.Count(out, []byte{'\n'})
		l.dropped += n
		l.total += uint64(n)
		l.mu.Unlock()
	}
	return err
}

// lost returns how many lines could not be written since the start.
func (l *Log) lost() uint64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (l *Log) write(j *Journey) {
	if l == nil || j.Kind != Request {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf) > logBytesMax {
		l.dropped++
		l.total++
		return
	}
	l.buf = l.line(l.buf, j)
	if len(l.buf) > logBytesMax/16 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

func appendLine(b []byte, j *Journey) []byte {
	b = append(b, `{"time":"`...)
	b = appendTime(b, j.Start)
	level := "INFO"
	if j.Status >= 500 || j.Code.failed() {
		level = "ERROR"
	}
	b = append(b, `","level":"`...)
	b = append(b, level...)
	b = append(b, `","msg":"request","journey":"`...)
	b = j.ID.AppendTo(b)
	b = append(b, `","method":`...)
	b = appendText(b, j.Method)
	b = append(b, `,"host":`...)
	b = appendText(b, j.Host)
	b = append(b, `,"path":`...)
	b = appendText(b, j.Path)
	b = append(b, `,"route":`...)
	b = appendText(b, j.Route)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(j.Status), 10)
	if j.Code != 0 {
		b = append(b, `,"code":"`...)
		b = append(b, j.Code.String()...)
		b = append(b, '"')
	}
	b = append(b, `,"ms":`...)
	b = appendMillis(b, j.Took)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, j.Bytes, 10)
	b = append(b, `,"client":"`...)
	b = appendPrefix(b, j.Client)
	b = append(b, '"')
	if rule, known := j.rule(); rule != "" {
		b = append(b, `,"rule":`...)
		b = appendText(b, rule)
		if known != Seen {
			b = append(b, `,"rule_is":"`...)
			b = append(b, known.String()...)
			b = append(b, '"')
		}
	}
	if upstream, tries := j.upstream(); tries > 0 {
		b = append(b, `,"upstream":`...)
		b = appendText(b, upstream)
		if tries > 1 {
			b = append(b, `,"tries":`...)
			b = strconv.AppendInt(b, int64(tries), 10)
		}
	}
	if j.Reason != None {
		b = append(b, `,"reason":"`...)
		b = append(b, j.Reason.Code()...)
		b = append(b, `","flag":"`...)
		b = append(b, j.Reason.Flag()...)
		b = append(b, '"')
	}
	if j.Decided >= 0 {
		b = append(b, `,"hop":"`...)
		b = append(b, j.hops[j.Decided].Layer.String()...)
		b = append(b, '"')
		if note := j.hops[j.Decided].Note; note != "" {
			b = append(b, `,"note":`...)
			b = appendText(b, note)
		}
	}
	return append(b, "}\n"...)
}

// rule returns the rule of the firewall that let the connection in, "" where none did, and how that is known.
func (j *Journey) rule() (string, Evidence) {
	for i := range j.Len() {
		if h := &j.hops[i]; j.marks.isDone(i) && h.Layer == Firewall && h.N[0] > 0 {
			return h.Name, h.Evidence
		}
	}
	return "", Seen
}

// upstream returns the name of the server behind a proxy route that was asked last, and how many were.
func (j *Journey) upstream() (name string, tries int) {
	for i := range j.Len() {
		if h := &j.hops[i]; j.marks.isDone(i) && h.Layer == Proxy {
			name = h.Name
			tries++
		}
	}
	return name, tries
}

// appendPlainLine appends what fits a terminal: when, how it ended, what was asked, how long it took, and why it was
// refused, if it was.
func appendPlainLine(b []byte, j *Journey) []byte {
	b = append(b, "  "...)
	b = j.Start.Local().AppendFormat(b, time.TimeOnly)
	b = append(b, "  "...)
	b = strconv.AppendInt(b, int64(j.Status), 10)
	b = append(b, ' ')
	if j.Code.refused() {
		b = append(b, j.Code.String()...)
		b = append(b, ' ')
	}
	b = appendPlain(b, j.Method)
	b = append(b, ' ')
	b = appendPlain(b, j.Path)
	b = append(b, "  "...)
	b = strconv.AppendFloat(b, float64(j.Took.Microseconds())/1000, 'f', 1, 64)
	b = append(b, " ms  "...)
	b = append(b, j.ID.String()[:8]...) // enough to find the answer that has it in X-Journey
	if upstream, tries := j.upstream(); tries > 0 {
		b = append(b, "  "...)
		b = appendPlain(b, upstream)
	}
	if j.Reason != None {
		b = append(b, "  "...)
		b = append(b, j.Reason.Code()...)
		if j.Decided >= 0 && j.hops[j.Decided].Note != "" {
			b = append(b, " ("...)
			b = appendPlain(b, j.hops[j.Decided].Note)
			b = append(b, ')')
		}
	}
	return append(b, '\n')
}

// appendPlain appends text in which nothing can steer a terminal.
func appendPlain(b []byte, s string) []byte {
	n := len(b)
	b = appendText(b, s)
	return append(b[:n], b[n+1:len(b)-1]...) // without the quotes
}

// appendPrefix appends the client's network and not the client: /24 or /56.
func appendPrefix(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return b
	}
	bits := 24
	if a = a.Unmap(); a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return b
	}
	return p.AppendTo(b)
}

// appendTime appends a moment as RFC 3339 has it, in UTC and to the millisecond. It is half of what a line costs when done by
// the layouts of package time.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	b = appendDigits(append(b, ':'), second, 2)
	b = appendDigits(append(b, '.'), t.Nanosecond()/1e6, 3)
	return append(b, 'Z')
}

// appendDigits appends a number of at most n digits with zeros in front.
func appendDigits(b []byte, v, n int) []byte {
	end := len(b) + n
	b = append(b, "0000"[:n]...)
	for i := end - 1; v > 0 && i >= end-n; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}

// appendMillis appends a duration in milliseconds, to the microsecond.
func appendMillis(b []byte, d time.Duration) []byte {
	us := max(0, d.Microseconds())
	b = strconv.AppendInt(b, us/1000, 10)
	return appendDigits(append(b, '.'), int(us%1000), 3)
}

// plain reports whether a text needs nothing to stand in a JSON string.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendText appends a JSON string in which nothing but printable ASCII is left as it was, so that no line of the log
// can steer a terminal.
func appendText(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	if plain(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x20 && r < 0x7f:
			b = append(b, byte(r))
		case r <= 0xffff:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, `\ufffd`...)
		}
	}
	return append(b, '"')
}

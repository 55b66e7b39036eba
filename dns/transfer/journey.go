package transfer

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// diaryMax is how many journeys a second are made of messages that are no transfers: who is refused may ask as often as it likes.
const diaryMax = 10

// toldEach is how often a refusal is told in the log at most.
const toldEach = 10 * time.Second

// bound lets so many pass each second.
type bound struct {
	mu     sync.Mutex // guards second and n
	second int64
	n      int
}

func (b *bound) take(now time.Time, limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := now.Unix(); s != b.second {
		b.second, b.n = s, 0
	}
	b.n++
	return b.n <= limit
}

// deny records a refusal.
func (r *request) deny(f refusal) {
	if r.warned.take(r.start.Truncate(toldEach), 1) { // a key that doesn't fit is what goes wrong first, and the other side may log nothing
		r.Log.Warn("dns: a copy or a signed message is refused", slog.String("reason", f.reason), slog.String("why", f.text),
			slog.String("client", host(r.x.Client).String()), slog.String("asks", verb(r.x.Query)), slog.String("zone", r.name))
	}
	r.record(trace.Deny, trace.ReasonOf(f.reason), f.rcode, f.text)
}

// finish records how an answer went out.
func (r *request) finish(err error) {
	switch {
	case err != nil:
		r.record(trace.Fail, trace.ReasonOf("dns.transfer_cut"), message.NoError, err.Error())
	case r.records > 0:
		r.record(trace.OK, trace.None, message.NoError, fmt.Sprintf("%d records in %d bytes", r.records, r.bytes))
	default:
		r.record(trace.OK, trace.None, message.NoError, "signed answer")
	}
}

// record makes the journey of a message that was answered: of each transfer, and of so many others in a second.
func (r *request) record(v trace.Verdict, reason trace.Reason, rcode uint16, note string) {
	if r.recorded || r.records == 0 && !r.diary.take(r.start, diaryMax) {
		return
	}
	r.recorded = true
	j := r.Recorder.Begin(trace.Query)
	if j == nil {
		return
	}
	if r.key != "" {
		note = "key " + r.key + ": " + note
	}
	j.Start, j.Method, j.Host, j.Client, j.Proto, j.Status, j.Bytes = r.start, verb(r.x.Query), r.name, host(r.x.Client), "udp", int(rcode), r.bytes
	if r.x.TCP {
		j.Proto = "tcp"
	}
	j.Add(trace.Hop{
		Layer: trace.DNS, Verdict: v, Reason: reason, Evidence: trace.Seen, Took: int64(j.Elapsed()), Name: "transfer", Note: note,
		N: [2]int64{r.records, r.bytes},
	})
	r.Recorder.End(j)
}

// verb names what a message asks for.
func verb(q *message.Query) string {
	switch q.Opcode {
	case message.OpNotify:
		return "NOTIFY"
	case message.OpUpdate:
		return "UPDATE"
	}
	if t, ok := miekg.TypeToString[q.Type]; ok {
		return t
	}
	return fmt.Sprintf("TYPE%d", q.Type)
}

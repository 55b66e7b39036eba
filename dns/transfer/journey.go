package transfer

import (
	"fmt"
	"sync"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// diaryMax is how many journeys a second are begun for messages that are no transfers: who is refused may ask as often as it likes.
const diaryMax = 10

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

// begin begins the journey of a message.
func (r *request) begin() {
	if !r.diary.take(r.Now(), diaryMax) {
		return
	}
	q := r.x.Query
	j := r.Recorder.Begin(trace.Query)
	if j == nil {
		return
	}
	j.Method, j.Host, j.Client, j.Proto = verb(q), r.name, host(r.x.Client), "udp"
	if r.x.TCP {
		j.Proto = "tcp"
	}
	r.journey, r.step = j, j.Begin(trace.DNS, "transfer")
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

// deny notes a refusal.
func (r *request) deny(f refusal) {
	if r.journey == nil {
		return
	}
	r.journey.Status = int(f.rcode)
	r.step.Note(r.said(f.text)).Deny(trace.ReasonOf(f.reason))
}

// finish notes how an answer went out.
func (r *request) finish(err error) {
	if r.journey == nil {
		return
	}
	r.step.N(r.records, r.bytes)
	if err != nil {
		r.step.Note(r.said(err.Error())).End(trace.Fail, trace.ReasonOf("dns.transfer_cut"))
		return
	}
	what := "signed answer"
	if r.records > 0 {
		what = fmt.Sprintf("%d records in %d bytes", r.records, r.bytes)
	}
	r.step.Note(r.said(what)).OK()
}

// said begins a note with who signed.
func (r *request) said(what string) string {
	if r.key == "" {
		return what
	}
	return "key " + r.key + ": " + what
}

// end ends the journey. A step that is still open was interrupted: the server stops.
func (r *request) end() {
	if r.journey == nil {
		return
	}
	r.step.End(trace.Skip, trace.None)
	r.journey.Bytes = r.bytes
	r.Recorder.End(r.journey)
}

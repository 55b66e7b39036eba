package dns

import (
	"runtime/debug"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// serve is the way of one message, from its first byte to the answer in d.out: it is read, what only others can answer is
// left to them, the zones say what they know, and what is too much for one network is held back. What it returns says what
// the caller is to do.
func (d *desk) serve(packet []byte, from origin) (next step) {
	d.begin(from)
	defer func() {
		if p := recover(); p != nil {
			next = d.panicked(p)
		}
	}()
	fault := message.Parse(packet, &d.q)
	if fault.Silent() {
		d.counts.silent.Add(1)
		return silence
	}
	d.q.Client, d.q.TCP = from.client, from.tcp
	d.proven = len(d.q.EDNS.Cookie) > message.ClientCookieLen && d.s.jar.Good(d.q.EDNS.Cookie, from.client.Addr(), d.now)
	if fault != message.Sound {
		d.say(fault.Rcode(), d.s.why.of(fault), message.EDE{Code: message.Other, Text: fault.String()})
		return d.leave()
	}
	switch {
	case len(d.q.Question) == 0:
		d.cookieOnly()
	case d.q.TSIG, d.q.Opcode != message.OpQuery, d.q.Type == message.TypeAXFR, d.q.Type == message.TypeIXFR:
		if d.s.o.Slow != nil {
			return slow
		}
		d.decline()
	default:
		d.ask()
		if d.result.Found == message.Refused && d.isForeign() {
			return forward
		}
	}
	return d.leave()
}

// ask answers a sound question.
func (d *desk) ask() {
	switch {
	case d.q.Class != message.ClassIN:
		d.say(message.NotAllowed, d.s.why.class, message.EDE{Code: message.NotSupported, Text: "only class IN is served"})
	case isMeta(d.q.Type):
		d.meta()
	case d.isProbe():
		d.answerProbe()
	default:
		d.lookUp()
	}
}

// isForeign reports whether a question that no zone of ours has may be asked elsewhere.
func (d *desk) isForeign() bool {
	return d.why == d.s.why.notOurs && d.recursive() && d.q.RD
}

// lookUp asks the zones.
func (d *desk) lookUp() {
	limit := d.open()
	if d.zones != nil {
		d.out, d.result = d.zones.Answer(d.out, &d.q, limit)
	}
	if d.result.Found == message.Refused {
		d.result.Rcode = message.NotAllowed
	}
	d.why, d.ede = d.s.why.explain(&d.result)
	d.close(limit)
}

// leave is the end of the way: the answer is counted, held back where one network gets too many, and recorded where it is
// one of the few that are.
func (d *desk) leave() step {
	next := d.limit()
	d.counts.count(&d.result)
	if d.s.o.Recorder != nil {
		d.record()
	}
	return next
}

// cookieOnly answers a query without a question: it asks for a cookie, or whether the one that it has is good (RFC 7873
// section 5.4).
func (d *desk) cookieOnly() {
	rcode := message.NoError
	if len(d.q.EDNS.Cookie) > message.ClientCookieLen && !d.proven {
		rcode = message.BadCookie
	}
	d.say(rcode, trace.None, message.EDE{})
	d.result.Found = message.Data
}

// decline answers what nobody here sees to: transfers, NOTIFY, UPDATE, signed messages.
func (d *desk) decline() {
	if d.zones == nil || d.zones.Find(d.q.Key) == nil {
		d.say(message.NotAuth, d.s.why.notOurs, notOurs())
		return
	}
	rcode, text := message.NotAllowed, "signed messages are not taken"
	switch {
	case d.q.Opcode == message.OpNotify:
		text = "this server is the primary itself"
	case d.q.Opcode == message.OpUpdate:
		text = "zones are changed by their declaration"
	case d.q.Type == message.TypeAXFR && !d.q.TCP:
		rcode, text = message.FormatError, "AXFR needs TCP"
	case d.q.Type == message.TypeAXFR, d.q.Type == message.TypeIXFR:
		text = "the zone is not for copying"
	}
	d.say(rcode, d.s.why.notServed, message.EDE{Code: message.Prohibited, Text: text})
}

// isMeta reports whether a type can't be asked for: no record has it (RFC 6895 section 3.1). ANY can, and transfers are left
// to others before.
func isMeta(typ uint16) bool {
	return typ == 0 || typ == message.TypeOPT || typ >= 128 && typ <= 254
}

// meta answers what asks for a type that no record has.
func (d *desk) meta() {
	rcode := message.FormatError
	if d.q.Type == message.TypeMAILA || d.q.Type == message.TypeMAILB {
		rcode = message.NotImplemented // types of old, which nobody has (RFC 1035 section 3.2.3)
	}
	d.say(rcode, d.s.why.typ, message.EDE{Code: message.InvalidQueryType, Text: "no record has this type"})
}

// panicked answers a query that a mistake of ours met, so that it costs this one answer and not the server.
func (d *desk) panicked(p any) step {
	d.counts.panics.Add(1)
	d.s.o.Log.Error("a query crashed; please report it", "panic", p, "question", d.q.Question, "stack", string(debug.Stack()))
	d.result = message.Result{}
	d.say(message.ServerFailure, d.s.why.panicked, message.EDE{})
	d.counts.count(&d.result)
	return send
}

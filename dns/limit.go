package dns

import (
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/rrl"
)

// limit holds back what is too much for one network. Only over UDP can somebody else's address be forged; a cookie of ours
// shows that it is not.
func (d *desk) limit() step {
	rate := d.settings.rate
	if rate.Responses <= 0 || d.from.tcp || d.proven || d.from.client.Addr().IsLoopback() {
		return send
	}
	kind, name := d.kind()
	verdict := d.s.limiter.Take(rate, d.from.client.Addr(), kind, name, int64(d.now.Sub(d.s.start)))
	switch {
	case verdict == rrl.Pass:
		return send
	case d.settings.dryRun:
		d.counts.wouldLimit.Add(1)
		return send
	}
	d.why = d.s.why.limited
	if verdict == rrl.Drop {
		d.counts.limited.Add(1)
		return silence
	}
	d.counts.slipped.Add(1)
	if kind != rrl.Fault { // an error is as short as can be, and nobody asks again over TCP because of one
		d.truncate()
	}
	return send
}

// kind says what an answer is counted as, and under which name: names that a wildcard or a zone gives the same answer for
// are one, so that a client can't have more by asking for others.
func (d *desk) kind() (rrl.Kind, []byte) {
	switch r := &d.result; {
	case r.Rcode == message.NameError:
		return rrl.NoName, d.suffix(r.ZoneLabels)
	case r.Rcode != message.NoError:
		return rrl.Fault, nil
	case r.Found == message.NoData, r.Found == message.Empty:
		return rrl.NoData, d.suffix(r.ZoneLabels)
	case r.Found == message.Delegation:
		return rrl.Referral, d.suffix(r.EncloserLabels)
	case r.Wildcard:
		return rrl.Answer, d.suffix(r.EncloserLabels)
	}
	return rrl.Answer, d.q.Key
}

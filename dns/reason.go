package dns

import (
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// reasons are those of this station, looked up once.
type reasons struct {
	malformed, notServed, class, typ, notOurs, noName, loop, tooLong trace.Reason
	limited, forged, expired, forward, crowded, panicked             trace.Reason
}

func newReasons() reasons {
	return reasons{
		malformed: trace.ReasonOf("dns.malformed"),
		notServed: trace.ReasonOf("dns.not_served"),
		class:     trace.ReasonOf("dns.class"),
		typ:       trace.ReasonOf("dns.type"),
		notOurs:   trace.ReasonOf("dns.not_ours"),
		noName:    trace.ReasonOf("dns.no_name"),
		loop:      trace.ReasonOf("dns.cname_loop"),
		tooLong:   trace.ReasonOf("dns.name_too_long"),
		limited:   trace.ReasonOf("dns.rate_limited"),
		forged:    trace.ReasonOf("dns.probe_forged"),
		expired:   trace.ReasonOf("dns.probe_expired"),
		forward:   trace.ReasonOf("dns.forward_failed"),
		crowded:   trace.ReasonOf("dns.too_many"),
		panicked:  trace.ReasonOf("app.panic"),
	}
}

func (r *reasons) of(f message.Fault) trace.Reason {
	if f == message.UnknownOpcode || f == message.BadVersion {
		return r.notServed
	}
	return r.malformed
}

// notOurs is what who asks the wrong server is told.
func notOurs() message.EDE {
	return message.EDE{Code: message.NotAuthoritative, Text: "not a zone of this server"}
}

// explain says why the zones answered as they did: to us, and in the words of an Extended DNS Error to who asked. Nothing is
// said of a name that is not there: what stands next to it is nobody's business.
func (r *reasons) explain(a *message.Result) (trace.Reason, message.EDE) {
	switch a.Found {
	case message.Refused:
		return r.notOurs, notOurs()
	case message.NoName:
		return r.noName, message.EDE{}
	case message.NoData:
		if a.Wildcard {
			return trace.None, message.EDE{Text: "the wildcard has no such records"}
		}
		return trace.None, message.EDE{Text: "the name has no such records"}
	case message.Empty:
		return trace.None, message.EDE{Text: "only names below this one exist"}
	case message.Chain:
		if a.Rcode == message.NameError {
			return r.noName, message.EDE{Text: "the CNAME leads to a name that does not exist"}
		}
	case message.ChainLoop:
		return r.loop, message.EDE{Text: "the CNAMEs lead in a circle"}
	case message.TooLong:
		return r.tooLong, message.EDE{Text: "the DNAME leads to a name over 255 bytes"}
	case message.Data, message.ChainOut, message.Delegation, message.Minimal:
	}
	return trace.None, message.EDE{}
}

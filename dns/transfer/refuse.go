package transfer

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/transfer/tsig"
)

// refusal is why a message is refused, for both who asked and who looks at journeys.
type refusal struct {
	rcode  uint16
	reason string // of the catalogue
	code   uint16 // of the Extended DNS Error (RFC 8914)
	text   string // the same, as words; they tell a stranger nothing that the answer does not
}

// notASecondary refuses NOTIFY and UPDATE: our zones come from the declaration, and from nowhere else.
func (r *request) notASecondary() refusal {
	z, _ := r.find(r.name, r.x.Query.Key)
	what := refusal{message.NotAllowed, "dns.update", message.Prohibited, "zones are not changed over the network here"}
	if r.x.Query.Opcode == message.OpNotify {
		what = refusal{message.NotAllowed, "dns.notify", message.Prohibited, "this server is the primary of the zone"}
	}
	if z == nil {
		what.rcode, what.reason, what.code, what.text = message.NotAuth, "dns.not_ours", message.NotAuthoritative, "not a zone of this server"
	}
	return what
}

// may says why a zone may not be copied by who asks; nil where it may.
func (r *request) may(z *config.Zone) *refusal {
	t := z.Transfer
	switch {
	case t == nil, t.Key.Text == "" && len(t.To) == 0:
		return &refusal{message.NotAllowed, "dns.transfer_undeclared", message.Prohibited, "no transfer of this zone is declared"}
	case t.Key.Text != "" && r.key == "":
		return &refusal{message.NotAllowed, "dns.transfer_unsigned", message.Prohibited, "transfers of this zone must be signed (TSIG)"}
	case t.Key.Text != "" && r.key != t.Key.Text:
		return &refusal{message.NotAllowed, "dns.transfer_key", message.Prohibited, "transfers of this zone are signed with another key"}
	case len(t.To) > 0 && !slices.ContainsFunc(t.To, func(p config.TransferPeer) bool { return p.Addr.Addr().Unmap() == host(r.x.Client) }):
		return &refusal{message.NotAllowed, "dns.transfer_address", message.Prohibited, "this address may not copy the zone"}
	}
	return nil
}

// refuse sends the refusal.
func (r *request) refuse(f refusal) {
	q := r.x.Query
	b := message.AppendQuestion(make([]byte, 0, 512), q)
	result := message.Result{Rcode: f.rcode}
	if q.EDNS.Present {
		opt := message.OPT{Size: sizeUDP, Rcode: f.rcode, DO: q.EDNS.DO, Extended: message.EDE{Code: f.code, Text: f.text}}
		b = opt.Append(b)
		result.Additionals = 1
	}
	message.PutHeader(b, q, result, false)
	err := r.reply(b)
	r.deny(f)
	if err != nil {
		r.Log.Debug("dns: a refusal was not sent", slog.String("client", r.x.Client.String()), slog.Any("error", err))
	}
}

// reasonOf returns the reason of a bad signature.
func reasonOf(f tsig.Fault) string {
	switch f {
	case tsig.BadKey:
		return "dns.tsig_key"
	case tsig.BadTime:
		return "dns.tsig_time"
	default:
		return "dns.tsig_signature"
	}
}

// sentenceOf says what is wrong with a signature, to who made it.
func sentenceOf(f tsig.Fault) string {
	switch f {
	case tsig.BadKey:
		return "no key of that name and algorithm here"
	case tsig.BadTime:
		return "the clocks of both servers differ by more than the signature allows"
	case tsig.BadTrunc:
		return "the signature is cut short, which is not taken here"
	default:
		return "the signature does not fit: is it the same secret?"
	}
}

// secretOf reads the secret of a key.
func secretOf(k config.TSIGKey) ([]byte, error) {
	text, err := k.Secret.Value()
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("%s: the secret of key %s (from %s) is not base64: openssl rand -base64 32 makes one", k.Pos, k.Name, k.Secret)
	}
	return secret, nil
}

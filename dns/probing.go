package dns

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
)

// isProbe reports whether the name looks like a probe's in one of our zones: <52 digits>.diag.<zone>.
func (d *desk) isProbe() bool {
	q := &d.q
	if d.s.o.Probe == nil || d.zones == nil || q.Labels < 3 || q.Key[0] != probe.Len {
		return false
	}
	below := q.Key[q.Starts[1]:q.Starts[2]]
	if int(below[0]) != len(probe.Label) || string(below[1:]) != probe.Label {
		return false
	}
	z := d.zones.Find(q.Key)
	return z != nil && nameText(d.suffix(uint8(q.Labels-2))) == z.Name()
}

// answerProbe answers with the addresses of the zone's apex, for this once: no resolver may keep them. A probe that is not
// ours does not exist.
func (d *desk) answerProbe() {
	q := &d.q
	zone := d.suffix(uint8(q.Labels - 2))
	id, err := d.s.o.Probe.Verify(q.Key[1:1+probe.Len], d.now)
	limit := d.open()
	d.result.Authoritative, d.result.ZoneLabels, d.result.EncloserLabels = true, uint8(q.Labels-2), uint8(q.Labels-2)
	switch {
	case errors.Is(err, probe.ErrExpired):
		d.result.Rcode, d.result.Found, d.why, d.ede.Text = message.NameError, message.NoName, d.s.why.expired, "the probe has expired"
	case err != nil:
		d.result.Rcode, d.result.Found, d.why, d.ede.Text = message.NameError, message.NoName, d.s.why.forged, "the probe is not one of this server"
	default:
		d.probe = id
		d.result.Found = message.Data
		d.appendApex(zone)
	}
	if d.result.Answers == 0 {
		if d.result.Found == message.Data {
			d.result.Found = message.NoData
		}
		d.appendSOA(zone)
	}
	d.close(limit)
}

// appendApex appends the records of the zone's apex, of the type that was asked for, as the probe's own. There are too few
// of them not to fit.
func (d *desk) appendApex(zone []byte) {
	if d.q.Type != message.TypeA && d.q.Type != message.TypeAAAA {
		return
	}
	var m dns.Msg
	if m.Unpack(d.s.answerFor(apexQuery(zone, d.q.Type), sizeBare, d.from)) != nil {
		return
	}
	for _, rr := range m.Answer {
		var data []byte
		switch rr := rr.(type) {
		case *dns.A:
			data = rr.A.To4()
		case *dns.AAAA:
			data = rr.AAAA.To16()
		default:
			continue
		}
		d.appendRecord(d.q.Type, data)
		d.result.Answers++
	}
}

// appendRecord appends a record of the question's name that must not be kept.
func (d *desk) appendRecord(typ uint16, data []byte) {
	d.out = append(d.out, 0xc0, message.HeaderLen)
	d.out = binary.BigEndian.AppendUint16(d.out, typ)
	d.out = append(d.out, 0, byte(message.ClassIN), 0, 0, 0, 0)
	d.out = binary.BigEndian.AppendUint16(d.out, uint16(len(data)))
	d.out = append(d.out, data...)
}

// appendSOA appends the SOA of a negative answer that must not be kept.
func (d *desk) appendSOA(zone []byte) {
	var m dns.Msg
	if m.Unpack(d.s.answerFor(apexQuery(zone, message.TypeSOA), sizeBare, d.from)) != nil || len(m.Answer) != 1 {
		return
	}
	soa := m.Answer[0]
	soa.Header().Ttl = 0
	b := make([]byte, sizeBare)
	if n, err := dns.PackRR(soa, b, 0, nil, false); err == nil {
		d.out = append(d.out, b[:n]...)
		d.result.Authorities++
	}
}

// apexQuery returns a query for records of a zone's apex.
func apexQuery(zone []byte, typ uint16) *message.Query {
	b := []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	b = append(b, zone...)
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, message.ClassIN)
	q := new(message.Query)
	message.Parse(b, q)
	return q
}

package zone_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// declare makes a declaration from lines.
func declare(name string, lines ...string) *config.Zone {
	z := &config.Zone{Pos: roundtrip.Pos{File: "roundtrip.yaml", Line: 3, Column: 5}, Name: name, TTL: time.Hour, Negative: 5 * time.Minute, Derive: true}
	for i, line := range lines {
		z.Records = append(z.Records, config.Name{Pos: roundtrip.Pos{File: "roundtrip.yaml", Line: 10 + i, Column: 10}, Text: line})
	}
	return z
}

// build makes a zone that must have no mistakes but warnings.
func build(t testing.TB, o zone.Options) *zone.Zone {
	t.Helper()
	z, mistakes := zone.Build(o)
	if z == nil {
		for _, m := range mistakes {
			t.Errorf("%s: %s; expected %s", m.Pos, m.Message, m.Expected)
		}
		t.FailNow()
	}
	return z
}

// example is the zone of the cases.
func example(t testing.TB) *zone.Zone {
	t.Helper()
	path, err := filepath.Abs("testdata/example.test.zone")
	if err != nil {
		t.Fatal(err)
	}
	z := declare("example.test")
	z.File = path
	return build(t, zone.Options{Declared: z})
}

func set(t testing.TB, zones ...*zone.Zone) *zone.Set {
	t.Helper()
	s, err := zone.NewSet(zones...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// query makes a question as it is read from the wire.
func query(t testing.TB, name string, typ uint16) *message.Query {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), typ)
	packet, err := m.Pack()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	q := new(message.Query)
	if fault := message.Parse(packet, q); fault != 0 {
		t.Fatalf("%s: %v", name, fault)
	}
	return q
}

// ask answers a question and reads the answer as a client does.
func ask(t testing.TB, s *zone.Set, name string, typ uint16, limit int) (*dns.Msg, message.Result, int) {
	t.Helper()
	q := query(t, name, typ)
	b := message.AppendQuestion(make([]byte, 0, 65535), q)
	b, r := s.Answer(b, q, limit)
	message.PutHeader(b, q, r, false)
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("%s %s can't be read: %v\n%x", name, dns.Type(typ), err, b)
	}
	return m, r, len(b)
}

// lines writes the records of a section, in short.
func lines(rrs []dns.RR) string {
	out := make([]string, len(rrs))
	for i, rr := range rrs {
		out[i] = strings.Join(strings.Fields(strings.ReplaceAll(rr.String(), "\tIN\t", " ")), " ")
	}
	return strings.Join(out, "\n")
}

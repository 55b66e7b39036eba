package tsig_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/transfer/tsig"
)

var (
	secret = []byte("a secret that two servers share!")
	noon   = time.Unix(1795867200, 0)
)

func key(algorithm string) tsig.Key {
	return tsig.Key{Name: "Secondary.Example", Algorithm: algorithm, Secret: secret}
}

func question(t *testing.T, name string, id uint16) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeAXFR)
	m.Id = id
	m.SetEdns0(1232, false)
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, packet []byte) *tsig.Signature {
	t.Helper()
	s, err := tsig.Read(packet)
	if err != nil || s == nil {
		t.Fatalf("no signature was read: %v, %v", s, err)
	}
	return s
}

// miekg/dns is the judge of what we sign, and we of what it signs: of a request, its answer, and an answer of several messages.
func TestSign_AgreesWithAnotherImplementation(t *testing.T) {
	t.Parallel()
	shared := base64.StdEncoding.EncodeToString(secret)
	for _, algorithm := range []string{"hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			k, now := key(algorithm), time.Now()

			theirs := new(dns.Msg)
			theirs.SetAxfr("example.test.")
			theirs.SetTsig("SECONDARY.example.", algorithm+".", 300, now.Unix())
			packet, requestMAC, err := dns.TsigGenerate(theirs, shared, "", false)
			if err != nil {
				t.Fatal(err)
			}
			s := read(t, packet)
			if fault, err := s.Verify(k, now); fault != tsig.None || err != nil {
				t.Fatalf("their request: %v, %v", fault, err)
			}
			answers, prior := s.Answer(k), requestMAC
			for i, name := range []string{"example.test.", "example.test.", "example.test."} {
				ours := answers.Sign(question(t, name, theirs.Id), now)
				if err := dns.TsigVerify(bytes.Clone(ours), shared, prior, i > 0); err != nil {
					t.Errorf("our answer %d: %v", i+1, err)
				}
				prior = hex.EncodeToString(answers.MAC())
			}

			asker := tsig.Request(k)
			ours := asker.Sign(question(t, "example.test.", 77), now)
			if err := dns.TsigVerify(bytes.Clone(ours), shared, "", false); err != nil {
				t.Errorf("our request: %v", err)
			}
			reply := new(dns.Msg)
			reply.SetQuestion("example.test.", dns.TypeSOA)
			reply.Response = true
			reply.SetTsig("secondary.example.", algorithm+".", 300, now.Unix())
			packet, _, err = dns.TsigGenerate(reply, shared, hex.EncodeToString(asker.MAC()), false)
			if err != nil {
				t.Fatal(err)
			}
			if fault, err := read(t, packet).VerifyAnswer(k, asker.MAC(), now); fault != tsig.None || err != nil {
				t.Errorf("their answer: %v, %v", fault, err)
			}
			if fault, _ := read(t, packet).VerifyAnswer(k, []byte("another request's MAC, not this one's"), now); fault != tsig.BadSig {
				t.Errorf("an answer to another request: %v", fault)
			}
		})
	}
}

func TestVerify_Faults(t *testing.T) {
	t.Parallel()
	k := key("hmac-sha256")
	signed := func(at time.Time) []byte { return tsig.Request(k).Sign(question(t, "example.test.", 1), at) }
	cut := func(n int) []byte { // a MAC of n bytes
		b := signed(noon)
		mac := read(t, b).MAC
		i := bytes.Index(b, mac)
		b[i-1] = byte(n)              // its length
		b[i-2-8-13-1] -= byte(32 - n) // the record's length: before algorithm name, time, fudge, size
		return append(b[:i+n], b[i+32:]...)
	}
	for _, c := range []struct {
		name   string
		packet []byte
		key    tsig.Key
		want   tsig.Fault
		format bool
	}{
		{"good", signed(noon), k, tsig.None, false},
		{"another name", signed(noon), tsig.Key{Name: "other.", Algorithm: "hmac-sha256", Secret: secret}, tsig.BadKey, false},
		{"another algorithm", signed(noon), key("hmac-sha512"), tsig.BadKey, false},
		{"an algorithm that is not taken", signed(noon), key("hmac-md5.sig-alg.reg.int"), tsig.BadKey, false},
		{"another secret", signed(noon), tsig.Key{Name: k.Name, Algorithm: k.Algorithm, Secret: []byte("no")}, tsig.BadSig, false},
		{"changed on its way", bytes.Replace(signed(noon), []byte("\x07example"), []byte("\x07exbmple"), 1), k, tsig.BadSig, false},
		{"at the edge of the time, late", signed(noon.Add(-300 * time.Second)), k, tsig.None, false},
		{"at the edge of the time, early", signed(noon.Add(300 * time.Second)), k, tsig.None, false},
		{"too late", signed(noon.Add(-301 * time.Second)), k, tsig.BadTime, false},
		{"too early", signed(noon.Add(301 * time.Second)), k, tsig.BadTime, false},
		{"half of the MAC", cut(16), k, tsig.BadTrunc, false},
		{"less than half of the MAC", cut(15), k, tsig.None, true},
		{"none of the MAC", cut(0), k, tsig.None, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fault, err := read(t, c.packet).Verify(c.key, noon)
			if fault != c.want || errors.Is(err, tsig.ErrFormat) != c.format {
				t.Errorf("%v, %v; want %v", fault, err, c.want)
			}
		})
	}
}

// The id of a message may be changed by a forwarder; what was signed is in the signature.
func TestVerify_TakesTheOriginalID(t *testing.T) {
	t.Parallel()
	b := tsig.Request(key("hmac-sha256")).Sign(question(t, "example.test.", 0x1234), noon)
	b[0], b[1] = 0x56, 0x78
	if fault, err := read(t, b).Verify(key("hmac-sha256"), noon); fault != tsig.None || err != nil {
		t.Errorf("%v, %v", fault, err)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	k, here := key("hmac-sha256"), noon.Add(time.Hour)
	request := tsig.Request(k)
	s := read(t, request.Sign(question(t, "example.test.", 9), noon))
	for _, c := range []struct {
		fault  tsig.Fault
		signed bool
	}{{tsig.BadKey, false}, {tsig.BadSig, false}, {tsig.BadTime, true}, {tsig.BadTrunc, true}} {
		signer := s.Refuse(k, c.fault)
		plain := question(t, "example.test.", 9)
		b := signer.Sign(bytes.Clone(plain), here)
		if len(b) != len(plain)+signer.Overhead() {
			t.Errorf("%v: %d bytes more, said were %d", c.fault, len(b)-len(plain), signer.Overhead())
		}
		answer := read(t, b)
		if answer.Fault() != c.fault || (len(answer.MAC) > 0) != c.signed {
			t.Errorf("%v: the answer says %v, with a MAC of %d bytes", c.fault, answer.Fault(), len(answer.MAC))
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatal(err)
		}
		if c.fault != tsig.BadTime {
			continue
		}
		// Whoever asked checks the refusal by its own clock, and reads what the time is here.
		if fault, err := answer.VerifyAnswer(k, request.MAC(), noon); fault != tsig.None || err != nil {
			t.Errorf("the refusal can't be checked: %v, %v", fault, err)
		}
		if got, want := m.IsTsig().OtherData, "00006b0ad050"; !strings.EqualFold(got, want) {
			t.Errorf("the time here is given as %s, want %s", got, want)
		}
	}
}

func TestRead_WantsTheSignatureLast(t *testing.T) {
	t.Parallel()
	plain := question(t, "example.test.", 1)
	if s, err := tsig.Read(plain); s != nil || err != nil {
		t.Errorf("of a message without one: %v, %v", s, err)
	}
	signed := tsig.Request(key("hmac-sha256")).Sign(bytes.Clone(plain), noon)
	twice := tsig.Request(key("hmac-sha256")).Sign(bytes.Clone(signed), noon)
	opt := append(bytes.Clone(signed), 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
	opt[11]++
	answer := bytes.Clone(signed)
	answer[11], answer[7] = 0, 2
	for name, packet := range map[string][]byte{
		"twice":                 twice,
		"before an OPT":         opt,
		"as an answer":          answer,
		"cut off":               signed[:len(signed)-1],
		"with bytes after it":   append(bytes.Clone(signed), 0),
		"counted, not there":    append(bytes.Clone(plain[:11]), append([]byte{2}, plain[12:]...)...),
		"shorter than a header": signed[:11],
	} {
		if s, err := tsig.Read(packet); !errors.Is(err, tsig.ErrFormat) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// FuzzRead looks for messages that are read and can't be, and for messages that can be signed and not be checked.
func FuzzRead(f *testing.F) {
	m := new(dns.Msg)
	m.SetAxfr("example.test.")
	plain, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	k := key("hmac-sha384")
	f.Add(plain)
	f.Add(tsig.Request(k).Sign(bytes.Clone(plain), noon))
	f.Add(tsig.Request(k).Sign(question(&testing.T{}, "a.b.", 5), noon))
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := bytes.Clone(packet)
		s, err := tsig.Read(packet)
		if !bytes.Equal(before, packet) {
			t.Fatal("the message was changed by being read")
		}
		if err != nil {
			return
		}
		if s != nil {
			if fault, err := s.Verify(k, noon); err == nil && fault == tsig.None && !bytes.Contains(packet, s.MAC) {
				t.Fatal("good without its MAC")
			}
			return
		}
		end := new(dns.Msg)
		if end.Unpack(packet) != nil || len(packet) > 60000 || packet[10] == 0xff && packet[11] == 0xff {
			return
		}
		whole, err := end.Pack() // without what may follow the last record
		if err != nil {
			return
		}
		if s, err := tsig.Read(whole); s != nil || err != nil {
			return
		}
		signed, err := tsig.Read(tsig.Request(k).Sign(whole, noon))
		if err != nil || signed == nil {
			t.Fatalf("what was signed can't be read: %v", err)
		}
		if fault, err := signed.Verify(k, noon); fault != tsig.None || err != nil {
			t.Fatalf("what was signed is not good: %v, %v", fault, err)
		}
	})
}

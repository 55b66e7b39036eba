package message_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// packet joins pieces of hexadecimal, in which spaces say nothing.
func packet(t testing.TB, pieces ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(pieces, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Parts of messages.
const (
	one    = "1234 0100 0001 0000 0000 0000" // a header with one question
	oneOPT = "1234 0100 0001 0000 0000 0001"
	www    = "03777777 07 6578616d706c65 04 74657374 00 0001 0001" // www.example.test A
	opt    = "00 0029 04d0 00000000 0000"
)

func TestParse_ReadsTheQuestion(t *testing.T) {
	t.Parallel()
	var q message.Query
	b := packet(t, "1234 0110 0001 0000 0000 0001", "03 775757 07 4578616d506c65 04 74657374 00 001c 0001", "00 0029 1000 0000 8000 0010", "0003 0000", "000a 0008 0102030405060708")
	if f := message.Parse(b, &q); f != message.Sound {
		t.Fatalf("%v", f)
	}
	if q.ID != 0x1234 || q.Opcode != 0 || !q.RD || !q.CD || q.Type != message.TypeAAAA || q.Class != message.ClassIN || q.Labels != 3 || q.TSIG {
		t.Errorf("%+v", q)
	}
	if got := string(q.Name); got != "\x03wWW\x07ExamPle\x04test\x00" {
		t.Errorf("name %q", got)
	}
	if got := string(q.Key); got != "\x03www\x07example\x04test\x00" {
		t.Errorf("key %q", got)
	}
	if q.Starts[0] != 0 || q.Starts[1] != 4 || q.Starts[2] != 12 || !bytes.Equal(q.Question, b[12:12+len(q.Name)+4]) {
		t.Errorf("starts %v, question %q", q.Starts[:3], q.Question)
	}
	e := q.EDNS
	if !e.Present || e.Version != 0 || !e.DO || e.Size != 4096 || !e.NSID || !bytes.Equal(e.Cookie, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%+v", e)
	}
	if f := message.Parse(packet(t, one, "00 0002 0001"), &q); f != message.Sound || q.Labels != 0 || string(q.Key) != "\x00" || q.EDNS.Present || q.CD {
		t.Errorf("the root: %v, %+v", f, q)
	}
}

func TestParse_FindsEachFault(t *testing.T) {
	t.Parallel()
	label := func(n int) string {
		return hex.EncodeToString(append([]byte{byte(n)}, bytes.Repeat([]byte("a"), n)...))
	}
	long := strings.Repeat(label(61), 4) // 248 bytes
	for name, c := range map[string]struct {
		packet string
		want   message.Fault
	}{
		"D53 nothing":                           {"", message.Short},
		"D53 eleven bytes":                      {"1234 0100 0001 0000 0000 00", message.Short},
		"D53 an answer":                         {"1234 8100 0001 0000 0000 0000" + www, message.Response},
		"D50 opcode 1":                          {"1234 0900 0001 0000 0000 0000" + www, message.UnknownOpcode},
		"D50 opcode 15 alone":                   {"1234 7800 0000 0000 0000 0000", message.UnknownOpcode},
		"D54 no question":                       {"1234 0100 0000 0000 0000 0000", message.QuestionCount},
		"D54 no question, OPT without a cookie": {"1234 0100 0000 0000 0000 0001" + opt, message.QuestionCount},
		"D42 no question, a cookie":             {"1234 0100 0000 0000 0000 0001 00 0029 04d0 00000000 000c 000a 0008 0102030405060708", message.Sound},
		"D54 two questions":                     {"1234 0100 0002 0000 0000 0000" + www + www, message.QuestionCount},
		"D54 a header that promises a question": {one, message.CutQuestion},
		"D54 a label of 64":                     {one + label(64) + "00 0001 0001", message.BadName},
		"D54 a name of 255":                     {one + long + label(5) + "00 0001 0001", message.Sound},
		"D54 a name of 256":                     {one + long + label(6) + "00 0001 0001", message.BadName},
		"D54 a pointer to itself":               {one + "c00c 0001 0001", message.BadName},
		"D54 a pointer forward":                 {one + "c010 0001 0001 00", message.BadName},
		"D54 a pointer into the header":         {one + "c000 0001 0001", message.BadName},
		"D54 a name that is cut":                {one + "03 7777", message.CutQuestion},
		"D54 a name without an end":             {one + "03 777777", message.CutQuestion},
		"D54 a question without its class":      {one + "00 0001 00", message.CutQuestion},
		"D55 an answer that is not there":       {"1234 0100 0001 0001 0000 0000" + www, message.CutRecord},
		"D55 an answer that is there":           {"1234 0100 0001 0001 0000 0000" + www + "c00c 0001 0001 00000000 0004 01020304", message.Sound},
		"a record whose data is cut":            {"1234 0100 0001 0000 0001 0000" + www + "c00c 0001 0001 00000000 0004 010203", message.CutRecord},
		"a record whose name points forward":    {"1234 0100 0001 0000 0001 0000" + www + "c040 0001 0001 00000000 0000", message.CutRecord},
		"a record whose name points to itself":  {"1234 0100 0001 0000 0001 0000" + www + "0161 c022 0001 0001 00000000 0000", message.CutRecord},
		"a record whose name is a pointer only": {"1234 0100 0001 0000 0001 0000" + www + "c0", message.CutRecord},
		"a record with a label of 64":           {"1234 0100 0001 0000 0001 0000" + www + label(64) + "00 0001 0001 00000000 0000", message.CutRecord},
		"D56 a byte too many":                   {one + www + "00", message.Trailing},
		"D37 two OPT":                           {"1234 0100 0001 0000 0000 0002" + www + opt + opt, message.SecondOPT},
		"D38 OPT of another owner":              {oneOPT + www + "c00c 0029 04d0 00000000 0000", message.MisplacedOPT},
		"OPT among the answers":                 {"1234 0100 0001 0001 0000 0000" + www + opt, message.MisplacedOPT},
		"D38 an option past the end":            {oneOPT + www + "00 0029 04d0 00000000 0005 0003 0004 00", message.CutOption},
		"D38 half an option":                    {oneOPT + www + "00 0029 04d0 00000000 0003 0003 00", message.CutOption},
		"D36 an unknown option and flags":       {oneOPT + www + "00 0029 04d0 0000 7fff 0007 fde9 0003 010203", message.Sound},
		"D35 version 1":                         {oneOPT + www + "00 0029 04d0 0001 0000 0000", message.BadVersion},
		"D35 version 1 and a byte too many":     {oneOPT + www + "00 0029 04d0 0001 0000 0000 00", message.Trailing},
		"D41 a cookie of 7":                     {oneOPT + www + "00 0029 04d0 00000000 000b 000a 0007 01020304050607", message.CookieLength},
		"D41 a cookie of 9":                     {oneOPT + www + "00 0029 04d0 00000000 000d 000a 0009 010203040506070809", message.CookieLength},
		"D41 an empty cookie":                   {oneOPT + www + "00 0029 04d0 00000000 0004 000a 0000", message.CookieLength},
		"D41 a cookie of 41":                    {oneOPT + www + "00 0029 04d0 00000000 002d 000a 0029" + strings.Repeat("00", 41), message.CookieLength},
		"D41 a cookie of 40":                    {oneOPT + www + "00 0029 04d0 00000000 002c 000a 0028" + strings.Repeat("00", 40), message.Sound},
		"TSIG before OPT":                       {"1234 0100 0001 0000 0000 0002" + www + "00 00fa 00ff 00000000 0000" + opt, message.MisplacedTSIG},
		"TSIG behind OPT":                       {"1234 0100 0001 0000 0000 0002" + www + opt + "00 00fa 00ff 00000000 0000", message.Sound},
		"UPDATE":                                {"1234 2800 0001 0000 0001 0000 00 0006 0001 00 0001 0001 00000000 0000", message.Sound},
		"NOTIFY without a question":             {"1234 2000 0000 0000 0000 0000", message.QuestionCount},
	} {
		var q message.Query
		if got := message.Parse(packet(t, c.packet), &q); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestParse_ForgetsTheMessageBefore(t *testing.T) {
	t.Parallel()
	var q, fresh message.Query
	message.Parse(packet(t, "1234 0110 0001 0000 0000 0002", www, "00 0029 1000 0000 8000 000c 000a 0008 0102030405060708", "00 00fa 00ff 00000000 0000"), &q)
	if !q.TSIG || q.EDNS.Cookie == nil {
		t.Fatalf("%+v", q)
	}
	short := packet(t, "4321 0000 0000 0000 0000 0000")
	message.Parse(short, &q)
	message.Parse(short, &fresh)
	if q.Question != nil || q.Key != nil || q.Labels != 0 || q.EDNS.Present || q.EDNS.Cookie != nil || q.TSIG || q.CD || q.ID != fresh.ID {
		t.Errorf("%+v", q)
	}
}

func TestFault_HasWordsForEach(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for f := message.Sound; f <= message.BadVersion; f++ {
		if w := f.String(); w == "" || w == "unknown" || seen[w] {
			t.Errorf("fault %d: %q", f, w)
		} else {
			seen[w] = true
		}
	}
}

func TestParse_Allocates(t *testing.T) {
	var q message.Query
	b := packet(t, oneOPT, www, "00 0029 04d0 00000000 000c 000a 0008 0102030405060708")
	if n := testing.AllocsPerRun(100, func() { message.Parse(b, &q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParse(b *testing.B) {
	var q message.Query
	m := packet(b, oneOPT, www, "00 0029 04d0 00000000 000c 000a 0008 0102030405060708")
	for b.Loop() {
		message.Parse(m, &q)
	}
}

func TestOPT_IsWhatOthersRead(t *testing.T) {
	t.Parallel()
	var q message.Query
	if f := message.Parse(packet(t, one, www), &q); f != message.Sound {
		t.Fatal(f)
	}
	o := message.OPT{
		Size: 1232, Rcode: message.BadCookie, DO: true, Cookie: bytes.Repeat([]byte{7}, 24), NSID: "edge-1",
		Extended: message.EDE{Code: message.NotAuthoritative, Text: "not a zone of this server"},
	}
	b := message.AppendQuestion(nil, &q)
	at := len(b)
	b = o.Append(b)
	message.PutHeader(b, &q, message.Result{Rcode: message.BadCookie, Authoritative: true, Truncated: true, Additionals: 1}, true)
	if len(b)-at != o.Len() {
		t.Errorf("Len says %d, it has %d", o.Len(), len(b)-at)
	}
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	if m.Id != 0x1234 || !m.Response || !m.Authoritative || !m.Truncated || !m.RecursionDesired || !m.RecursionAvailable || m.AuthenticatedData || m.Rcode != dns.RcodeBadCookie {
		t.Errorf("%v", &m)
	}
	r := m.IsEdns0()
	if r == nil || !r.Do() || r.UDPSize() != 1232 || r.Version() != 0 || len(r.Option) != 3 {
		t.Fatalf("%v", r)
	}
	if e, ok := r.Option[2].(*dns.EDNS0_EDE); !ok || e.InfoCode != dns.ExtendedErrorCodeNotAuthoritative || e.ExtraText != "not a zone of this server" {
		t.Errorf("%v", r.Option[2])
	}
	if n, ok := r.Option[1].(*dns.EDNS0_NSID); !ok || n.Nsid != hex.EncodeToString([]byte("edge-1")) {
		t.Errorf("%v", r.Option[1])
	}
}

// Whatever comes in, Parse must not panic; and what it finds sound another reader must find sound too, and understand alike.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		one + www, oneOPT + www + opt, "1234 0100 0002 0000 0000 0000" + www + www, oneOPT + www + "00 0029 04d0 00000000 000c 000a 0008 0102030405060708",
		"1234 2000 0001 0001 0000 0000" + www + "c00c 0006 0001 00000000 0000", one + "c00c 0001 0001", "1234 0100 0001 0000 0000 0002" + www + opt + "00 00fa 00ff 00000000 0000",
	} {
		f.Add(packet(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var q message.Query
		fault := message.Parse(b, &q)
		if fault.String() == "unknown" {
			t.Errorf("fault %d has no words", fault)
		}
		var m dns.Msg
		if err := m.Unpack(b); err != nil || fault != message.Sound || len(q.Question) == 0 {
			return
		}
		if m.Id != q.ID || m.Opcode != int(q.Opcode) || m.RecursionDesired != q.RD || m.CheckingDisabled != q.CD || len(m.Question) != 1 {
			t.Fatalf("%+v\n%v", q, &m)
		}
		name, _, err := dns.UnpackDomainName(q.Name, 0)
		if err != nil || name != m.Question[0].Name || q.Type != m.Question[0].Qtype || q.Class != m.Question[0].Qclass || q.Labels != dns.CountLabel(name) {
			t.Fatalf("%q %v, %d labels\n%v", name, err, q.Labels, &m)
		}
		if e := m.IsEdns0(); (e != nil) != q.EDNS.Present || e != nil && (e.Do() != q.EDNS.DO || e.UDPSize() != q.EDNS.Size) {
			t.Fatalf("%+v\n%v", q.EDNS, &m)
		}
		if (m.IsTsig() != nil) != q.TSIG {
			t.Fatalf("TSIG %v\n%v", q.TSIG, &m)
		}
	})
}

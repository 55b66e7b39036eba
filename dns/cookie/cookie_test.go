package cookie_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/cookie"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jar(t *testing.T) *cookie.Jar {
	t.Helper()
	j, err := cookie.New(bytes.Repeat([]byte{42}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestHash_IsSipHash24(t *testing.T) {
	t.Parallel()
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(i)
	}
	if got := cookie.Hash(b[:15]); got != 0xa129ca6149be45e5 { // appendix A of the paper
		t.Errorf("%x", got)
	}
	if got := cookie.Hash(nil); got != 0x726fdb47dd0e0e31 {
		t.Errorf("of nothing: %x", got)
	}
}

// The examples of RFC 9018, appendix A.
func TestJar_MakesTheCookiesOfTheRFC(t *testing.T) {
	t.Parallel()
	const first, second = "e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"
	for _, c := range []struct {
		name, secret, client, in, out string
		now                           int64
		good                          bool
	}{
		{"A.1 a new one", first, "198.51.100.100", "2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985, false},
		{"A.2 renewed after 40 minutes", first, "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", 1559734385, true},
		{"A.3 reserved bytes are not ours", first, "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", 1559734700, false},
		{"A.4 IPv6", second, "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", 1559741961, false},
	} {
		j, now, client := jar(t), time.Unix(c.now, 0), netip.MustParseAddr(c.client)
		j.Fix(unhex(t, c.secret), now)
		in := unhex(t, c.in)
		good := j.Good(in, client, now)
		if good != c.good {
			t.Errorf("%s: good is %v", c.name, good)
		}
		if got := hex.EncodeToString(j.Append(nil, in, client, now, good)); got != c.out {
			t.Errorf("%s: %s, want %s", c.name, got, c.out)
		}
	}
}

func TestJar_KnowsItsOwnForAnHour(t *testing.T) {
	t.Parallel()
	j, here := jar(t), netip.MustParseAddr("192.0.2.1")
	start := time.Unix(1_800_000_000/86400*86400, 0).Add(-10 * time.Minute) // midnight comes between
	made := j.Append(nil, []byte("12345678"), here, start, false)
	for after, want := range map[time.Duration]bool{
		0: true, 10 * time.Minute: true, time.Hour: true, time.Hour + time.Second: false, 25 * time.Hour: false,
		-5 * time.Minute: true, -6 * time.Minute: false,
	} {
		if got := j.Good(made, here, start.Add(after)); got != want {
			t.Errorf("after %v: %v", after, got)
		}
	}
	if !j.Good(made, netip.MustParseAddr("::ffff:192.0.2.1"), start) {
		t.Error("IPv4 in IPv6 is another client")
	}
	if j.Good(made, netip.MustParseAddr("192.0.2.2"), start) {
		t.Error("another client's is good")
	}
	for i := range made {
		bad := bytes.Clone(made)
		bad[i] ^= 1
		if j.Good(bad, here, start) {
			t.Errorf("one with another byte %d is good", i)
		}
	}
	if j.Good(made[:8], here, start) || j.Good(append(made, 0), here, start) {
		t.Error("one of another length is good")
	}
	same := j.Append(nil, made, here, start.Add(29*time.Minute), true)
	other := j.Append(nil, made, here, start.Add(31*time.Minute), true)
	if !bytes.Equal(same, made) || bytes.Equal(other, made) || !j.Good(other, here, start.Add(31*time.Minute)) {
		t.Error("it is not renewed when it is half an hour old")
	}
	twin := jar(t)
	if !twin.Good(made, here, start) {
		t.Error("another server with the same secret does not know it")
	}
}

func TestJar_Allocates(t *testing.T) {
	j, here, now, b := jar(t), netip.MustParseAddr("2001:db8::1"), time.Unix(1_800_000_000, 0), make([]byte, 0, 24)
	made := j.Append(nil, []byte("12345678"), here, now, false)
	if n := testing.AllocsPerRun(100, func() { b = j.Append(b[:0], made, here, now, j.Good(made, here, now)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

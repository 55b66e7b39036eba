package why_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip/why"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, shown, host string
		port              uint16
		secure, socket    bool
	}{
		{"https://shop.test", "https://shop.test/", "shop.test", 443, true, false},
		{"shop.test/orders?x=1#part", "https://shop.test/orders?x=1", "shop.test", 443, true, false},
		{"shop.test:8443", "https://shop.test:8443/", "shop.test", 8443, true, false},
		{"http://shop.test:80/", "http://shop.test/", "shop.test", 80, false, false},
		{"WSS://Shop.Test./live", "wss://shop.test/live", "shop.test", 443, true, true},
		{"http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", "2001:db8::1", 8080, false, false},
		{"[::1]:8443/x", "https://[::1]:8443/x", "::1", 8443, true, false},
		{"localhost/login:x", "https://localhost/login:x", "localhost", 443, true, false},
		{"localhost:8443/?q=a:b", "https://localhost:8443/?q=a:b", "localhost", 8443, true, false},
		{"shop.test/login?next=https://shop.test/a", "https://shop.test/login?next=https://shop.test/a", "shop.test", 443, true, false},
		{"https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, true, false},
	} {
		got, err := why.ParseTarget(tt.text)
		if err != nil || got.Shown != tt.shown || got.Host != tt.host || got.Port != tt.port || got.Secure != tt.secure || got.Socket != tt.socket {
			t.Errorf("%s: %+v, %v", tt.text, got, err)
		}
	}
	for _, bad := range []string{"", "  ", "ftp://shop.test", "mailto:ana@shop.test", "https://", "https://ana:secret@shop.test/", "https://shop.test:0/", "https://shop.test:99999/", "https://a b/", "https://-.test/"} {
		if got, err := why.ParseTarget(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("https://shop.test:8443/orders?x=1#part")
	f.Add("ws://[::1]/")
	f.Add("aa\xe6000#00")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		target, err := why.ParseTarget(text)
		if err != nil {
			return
		}
		again, err := why.ParseTarget(target.Shown)
		if err != nil || again.Host != target.Host || again.Port != target.Port || again.Socket != target.Socket {
			t.Errorf("%q is shown as %q, which is %+v, %v", text, target.Shown, again, err)
		}
	})
}

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Shop.test": "https://shop.test", "shop.test": "https://shop.test", "https://shop.test:443/": "https://shop.test",
		"http://shop.test:8080": "http://shop.test:8080", "null": "null", "": "",
	} {
		if got, err := why.ParseOrigin(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"https://shop.test/page", "https://", "https://shop.test?x"} {
		if got, err := why.ParseOrigin(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// TestUnsafeHeaders is the list of the Fetch standard, section 2.2.2.
func TestUnsafeHeaders(t *testing.T) {
	t.Parallel()
	long := string(make([]byte, 200))
	for _, tt := range []struct {
		name string
		h    http.Header
		want []string
	}{
		{"none", nil, nil},
		{"safelisted", http.Header{"Accept": {"text/html"}, "Accept-Language": {"de, en;q=0.5"}, "Content-Type": {"text/plain;charset=UTF-8"}, "Range": {"bytes=0-99"}}, nil},
		{"JSON", http.Header{"Content-Type": {"application/json"}}, []string{"content-type"}},
		{"a token and one of its own", http.Header{"X-Shop": {"1"}, "Authorization": {"Bearer x"}}, []string{"authorization", "x-shop"}},
		{"a range without a first byte", http.Header{"Range": {"bytes=-5"}}, []string{"range"}},
		{"too long", http.Header{"Accept": {long}}, []string{"accept"}},
		{"what scripts can't set", http.Header{"Cookie": {"a=b"}, "Sec-Fetch-Mode": {"cors"}, "Host": {"x"}}, nil},
	} {
		if got := why.UnsafeHeaders(tt.h); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

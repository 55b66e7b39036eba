package why_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/why"
)

// site is a server of somebody else, with a certificate for example.com that only our pool trusts.
func site(t *testing.T, h http.HandlerFunc) (url string, o why.Options) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "https://example.com:" + port, why.Options{
		URL: "https://example.com:" + port + "/orders", Roots: roots, Resolve: map[string]netip.Addr{"example.com": netip.MustParseAddr("127.0.0.1"), "other.test": netip.MustParseAddr("127.0.0.1")},
		Dial: why.DialFrom, Now: time.Now, Rand: rand.Reader, Header: http.Header{},
	}
}

func run(t *testing.T, o why.Options) *why.Answer {
	t.Helper()
	a, err := why.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRun_AForeignSite(t *testing.T) {
	t.Parallel()
	_, o := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodOptions && r.Header.Get("Cookie") != "":
			w.WriteHeader(http.StatusTeapot) // a browser never does so
		case r.Method == http.MethodOptions:
			w.Header().Set("Access-Control-Allow-Origin", "https://app.test")
			w.Header().Set("Access-Control-Allow-Methods", "PUT")
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPut:
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		}
	})
	var live []why.Step
	o.Step = func(s why.Step) { live = append(live, s) }
	a := run(t, o)
	if !a.Well || !a.Foreign || a.Stopped != -1 || len(a.Unknown) != 1 || len(live) != len(a.Steps) {
		t.Errorf("%+v", a)
	}
	put := o
	put.Method, put.Origin = "PUT", "https://app.test"
	if a := run(t, put); !a.Well {
		t.Errorf("PUT: %s", a.Sentence)
	}
	put.Header = http.Header{"X-Shop": {"1"}}
	if a := run(t, put); a.Reason != "cors.header_not_allowed" || a.StoppedBy().String() != "cors" {
		t.Errorf("PUT with a header: %s", a.Sentence)
	}
	put.Anyway = true
	if a := run(t, put); a.Reason != "cors.header_not_allowed" || a.Steps[len(a.Steps)-1].Verdict == "not sent" {
		t.Errorf("PUT with a header, anyway: %+v", a.Steps)
	}
	get := o
	get.Origin = "https://app.test"
	if a := run(t, get); a.Reason != "cors.origin_not_allowed" {
		t.Errorf("GET: %s", a.Sentence)
	}
}

func TestRun_WhatIsWrongWithTheCertificate(t *testing.T) {
	t.Parallel()
	url, o := site(t, func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		name, reason string
		change       func(o *why.Options)
	}{
		{"another name", "tls.name_mismatch", func(o *why.Options) { o.URL = strings.Replace(url, "example.com", "other.test", 1) }},
		{"an issuer that nobody knows", "tls.client_rejected_ca", func(o *why.Options) { o.Roots = x509.NewCertPool() }},
		{"over", "tls.certificate_expired", func(o *why.Options) { o.Now = func() time.Time { return time.Now().AddDate(100, 0, 0) } }},
		{"not begun", "tls.certificate_not_yet_valid", func(o *why.Options) { o.Now = func() time.Time { return time.Now().AddDate(-100, 0, 0) } }},
	} {
		changed := o
		tt.change(&changed)
		changed.Timeout = time.Minute
		if a := run(t, changed); a.Reason != tt.reason || a.Layer != "tls" {
			t.Errorf("%s: %s: %s", tt.name, a.Reason, a.Sentence)
		}
	}
}

func TestRun_NothingListens(t *testing.T) {
	t.Parallel()
	_, o := site(t, func(http.ResponseWriter, *http.Request) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.URL = "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if a := run(t, o); a.Reason != "connection.refused" || a.StoppedBy().String() != "tcp" || len(a.Unknown) != 2 {
		t.Errorf("%+v", a)
	}
}

func TestRun_RefusesWhatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	_, o := site(t, func(http.ResponseWriter, *http.Request) {})
	for name, change := range map[string]func(o *why.Options){
		"a scheme": func(o *why.Options) { o.URL = "ftp://example.com" }, "a method": func(o *why.Options) { o.Method = "CONNECT" },
		"an origin": func(o *why.Options) { o.Origin = "https://app.test/page" }, "an account without a server": func(o *why.Options) { o.As = "ana" },
	} {
		changed := o
		change(&changed)
		if a, err := why.Run(t.Context(), changed); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestPage_EightyColumns looks that no line is longer, that text of others steers no terminal, and that colours are asked for.
func TestPage_EightyColumns(t *testing.T) {
	t.Parallel()
	_, o := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"reason":"access.rule_denied","detail":"\u001b[31m` + strings.Repeat("long words and ", 20) + strings.Repeat("x", 200) + `"}`))
	})
	a := run(t, o)
	var plain, coloured bytes.Buffer
	(&why.Page{Out: &plain}).Answer(a)
	(&why.Page{Out: &coloured, Colour: true}).Answer(a)
	for line := range strings.Lines(plain.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[31m✗") || strings.Contains(coloured.String(), "\x1b[31mlong") {
		t.Errorf("%q", coloured.String())
	}
}

// lender is a server of ours that lends a session, and sees nothing.
type lender struct{ begun why.Begun }

func (l *lender) Begin(context.Context, why.Wanted) (*why.Begun, error) { return &l.begun, nil }
func (l *lender) Saw(context.Context, why.Asked) (*why.Saw, error)      { return &why.Saw{}, nil }
func (l *lender) End(context.Context, *why.Begun) error                 { return nil }

// A name may lead elsewhere than it should, which is what people ask why for: then the session of an account is not handed to
// whoever answers there.
func TestRun_TheSessionGoesToNobodyElse(t *testing.T) {
	t.Parallel()
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Cookie")) }))
	defer s.Close()
	there := netip.MustParseAddrPort(s.Listener.Addr().String())
	for _, at := range []string{"203.0.113.9", "127.0.0.1"} {
		a := run(t, why.Options{
			URL: "http://shop.test/", As: "ana", Resolve: map[string]netip.Addr{"shop.test": netip.MustParseAddr(at)}, Now: time.Now, Rand: rand.Reader,
			Server: &lender{why.Begun{Ours: true, Site: "shop.test", Session: &why.Session{Cookie: "session", Token: "secret"}}},
			Dial: func(ctx context.Context, port uint16, _ netip.AddrPort) (net.Conn, error) {
				return why.DialFrom(ctx, port, there)
			},
		})
		if at == "203.0.113.9" && !strings.Contains(fmt.Sprint(a.Steps), "was not sent: nothing proves") {
			t.Errorf("it does not say so: %+v", a.Steps)
		}
	}
	if want := []string{"", "session=secret"}; !slices.Equal(got, want) {
		t.Errorf("cookies %q, want %q", got, want)
	}
}

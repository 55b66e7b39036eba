package why

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/roundtrip-dev/roundtrip"
)

// Target is the URL, taken apart.
type Target struct {
	URL    *url.URL // its scheme is http or https, for ws and wss too
	Shown  string   // as it is shown
	Host   string   // in ASCII, without brackets
	Port   uint16
	Secure bool
	Socket bool // ws or wss
	Said   []string
}

// Addr is the address that the URL has instead of a name; ok is false for a name.
func (t *Target) Addr() (a netip.Addr, ok bool) {
	a, err := netip.ParseAddr(t.Host)
	return a, err == nil
}

// Same reports whether an origin is the target's own.
func (t *Target) Same(origin string) bool { return origin == originOf(t.URL) }

// ParseTarget reads a URL as people write it: without a scheme it is https.
func ParseTarget(text string) (Target, error) {
	t := Target{}
	text = strings.TrimSpace(text)
	if text == "" {
		return t, wrong("a URL is needed, such as https://shop.example/api/orders")
	}
	if before, _, ok := strings.Cut(text, "://"); !ok || strings.ContainsAny(before, "/?#") { // that of a URL within the path is another's
		if scheme, rest, ok := strings.Cut(text, ":"); ok && strings.Trim(rest[:min(1, len(rest))], "0123456789") != "" && !strings.ContainsAny(scheme, ".[/?#") {
			return t, wrong("%s: is no scheme that is looked at here; expected http, https, ws or wss", scheme)
		}
		t.Said = append(t.Said, "The URL has no scheme, so https is taken.")
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return t, wrong("%q is no URL: %v", text, unwrapURL(err))
	}
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "https", "http":
	case "wss":
		t.Socket, u.Scheme = true, "https"
	case "ws":
		t.Socket, u.Scheme = true, "http"
	default:
		return t, wrong("%s:// is not looked at here; expected http, https, ws or wss", u.Scheme)
	}
	if u.User != nil {
		return t, wrong("the URL has a name or password in it, which browsers do not send; use -H 'Authorization: …'")
	}
	t.Secure = u.Scheme == "https"
	if u.Fragment != "" {
		t.Said = append(t.Said, "What follows # is for the page alone and is not sent.")
		u.Fragment, u.RawFragment = "", ""
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if err := t.takeHost(u); err != nil {
		return t, err
	}
	t.URL = u
	shown := *u
	if t.Socket {
		shown.Scheme = map[bool]string{true: "wss", false: "ws"}[t.Secure]
	}
	t.Shown = shown.String()
	return t, nil
}

// takeHost reads name and port.
func (t *Target) takeHost(u *url.URL) error {
	host := strings.TrimSuffix(u.Hostname(), ".")
	if host == "" {
		return wrong("the URL has no host")
	}
	if _, err := netip.ParseAddr(host); err != nil {
		if host, err = asciiHost(host); err != nil {
			return wrong("%q is no host name: %v", u.Hostname(), err)
		}
	}
	t.Host, t.Port = host, 80
	if t.Secure {
		t.Port = 443
	}
	port := u.Port()
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return wrong("%s is no port; expected 1 to 65535", port)
		}
		t.Port = uint16(n)
	}
	u.Host = host
	switch {
	case port != "" && (t.Secure && t.Port != 443 || !t.Secure && t.Port != 80):
		u.Host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	}
	return nil
}

// asciiHost returns a host name as it is looked up. What it returns is a name that it takes for itself, which the library does
// not promise of bytes that are no UTF-8.
func asciiHost(host string) (string, error) {
	if !utf8.ValidString(host) {
		return "", errors.New("it is not UTF-8")
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", err
	}
	if slices.Contains(strings.Split(ascii, "."), "") {
		return "", errors.New("a part of it is empty")
	}
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return "", fmt.Errorf("%s is read in more than one way", ascii)
	}
	return ascii, nil
}

func unwrapURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // url.Parse returns it bare
		return e.Err
	}
	return err
}

// ParseOrigin reads an origin as people write it, and returns it as browsers send it.
func ParseOrigin(text string) (string, error) {
	if text == "" || text == "null" {
		return text, nil
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(strings.ToLower(text))
	if err != nil || u.Hostname() == "" {
		return "", wrong("--origin %s is no origin; expected scheme://host or scheme://host:port, such as https://shop.example", text)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return "", wrong("--origin %s has a path; an origin is scheme, host and port alone: %s", text, originOf(u))
	}
	return originOf(u), nil
}

// originOf is the origin of a URL as browsers write it: without the port that its scheme has anyway.
func originOf(u *url.URL) string {
	usual := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(u.Host, usual)
}

func wrong(format string, args ...any) error {
	return roundtrip.E(roundtrip.Invalid, "command.invalid", format, args...)
}

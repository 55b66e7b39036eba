package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// checkHost reports what is wrong with a host name: RFC 1123 section 2.1, in lower case.
func checkHost(host string) error {
	switch {
	case strings.Contains(host, "://"):
		return errors.New("is no host name: it has a scheme; expected the host alone, such as app.example.com")
	case strings.Contains(host, "*"):
		return errors.New("is no host name: it has a * inside; expected * only as the whole leftmost label, such as *.preview.example.com")
	case strings.Contains(host, ".."), strings.HasPrefix(host, "."):
		return errors.New("is no host name: it has an empty label; expected labels joined by single dots")
	case strings.Contains(host, ":"):
		return errors.New("is no host name: it has a port; expected the host alone, the ports are chosen at the start")
	case strings.ToLower(host) != host:
		return fmt.Errorf("is no host name: it has capitals; expected %s", strings.ToLower(host))
	case strings.HasSuffix(host, "."), len(host) > 253, host == "":
		return errors.New("is no host name; expected labels joined by dots, without one at the end")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return errors.New("is an address, not a host name; expected a name, such as app.example.com")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			strings.ContainsFunc(label, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			return fmt.Errorf("is no host name: look at %q; expected labels of letters, digits and inner dashes", label)
		}
	}
	return nil
}

// checkSiteName is checkHost, and our * for the leftmost label.
func checkSiteName(name string) error {
	rest, wild := strings.CutPrefix(name, "*.")
	if lower := strings.ToLower(name); wild && lower != name {
		return fmt.Errorf("is no host name: it has capitals; expected %s", lower)
	}
	if err := checkHost(rest); err != nil {
		return err
	}
	if wild && !strings.Contains(rest, ".") && IsPublic("a."+rest) {
		return errors.New("would be every name of a top-level domain; expected such as *.preview.example.com")
	}
	return nil
}

// IsPublic reports whether a host name can be reached from the internet, so that browsers and certificate authorities
// know it.
func IsPublic(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return false
	}
	for _, local := range []string{".localhost", ".test", ".local", ".internal", ".home.arpa", ".example", ".invalid"} {
		if strings.HasSuffix(name, local) {
			return false
		}
	}
	return true
}

// checkOrigin reports what is wrong with an origin: RFC 6454 section 6.2, and our * for the leftmost label.
func checkOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return errors.New("is no origin; expected scheme, host and perhaps port, such as https://app.example.com")
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if strings.ContainsAny(rest, "/?#@") {
		return errors.New("is no origin: it goes on after the host; expected scheme, host and perhaps port, without a slash at the end")
	}
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return errors.New("is no origin: its port is no number; expected such as https://app.example.com:8443")
	}
	if inner, wild := strings.CutPrefix(host, "*."); wild {
		if !strings.Contains(inner, ".") && IsPublic("a."+inner) {
			return errors.New("would be every page of a top-level domain; expected such as https://*.example.com")
		}
		host = inner
	}
	if strings.Contains(host, "*") {
		return errors.New("is no origin; expected * only as the whole leftmost label, such as https://*.example.com")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if err := checkHost(host); err != nil {
		return fmt.Errorf("has a host that %w", err)
	}
	return nil
}

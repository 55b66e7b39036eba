package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// offer is what a client said that it can do, kept until the handshake has succeeded: where it fails, that is what its
// operator has to know.
type offer struct {
	versions  []uint16
	protocols []string
	ciphers   int
}

// hears notes what the client asks for.
func (f *Facts) hears(hello *tls.ClientHelloInfo) {
	f.Asked = hello.ServerName
	f.offer = &offer{versions: hello.SupportedVersions, protocols: hello.SupportedProtos, ciphers: len(hello.CipherSuites)}
}

// Offer says in one line what the client could do in a handshake that failed: "TLS 1.1, TLS 1.0; h2, http/1.1; 12 ciphers".
// It is empty where the client said nothing, or the handshake succeeded.
func (f *Facts) Offer() string {
	o := f.offer
	if o == nil {
		return ""
	}
	var versions []string
	for _, v := range o.versions {
		if v>>8 == 3 { // the others are there to see whether servers bear what they don't know (RFC 8701)
			versions = append(versions, tls.VersionName(v))
		}
	}
	parts := []string{strings.Join(versions, ", ")}
	if len(o.protocols) > 0 {
		list := strings.Join(o.protocols[:min(len(o.protocols), 8)], ", ")
		parts = append(parts, list[:min(len(list), 64)])
	}
	return strings.Join(append(parts, strconv.Itoa(o.ciphers)+" ciphers"), "; ")
}

// validity says how long the certificate of the connection's site is good for.
func (f *Front) validity(facts *Facts) string {
	if f.options.Expires == nil {
		return ""
	}
	until := f.options.Expires(facts.Server)
	if until.IsZero() {
		return ""
	}
	left := until.Sub(f.options.Now())
	if left <= 0 {
		facts.Reason = trace.ReasonOf("tls.certificate_expired")
		return ", certificate ended " + until.UTC().Format(time.DateOnly)
	}
	if days := int(left / (24 * time.Hour)); days != 1 {
		return fmt.Sprintf(", certificate good for %d days", days)
	}
	return ", certificate good for 1 day"
}

// made tells of a connection that requests can come on.
func (f *Front) made(facts *Facts) {
	if f.options.Made != nil {
		f.options.Made(facts)
	}
}

// reasonOf says why a handshake failed.
func (f *Front) reasonOf(facts *Facts, err error) trace.Reason {
	return trace.ReasonOf(f.codeOf(facts, err))
}

func (f *Front) codeOf(facts *Facts, err error) string {
	text := fmt.Sprint(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, new(*quic.HandshakeTimeoutError)):
		return "tls.handshake_timeout"
	case facts.offer != nil && !f.options.Serves(facts.Asked):
		return "tls.no_certificate_for_name"
	}
	if alert, ok := alertFrom(err); ok {
		switch alert {
		case alertExpired:
			return "tls.certificate_expired"
		case alertBadCertificate, alertUnknownCertificate, alertUnknownAuthority:
			if f.options.Expires != nil && !f.options.Expires(facts.Asked).After(f.options.Now()) {
				return "tls.certificate_expired"
			}
			return "tls.client_rejected_ca"
		}
	}
	switch { // crypto/tls has no other names for these
	case strings.Contains(text, "unsupported versions"):
		return "tls.version_unsupported"
	case strings.Contains(text, "no cipher suite supported"):
		return "tls.no_common_cipher"
	case strings.Contains(text, "unsupported application protocols"):
		return "tls.alpn_mismatch"
	case facts.Policy == nil:
	case strings.Contains(text, "didn't provide a certificate"):
		return "tls.client_certificate_missing"
	case errors.As(err, new(*tls.CertificateVerificationError)), strings.Contains(text, "failed to verify certificate"):
		return "tls.client_certificate_refused"
	}
	return "tls.handshake_failed"
}

// The alerts by which clients say that they don't want our certificate (RFC 8446 section 6.2). Which of them is sent for
// what differs: Go's client and some browsers send one for all.
const (
	alertBadCertificate     = 42
	alertExpired            = 45
	alertUnknownCertificate = 46
	alertUnknownAuthority   = 48
)

// alertFrom returns the alert with which the client ended a handshake.
func alertFrom(err error) (alert uint8, ok bool) {
	if e, is := errors.AsType[*quic.TransportError](err); is {
		return uint8(e.ErrorCode), e.Remote && e.ErrorCode.IsCryptoError() // its low byte is the alert (RFC 9001 section 4.8)
	}
	e, is := errors.AsType[*net.OpError](err)
	if !is || e.Op != "remote error" || e.Err == nil {
		return 0, false
	}
	for _, alert := range []uint8{alertBadCertificate, alertExpired, alertUnknownCertificate, alertUnknownAuthority} {
		if e.Err.Error() == tls.AlertError(alert).Error() { // the type of a plain connection's alerts has no name
			return alert, true
		}
	}
	return 0, false
}

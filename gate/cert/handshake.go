package cert

import (
	"crypto/tls"
	"slices"

	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// GetCertificate finds the certificate for a handshake. For a name that no site has there is none, which makes
// crypto/tls send the alert unrecognized_name (RFC 6066 section 3).
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	e := s.table.Load().find(hello.ServerName)
	if e == nil {
		return nil, nil //nolint:nilnil // the documented way to say so
	}
	return e.current()
}

// TLSConfig returns the settings of a listener: TLS 1.2 with forward secrecy and authenticated encryption, or 1.3. Each
// call makes a new one, with session ticket keys of its own. A handshake that an issuer makes to see whether a name is ours
// gets [Store.Challenge]; nothing may be read from such a connection.
func (s *Store) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: s.GetCertificate,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return s.Challenge(hello), nil
		},
		NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},
	}
}

// Challenge returns the settings for a handshake in which an issuer looks whether a name is ours (RFC 8737): one that
// offers acme-tls/1 alone, for a name whose challenge is under way. For all others it is nil. A GetConfigForClient must ask
// here first.
func (s *Store) Challenge(hello *tls.ClientHelloInfo) *tls.Config {
	if s.acme == nil || !slices.Equal(hello.SupportedProtos, []string{acme.Protocol}) {
		return nil
	}
	c := s.acme.TLSAnswer(hello.ServerName)
	if c == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*c}, NextProtos: []string{acme.Protocol}}
}

package lab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Failures is a declaration in which much can go wrong: see test/lab/failures.yaml.
//
//go:embed failures.yaml
var Failures string

// UpFailures starts what [Failures] declares: an application on app1, the server on the edge behind its groups, and a
// resolver that finds its way to it. The certificate of expired.lab.test ends when lasts is over. Trust then holds who signed
// the certificates.
func (l *Lab) UpFailures(ctx context.Context, program string, lasts time.Duration) (*Process, error) {
	edge := l.Machine(Edge)
	if err := l.Recursive(ctx, map[string]netip.Addr{"lab.test": edge.IPv4()}); err != nil {
		return nil, err
	}
	if err := l.Machine(App1).ServeApp(ctx); err != nil {
		return nil, err
	}
	if err := edge.Declare(Failures); err != nil {
		return nil, err
	}
	issuer, err := edge.certify("expired.lab.test", "expired", lasts)
	if err != nil {
		return nil, err
	}
	others, err := edge.ServeOther(ctx, ":8445", "old.lab.test")
	if err != nil {
		return nil, err
	}
	issuer = append(issuer, others...)
	if text, status, err := edge.Run(ctx, program, "firewall", "apply", "--yes", edge.Folder); err != nil || status != 0 {
		return nil, fmt.Errorf("put the groups of %s in force: exit status %d, %w; it said:\n%s", edge.Name, status, cause(err), text)
	}
	server, err := edge.Serve(ctx, program)
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile(edge.Authority())
	if err != nil {
		return nil, err
	}
	return server, os.WriteFile(l.Trust(), append(own, issuer...), 0o600)
}

// ServeOther is another program on the machine, with TLS and a certificate for another name. It ends with ctx. The authority that
// signed the certificate is returned in PEM.
func (m *Machine) ServeOther(ctx context.Context, address, name string) (issuer []byte, err error) {
	if issuer, err = m.certify(name, "other", 24*time.Hour); err != nil {
		return nil, err
	}
	at := filepath.Join(m.Folder, "certs", "other")
	pair, err := tls.LoadX509KeyPair(at+".pem", at+".key")
	if err != nil {
		return nil, err
	}
	l, err := m.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &http.Server{ReadHeaderTimeout: Patience, Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)} // refused handshakes are meant
	context.AfterFunc(ctx, func() { _ = s.Close() })
	go func() {
		if err := s.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own
		}
	}()
	return issuer, nil
}

// Lose has the wire lose what is sent to a port of TCP, as a box between two machines does. Neither of them hears of it.
func (l *Lab) Lose(ctx context.Context, to netip.AddrPort) error {
	rules := fmt.Sprintf("add table bridge way\nadd chain bridge way passing { type filter hook forward priority 0; }\n"+
		"add rule bridge way passing ip daddr %s tcp dport %d drop\n", to.Addr(), to.Port())
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", l.wire(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("have the wire lose packets: %s", firstLine(string(text), err))
	}
	return nil
}

// Trust is the file of the authorities whose signature is good in this lab: SSL_CERT_FILE of who trusts them.
func (l *Lab) Trust() string { return filepath.Join(l.folder, "trust.pem") }

// certify makes a certificate for a name, of an issuer of its own, below certs in the machine's folder: FILE.pem and
// FILE.key. It returns the issuer's certificate in PEM.
func (m *Machine) certify(name, file string, lasts time.Duration) ([]byte, error) {
	from := time.Now().Add(-time.Hour)
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Issuer of the lab"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: from, NotAfter: from.Add(24 * time.Hour),
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: time.Now().Add(lasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	issuerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := x509.CreateCertificate(rand.Reader, issuer, issuer, issuerKey.Public(), issuerKey)
	if err != nil {
		return nil, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, issuer, key.Public(), issuerKey)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(m.Folder, "certs")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for at, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: cert}, ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(folder, file+at), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), nil
}

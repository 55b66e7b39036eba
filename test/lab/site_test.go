package lab_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// site starts all that the site needs: the application machines, the name server and the edge.
func site(t testing.TB, l *lab.Lab, yaml string) (edge *lab.Process) {
	t.Helper()
	for _, name := range []string{lab.App1, lab.App2} {
		must(t, l.Machine(name).ServeApp(t.Context()))
	}
	serve(t, l.Machine(lab.DNS), yaml)
	return serve(t, l.Machine(lab.Edge), yaml)
}

// A visitor types the name of the site. It is looked up with our name server, the edge ends TLS with a certificate of its own
// authority, and an application machine answers.
func TestSite_Curl(t *testing.T) {
	l := open(t)
	edge := site(t, l, lab.Declaration)
	client, authority := l.Machine(lab.Client), l.Machine(lab.Edge).Authority()

	for _, family := range []string{"-4", "-6"} {
		for _, version := range []string{"--http1.1", "--http2"} {
			text := run(t, client, 0, "curl", "-sS", "-i", family, version, "--cacert", authority, "https://"+lab.Site+"/")
			has(t, "the answer over "+family+" "+version, text, " 200", " answers "+address(client, family))
			journey := regexp.MustCompile(`(?i)x-journey: (\S+)`).FindStringSubmatch(text)
			if journey == nil {
				t.Fatalf("no journey in\n%s", text)
			}
			must(t, edge.Await(t.Context(), `"journey":"`+journey[1], 1))
			has(t, "the line of the request in the edge's log", line(edge, `"journey":"`+journey[1]), `"rule":"web rule 1"`, `"upstream":"http://198.18.0.3`)
		}
	}
}

// line returns the line of a server's log that has a text in it.
func line(p *lab.Process, with string) string {
	for l := range strings.Lines(p.Log()) {
		if strings.Contains(l, with) {
			return l
		}
	}
	return ""
}

// address is the one that a machine has of curl's -4 or -6.
func address(m *lab.Machine, family string) string {
	if family == "-6" {
		return m.IPv6().String()
	}
	return m.IPv4().String()
}

// HTTP/3 passes the same group, since the rule has udp/443 too; a stranger gets no answer.
func TestSite_HTTP3(t *testing.T) {
	l := open(t)
	edge := site(t, l, lab.Declaration)
	pem, err := os.ReadFile(l.Machine(lab.Edge).Authority())
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, who := range []string{lab.Client, lab.Stranger} {
		m := l.Machine(who)
		var packets net.PacketConn
		must(t, m.Inside(func() (err error) {
			packets, err = (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", m.IPv4().String()+":0")
			return err
		}))
		handshake := 2 * time.Second
		if who == lab.Client {
			handshake = lab.Patience
		}
		transport := &http3.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: lab.Site, MinVersion: tls.VersionTLS13},
			QUICConfig:      &quic.Config{HandshakeIdleTimeout: handshake},
			Dial: func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
				return quic.Dial(ctx, packets, &net.UDPAddr{IP: l.Machine(lab.Edge).IPv4().AsSlice(), Port: 443}, t, q)
			},
		}
		t.Cleanup(func() { transport.Close(); packets.Close() })
		err := ask(&http.Client{Transport: transport, Timeout: lab.Patience})
		if want := who == lab.Client; (err == nil) != want {
			t.Errorf("HTTP/3 from the %s: %v, wanted an answer: %v", who, err, want)
		}
	}
	must(t, edge.Await(t.Context(), `"rule":"web rule 1"`, 1))
}

// Chromium does the same: it resolves through our name server, and shows what an application machine says.
func TestSite_Chromium(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: make node installs it", err)
	}
	l := open(t)
	site(t, l, lab.Declaration)
	client := l.Machine(lab.Client)
	text := run(t, client, 0, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(client.Folder, "chromium"),
		"--ignore-certificate-errors-spki-list="+keyOf(t, l), "--dump-dom", "https://"+lab.Site+"/")
	has(t, "the page", text, " answers 198.18.1.10")
}

// keyOf returns the SHA-256 of the public key in the edge's certificate, which is as much as Chromium is told to trust.
func keyOf(t *testing.T, l *lab.Lab) string {
	t.Helper()
	c, err := l.Machine(lab.Client).Dial(t.Context(), "tcp", netip.AddrPortFrom(l.Machine(lab.Edge).IPv4(), 443).String())
	must(t, err)
	defer c.Close()
	s := tls.Client(c, &tls.Config{ServerName: lab.Site, InsecureSkipVerify: true})
	must(t, s.HandshakeContext(t.Context()))
	sum := sha256.Sum256(s.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

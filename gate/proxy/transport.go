package proxy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// transport is the connections to one upstream.
type transport struct {
	declared *config.Proxy
	up       config.Upstream
	now      func() time.Time
	tls      *tls.Config       // nil: none
	files    [sha256.Size]byte // of the files that tls was made of
	h1       *http1.Client
	h2       *http2
	counts   bool        // its connections may be of HTTP/2, where net/http has them
	speaks2  atomic.Bool // an upstream with TLS chose HTTP/2
	leave    Leave
}

// Leave says whether a connection to an address may leave this machine. The reason of a *roundtrip.Error is that of the
// request.
type Leave = func(network, address string, c syscall.RawConn) error

// Connect makes the connections of an upstream, for a [pool.Pool]. It reads the certificates that the declaration names,
// and opens nothing. leave is asked about each connection before it is made, as the Control of a net.Dialer is; nil: nobody is.
func Connect(now func() time.Time, leave Leave) pool.Connect {
	return func(declared *config.Proxy, up config.Upstream) (pool.Transport, error) {
		t := &transport{declared: declared, up: up, now: now, leave: leave, counts: up.Scheme != config.HTTP}
		if up.Scheme == config.HTTPS {
			files, err := readTLS(declared)
			if err == nil {
				t.files = files.sum()
				t.tls, err = clientTLS(declared, up, files)
			}
			if err != nil {
				return nil, fmt.Errorf("upstream %s: %w", up.URL, err)
			}
		}
		t.h1 = http1.New(http1.Options{Dial: t.dial, Now: now})
		t.h2 = newHTTP2(t)
		t.speaks2.Store(up.Scheme == config.H2C)
		return t, nil
	}
}

// CheckFiles reads the certificates that a declaration names for TLS to its upstreams, and says what is wrong with them.
func CheckFiles(declared *config.Proxy) error {
	for _, up := range declared.Upstreams {
		if up.Scheme != config.HTTPS {
			continue
		}
		files, err := readTLS(declared)
		if err != nil {
			return fmt.Errorf("%w; correct the path or the file", err)
		}
		_, err = clientTLS(declared, up, files)
		return err // the files are the same for all
	}
	return nil
}

// Stale reports whether the certificates on the disk are others now, or can't be read, which a reload should tell.
func (t *transport) Stale() bool {
	if t.tls == nil {
		return false
	}
	files, err := readTLS(t.declared)
	return err != nil || files.sum() != t.files
}

// tlsFiles is what the files hold that a declaration names for TLS to upstreams.
type tlsFiles struct{ roots, chain, key []byte }

func readTLS(declared *config.Proxy) (f tlsFiles, err error) {
	if declared.Roots != "" {
		if f.roots, err = os.ReadFile(declared.Roots); err != nil {
			return f, fmt.Errorf("tls.roots: %w", err)
		}
	}
	if declared.ClientCert != "" {
		if f.chain, err = os.ReadFile(declared.ClientCert); err != nil {
			return f, fmt.Errorf("tls.cert: %w", err)
		}
		if f.key, err = declared.ClientKey.Value(); err != nil {
			return f, fmt.Errorf("tls.key: %w", err)
		}
	}
	return f, nil
}

func (f tlsFiles) sum() [sha256.Size]byte {
	var all []byte
	for _, part := range [][]byte{f.roots, f.chain, f.key} {
		one := sha256.Sum256(part)
		all = append(all, one[:]...)
	}
	return sha256.Sum256(all)
}

func clientTLS(declared *config.Proxy, up config.Upstream, files tlsFiles) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(up.Host)
	if err != nil {
		host = strings.Trim(up.Host, "[]")
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, NextProtos: []string{"h2", "http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	if declared.ServerName != "" {
		c.ServerName = declared.ServerName
	}
	if declared.Roots != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(files.roots) {
			return nil, fmt.Errorf("tls.roots: %s has no certificate in PEM", declared.Roots)
		}
	}
	if declared.ClientCert != "" {
		pair, err := tls.X509KeyPair(files.chain, files.key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// open returns a connection for an HTTP/1 request, or nil where the upstream speaks HTTP/2. safe says that the request may
// be sent twice; fresh, that a connection that rested was closed under it already.
func (t *transport) open(ctx context.Context, safe, fresh bool) (*http1.Conn, error) {
	if t.speaks2.Load() {
		return nil, nil //nolint:nilnil // nil is HTTP/2, which has its own connections
	}
	if !fresh {
		if c := t.h1.Take(!safe); c != nil {
			return c, nil
		}
	}
	c, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	if s, ok := c.(*tls.Conn); ok && s.ConnectionState().NegotiatedProtocol == "h2" {
		t.speaks2.Store(true)
		t.h2.adopt(c)
		return nil, nil //nolint:nilnil // as above
	}
	return t.h1.Adopt(c), nil
}

// openUpgrade makes a connection for an upgrade, which is one of HTTP/1 also where the upstream speaks HTTP/2.
func (t *transport) openUpgrade(ctx context.Context) (*http1.Conn, error) {
	var config *tls.Config
	if t.tls != nil {
		config = t.tls.Clone()
		config.NextProtos = []string{"http/1.1"}
	}
	c, err := t.connect(ctx, config)
	if err != nil {
		return nil, err
	}
	return t.h1.Adopt(c), nil
}

// dial connects, and shakes hands.
func (t *transport) dial(ctx context.Context) (net.Conn, error) { return t.connect(ctx, t.tls) }

func (t *transport) connect(ctx context.Context, config *tls.Config) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, t.declared.Connect)
	defer cancel()
	d := net.Dialer{Control: t.leave}
	c, err := d.DialContext(limited, t.up.Network, t.up.Address)
	if err != nil {
		return nil, &connectError{err: err}
	}
	if t.counts {
		c = t.h2.count(c)
	}
	if config == nil {
		return c, nil
	}
	s := tls.Client(c, config)
	if err := s.HandshakeContext(limited); err != nil {
		_ = c.Close() // it was never used
		return nil, &connectError{tls: true, err: err}
	}
	return s, nil
}

// Probe asks the upstream for a path, as health checks do.
func (t *transport) Probe(ctx context.Context, path string) (int, error) {
	host := t.up.Host
	if h := t.declared.Host; h != "" && h != "upstream" {
		host = h
	}
	c, err := t.open(ctx, true, true)
	if err != nil {
		return 0, err
	}
	if c == nil {
		return t.h2.probe(ctx, host, path)
	}
	defer c.Close()
	c.Begin(ctx)
	head := appendLine([]byte("GET "+path+" HTTP/1.1\r\n"), "Host", host)
	head = append(head, "User-Agent: roundtrip-health\r\nConnection: close\r\n\r\n"...)
	if _, err := c.Write(head); err != nil {
		return 0, err
	}
	if until, ok := ctx.Deadline(); ok {
		c.Allow(until.Sub(t.now()))
	} else {
		c.Allow(t.declared.FirstByte)
	}
	for range earlyMax {
		if err := c.ReadHead(http.MethodGet); err != nil {
			return 0, err
		}
		if c.Status >= http.StatusOK {
			return c.Status, nil
		}
	}
	return 0, errors.New("it has too many answers below 200")
}

// Close ends all connections, busy ones too.
func (t *transport) Close() {
	t.h1.Close()
	t.h2.close()
}

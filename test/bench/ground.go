package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ground is what all edge servers stand on: the same files, the same certificate, the same upstream.
type ground struct {
	dir       string
	www       string
	cert, key string
	roots     *x509.CertPool
	up        *edge
}

func newGround(ctx context.Context, dir string) (*ground, error) {
	w := &ground{dir: dir, www: filepath.Join(dir, "www"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	if err := os.MkdirAll(w.www, 0o755); err != nil {
		return nil, err
	}
	// NGINX's workers are not root, and must reach the files.
	for d := w.www; d != filepath.Dir(dir); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			return nil, err
		}
	}
	for name, size := range map[string]int{"1k.bin": 1 << 10, "1m.bin": 1 << 20} {
		if err := os.WriteFile(filepath.Join(w.www, name), bytes.Repeat([]byte{'x'}, size), 0o644); err != nil {
			return nil, err
		}
	}
	if err := w.certify(); err != nil {
		return nil, err
	}
	var err error
	if w.up, err = w.newEdge(ctx, "upstream", "nginx"); err != nil {
		return nil, err
	}
	file, err := w.up.write("nginx.conf", w.nginx(w.up, `
    server {
        listen `+w.up.addr+` backlog=1024;
        location /up/ { alias `+w.www+`/; }
    }`))
	w.up.args = []string{"-e", w.up.log, "-c", file}
	return w, err
}

func (w *ground) upstream() *edge { return w.up }

// certify makes the certificate for localhost.
func (w *ground) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if !w.roots.AppendCertsFromPEM(text) {
		return errors.New("the certificate can't be read")
	}
	return errors.Join(os.WriteFile(w.cert, text, 0o644), os.WriteFile(w.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// edges gives each server its declaration.
func (w *ground) edges(ctx context.Context, o options, say progress) ([]*edge, error) {
	caddy := filepath.Join(w.dir, "caddy")
	if cached, err := filepath.Abs("../../.bin/caddy-v2.11.9"); err == nil {
		caddy = cached
	}
	if err := buildPeer(ctx, "Caddy", "peer/caddy", caddy, say); err != nil {
		return nil, err
	}
	var all []*edge
	add := func(name, binary, settings, file, text string, args ...string) error {
		e, err := w.newEdge(ctx, name, binary)
		if err != nil {
			return err
		}
		e.settings = settings
		e.env = []string{"XDG_DATA_HOME=" + e.home(), "XDG_CONFIG_HOME=" + e.home(), "HOME=" + e.home()}
		plain, err := freeAddr(ctx)
		if err != nil {
			return err
		}
		put := strings.NewReplacer("ADDR", e.addr, "PLAIN", plain, "PORT", e.addr[strings.LastIndexByte(e.addr, ':')+1:],
			"UPSTREAM", w.up.addr, "WWW", w.www, "CERT", w.cert, "KEY", w.key, "HOME", e.home(), "LOG", e.log)
		path, err := e.write(file, put.Replace(text))
		if err != nil {
			return err
		}
		for _, a := range args {
			e.args = append(e.args, strings.ReplaceAll(put.Replace(a), "FILE", path))
		}
		all = append(all, e)
		return nil
	}
	err := errors.Join(
		add("Caddy", caddy, "v2.11.9 as its module builds it, admin off", "Caddyfile", caddyfile, "run", "--config", "FILE", "--adapter", "caddyfile"),
		add("NGINX", "nginx", "Debian's nginx-light, a worker for each CPU, sendfile, open_file_cache", "nginx.conf", w.nginx(nil, nginxSite), "-e", "LOG", "-c", "FILE"),
	)
	if err == nil && o.bin != "" {
		err = add("Roundtrip", o.bin, "journeys on, access log off", "roundtrip.yaml", gateDeclaration,
			"serve", "FILE", "--data", "HOME/data", "--https", "ADDR", "--http", "PLAIN")
	}
	return all, err
}

const gateDeclaration = `name: bench
journeys: { log: false }
sites:
  localhost:
    tls: { cert: CERT, key: { file: KEY } }
    routes:
      - { path: /, static: WWW }
      - { path: /up/, proxy: 'http://UPSTREAM' }
`

const caddyfile = `{
	admin off
	persist_config off
	auto_https disable_redirects
	servers {
		protocols h1 h2
	}
	log {
		output discard
	}
}
https://localhost:PORT {
	tls CERT KEY
	handle /up/* {
		reverse_proxy UPSTREAM
	}
	handle {
		root * WWW
		file_server
	}
}
`

const nginxSite = `
    upstream up {
        server UPSTREAM;
        keepalive 64;
        keepalive_requests 1000000;
    }
    open_file_cache max=100;
    server {
        listen ADDR ssl http2 backlog=1024;
        server_name localhost;
        ssl_certificate CERT;
        ssl_certificate_key KEY;
        ssl_protocols TLSv1.3;
        http2_max_requests 100000000;
        location /up/ {
            proxy_pass http://up;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location / { root WWW; }
    }`

// nginx forms a declaration around servers. Its folders lie in the server's own.
func (w *ground) nginx(e *edge, servers string) string {
	home := "HOME"
	if e != nil {
		home = e.home()
	}
	return fmt.Sprintf(`user root;
daemon off;
worker_processes auto;
pid %[1]s/pid;
error_log %[1]s/error.log crit;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;%[2]s
}
`, home, servers)
}

package config

import (
	"errors"
	"net/netip"
	"strings"
)

func consoleKeys() []key {
	cert := []key{
		folder("cert", func(t *TLS) *string { return &t.Cert }).must().eg("certs/console.pem").
			says("Path of the certificate chain in PEM."),
		special("key", "a path, { env: NAME } or { file: path }", map[string]any{"type": "string"}, func(d *decoder, t *TLS, n *node) { t.Key = d.privateKey(n) }).must().eg("certs/console.key").
			says("The private key in PEM: the path of a file, or the name of an environment variable that holds it."),
	}
	cert[1].typ.keys = secretKeys()
	token := special("metrics_token", "{ env: NAME } or { file: path }", nil, func(d *decoder, c *Console, n *node) { c.MetricsToken = d.secret(n) })
	token.typ.keys = secretKeys()
	return []key{
		text("listen", func(c *Console) *string { return &c.Listen }).eg("127.0.0.1:9443").orElse("none").each(checkListen).
			takes("an address and a port, such as 127.0.0.1:9443").
			says("Address and port of the operator's console. Without it there is none, but in dev, where --console says it. What others can reach needs tls. docs/console.md says who may sign in."),
		block("tls", func(c *Console) *TLS { return &c.TLS }, cert...).
			after(func(_ *decoder, target any, n *node) {
				t := &target.(*Console).TLS
				t.Pos, t.Mode = n.pos, TLSFiles
			}).
			says("The console's own certificate. It is read again with the declaration. On loopback the console needs none."),
		text("origin", func(c *Console) *string { return &c.Origin }).eg("https://console.example.com").orElse("none").each(checkConsoleOrigin).
			says("Where browsers find the console when a proxy stands before it, such as a site of this server whose route has proxy: http://127.0.0.1:9443. It is then answered under that name too, and the proxy on this machine is believed who asks."),
		token.eg("{ env: METRICS_TOKEN }").
			says("The bearer token with which other machines may read /metrics. Without it only this machine may."),
	}
}

// checkConsoleOrigin wants one origin that a browser may sign in under.
func checkConsoleOrigin(s string) error {
	if strings.Contains(s, "*") {
		return errors.New("is no origin of one console; expected such as https://console.example.com")
	}
	if err := checkOrigin(s); err != nil {
		return err
	}
	if !strings.HasPrefix(s, "https://") {
		return errors.New("is not behind TLS, so passwords would travel in the clear; expected https://")
	}
	return nil
}

func checkListen(s string) error {
	if rest, ok := strings.CutPrefix(s, "localhost:"); ok {
		s = "127.0.0.1:" + rest
	} else if strings.HasPrefix(s, ":") {
		s = "0.0.0.0" + s
	}
	if a, err := netip.ParseAddrPort(s); err != nil || a.Port() == 0 {
		return errors.New("is no address to listen on; expected an IP address and a port, such as 127.0.0.1:9443")
	}
	return nil
}

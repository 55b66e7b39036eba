package console

import (
	"crypto/sha256"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// Link makes a link that makes its reader an operator of that role: it is good for 15 minutes and one use. The token stands
// in its fragment, which no browser sends to a server, so that it is in no log and no Referer.
func (c *Console) Link(role operators.Role) (string, error) {
	token, _, err := c.book.Invite(role)
	if err != nil {
		return "", err
	}
	return LinkTo(c.URL(), token), nil
}

// GuestLink makes a link that signs its reader in as owner without an account, once: for dev.
func (c *Console) GuestLink() (string, error) {
	token, err := operators.NewToken(c.options.Rand)
	if err != nil {
		return "", err
	}
	c.guests.add(token)
	return LinkTo(c.URL(), token), nil
}

// URL is where the console is opened.
func (c *Console) URL() string {
	if o := c.options.Origin; o != nil {
		return o.Scheme + "://" + o.Host + "/"
	}
	at := c.options.Listener.Addr().String()
	host, port, err := net.SplitHostPort(at)
	if ip, bad := netip.ParseAddr(host); err == nil && bad == nil && ip.IsUnspecified() { // every address of this machine
		at = net.JoinHostPort("localhost", port)
	}
	if c.options.Certificate == nil {
		return "http://" + at + "/"
	}
	if leaf := c.options.Certificate().Leaf; leaf != nil && len(leaf.DNSNames) > 0 && err == nil {
		at = net.JoinHostPort(strings.Replace(leaf.DNSNames[0], "*", "console", 1), port)
	}
	return "https://" + at + "/"
}

// LinkTo is the link of a token to the console at a URL.
func LinkTo(url, token string) string { return url + "#claim=" + token }

// HasOperators reports whether there is somebody who can sign in.
func (c *Console) HasOperators() (bool, error) {
	list, err := c.book.List()
	return len(list) > 0, err
}

// Book is the list of operators.
func (c *Console) Book() *operators.Book { return c.book }

// guestLinks are links without an account. They live in memory: they end with the process.
type guestLinks struct {
	now func() time.Time

	mu    sync.Mutex // guards until
	until map[[32]byte]time.Time
}

func (g *guestLinks) add(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil {
		g.until = map[[32]byte]time.Time{}
	}
	g.until[sha256.Sum256([]byte(token))] = g.now().Add(guestLinkLife)
}

// claim takes the link of a token away and reports whether it was good.
func (g *guestLinks) claim(token string) bool {
	key := sha256.Sum256([]byte(token))
	g.mu.Lock()
	defer g.mu.Unlock()
	until, known := g.until[key]
	delete(g.until, key)
	return known && g.now().Before(until)
}

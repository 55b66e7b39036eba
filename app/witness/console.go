package witness

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/internal/publicnet"
	"github.com/roundtrip-dev/roundtrip/why"
)

// Why probes a URL from the server's own machine, for the console. Its view is that of a client on this machine: what a
// visitor's network does on the way is not seen.
func (wit *Witness) Why(ctx context.Context, order console.WhyOrder, step func(any)) (any, error) {
	o := why.Options{
		URL: order.URL, Method: order.Method, Origin: order.Origin, As: order.As, Header: http.Header{}, Body: []byte(order.Body), Server: wit, Dial: wit.dialWhy,
		Now: wit.o.Now, Rand: wit.o.Rand, Step: func(s why.Step) { step(s) },
	}
	for name, values := range order.Headers {
		if strings.ContainsAny(name, " \t\r\n:") || name == "" || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
			return nil, badWhy("%q is no name of a header, or its value has a line end", name)
		}
		o.Header[http.CanonicalHeaderKey(name)] = values
	}
	if wit.o.Dev && wit.o.Authority != "" { // a developer's browser trusts it or was told to; the page says so
		if pem, err := os.ReadFile(wit.o.Authority); err == nil {
			if o.Roots, err = x509.SystemCertPool(); err != nil {
				o.Roots = x509.NewCertPool()
			}
			o.Roots.AppendCertsFromPEM(pem)
		}
	}
	return why.Run(ctx, o)
}

// dialWhy connects a probe of the console: to the public Internet and to this machine. Its operators need not be those of the
// network that the machine stands in, and what answers only there trusts whoever comes from there.
func (wit *Witness) dialWhy(ctx context.Context, port uint16, to netip.AddrPort) (net.Conn, error) {
	own := to.Addr().IsLoopback() || slices.Contains(wit.o.Machine().Own(), to.Addr()) || slices.Contains(wit.reach(wit.o.House().Config), to.Addr())
	if !own && !wit.o.Dev && !publicnet.NewGuard().Public(to.Addr()) {
		return nil, fmt.Errorf("%s is neither public nor this machine, and the console asks nobody else; roundtrip why on the machine does: %w", to.Addr(), syscall.EACCES)
	}
	return why.DialFrom(ctx, port, to)
}

package rest

import (
	"errors"
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
)

var errPlainOrigin = errors.New("the page came without TLS")

// newOrigins makes the guard against writes by pages of other sites.
func newOrigins(trusted []string) (*http.CrossOriginProtection, error) {
	guard := http.NewCrossOriginProtection()
	for _, o := range trusted {
		if err := guard.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	return guard, nil
}

// checkOrigin refuses a write whose cookie the browser added for a page of another origin. A bearer token is never added
// by a browser on its own, so it needs no guard.
func (x *exchange) checkOrigin() error {
	err := x.door.origins.Check(x.r)
	if err == nil && x.r.TLS != nil && x.r.Header.Get("Origin") == "http://"+x.r.Host {
		// A browser that sends no Sec-Fetch-Site is told apart by its Origin, of which the guard looks at the host alone.
		// The site's own name without TLS is whoever stands in the network.
		err = errPlainOrigin
	}
	if err != nil {
		e := roundtrip.E(roundtrip.Denied, "auth.csrf_rejected",
			"a page of another site may not write with this site's cookie; call from the site itself, or send a bearer token")
		e.Op, e.Err = "rest.origin", err
		return e
	}
	return nil
}

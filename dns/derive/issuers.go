package derive

import (
	"net/url"
	"slices"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Identities returns how issuers call themselves in CAA records (RFC 8659 section 4.2), each once. Their directories tell it
// too, but a zone is built before anybody is asked; known is false where one of them isn't in the table.
func Identities(issuers []config.Issuer) (identities []string, known bool) {
	if len(issuers) == 0 {
		return []string{"letsencrypt.org"}, true
	}
	for _, i := range issuers {
		id := identity(i.Directory)
		if id == "" {
			return nil, false
		}
		if !slices.Contains(identities, id) {
			identities = append(identities, id)
		}
	}
	return identities, true
}

func identity(directory string) string {
	u, err := url.Parse(directory)
	if err != nil {
		return ""
	}
	switch u.Hostname() {
	case "acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org":
		return "letsencrypt.org"
	case "acme.zerossl.com":
		return "sectigo.com"
	case "dv.acme-v02.api.pki.goog", "dv.acme-v02.test-api.pki.goog":
		return "pki.goog"
	case "acme.ssl.com":
		return "ssl.com"
	}
	return ""
}

package peer

import (
	"net/http"
	"slices"
	"strings"
)

// forgeable lists headers that programs behind a proxy believe because only a proxy is thought to set them. From a client
// they are lies, so they are taken off before anything else reads the request; the text says who believes them.
var forgeable = map[string]string{
	"Forwarded":                         "the client's address, scheme and host (RFC 7239)",
	"X-Forwarded-For":                   "the client's address",
	"X-Forwarded-Proto":                 "the client's scheme",
	"X-Forwarded-Host":                  "the host that was asked for",
	"X-Forwarded":                       "an old form of Forwarded",
	"X-Forwarded-By":                    "the proxy's own address",
	"X-Forwarded-Server":                "the proxy's own name",
	"X-Forwarded-Port":                  "the port in links that programs write",
	"X-Forwarded-Prefix":                "the path in links that programs write (Traefik CVE-2026-35051)",
	"X-Forwarded-Path":                  "the same",
	"X-Forwarded-Scheme":                "the scheme, as some Ruby and Python programs read it",
	"X-Forwarded-Protocol":              "the same",
	"X-Forwarded-Ssl":                   "the same",
	"X-Forwarded-Uri":                   "the path of forward-auth programs",
	"X-Forwarded-Method":                "the method of forward-auth programs",
	"X-Forwarded-User":                  "who is signed in, as oauth2-proxy says it",
	"X-Forwarded-Email":                 "the same",
	"X-Forwarded-Groups":                "the same",
	"X-Forwarded-Preferred-Username":    "the same",
	"X-Forwarded-Access-Token":          "the same",
	"X-Forwarded-Tls-Client-Cert":       "a client certificate, as Traefik says it",
	"X-Forwarded-Tls-Client-Cert-Info":  "the same",
	"X-Forwarded-Client-Cert":           "a client certificate, as Envoy says it",
	"Client-Cert":                       "a client certificate (RFC 9440)",
	"Client-Cert-Chain":                 "the same",
	"X-Client-Cert":                     "a client certificate",
	"X-Client-Verify":                   "a client certificate that was checked",
	"X-Ssl-Client-Cert":                 "a client certificate, in many nginx examples",
	"X-Ssl-Client-Verify":               "the same",
	"X-Ssl-Client-S-Dn":                 "the same",
	"X-Ssl-Cert":                        "a client certificate",
	"Ssl-Client-Cert":                   "a client certificate, as ingress-nginx says it",
	"Ssl-Client-Verify":                 "the same",
	"Ssl-Client-Subject-Dn":             "the same",
	"X-Real-Ip":                         "the client's address, in most nginx examples",
	"True-Client-Ip":                    "the client's address, as Akamai and Cloudflare say it",
	"Cf-Connecting-Ip":                  "the client's address, as Cloudflare says it",
	"Cf-Connecting-Ipv6":                "the same",
	"Fastly-Client-Ip":                  "the client's address, as Fastly says it",
	"Fly-Client-Ip":                     "the client's address, as Fly says it",
	"X-Azure-Clientip":                  "the client's address, as Azure says it",
	"X-Client-Ip":                       "the client's address",
	"X-Cluster-Client-Ip":               "the client's address",
	"X-Remote-Ip":                       "the client's address",
	"X-Remote-Addr":                     "the client's address",
	"X-Originating-Ip":                  "the client's address",
	"X-Envoy-External-Address":          "the client's address, as Envoy says it",
	"X-Original-Forwarded-For":          "the client's address before ingress-nginx",
	"X-Original-Url":                    "another path than the one that was matched (IIS, Symfony)",
	"X-Original-Uri":                    "the same, in nginx examples of auth_request",
	"X-Original-Host":                   "another host than the one that was matched",
	"X-Original-Method":                 "another method than the one that was matched",
	"X-Original-Remote-Addr":            "the client's address",
	"X-Rewrite-Url":                     "another path than the one that was matched (IIS)",
	"X-Host":                            "another host than the one that was matched",
	"X-Http-Host-Override":              "the same",
	"X-Scheme":                          "the client's scheme, as ingress-nginx says it",
	"X-Url-Scheme":                      "the same, as some Python programs read it",
	"Front-End-Https":                   "the client's scheme, as Microsoft's proxies say it",
	"Remote-User":                       "who is signed in, as Authelia says it",
	"Remote-Groups":                     "the same",
	"Remote-Name":                       "the same",
	"Remote-Email":                      "the same",
	"X-Remote-User":                     "who is signed in, in many examples and in Kubernetes",
	"X-Remote-Group":                    "the same",
	"X-Remote-Groups":                   "the same",
	"X-Authenticated-User":              "who is signed in",
	"X-Authenticated-Userid":            "who is signed in, as Kong says it",
	"X-Credential-Identifier":           "the same",
	"X-Consumer-Id":                     "the same",
	"X-Consumer-Username":               "the same",
	"X-Auth-Request-User":               "who is signed in, as oauth2-proxy says it",
	"X-Auth-Request-Email":              "the same",
	"X-Auth-Request-Groups":             "the same",
	"X-Auth-Request-Preferred-Username": "the same",
	"X-Auth-Request-Access-Token":       "the same",
	"X-Auth-Request-Redirect":           "where oauth2-proxy leads to after a sign-in",
	"X-Webauth-User":                    "who is signed in, as Grafana reads it",
	"X-Goog-Authenticated-User-Email":   "who is signed in, as Google's proxy says it",
	"X-Goog-Authenticated-User-Id":      "the same",
	"X-Ms-Client-Principal":             "who is signed in, as Azure says it",
	"X-Ms-Client-Principal-Id":          "the same",
	"X-Ms-Client-Principal-Name":        "the same",
	"X-Amzn-Oidc-Data":                  "who is signed in, as Amazon's balancer says it",
	"X-Amzn-Oidc-Identity":              "the same",
	"X-Amzn-Oidc-Accesstoken":           "the same",
	"Tailscale-User-Login":              "who is signed in, as Tailscale says it",
	"Tailscale-User-Name":               "the same",
	"X-Pomerium-Jwt-Assertion":          "who is signed in, as Pomerium says it",
	"Proxy":                             "HTTP_PROXY of CGI programs (CVE-2016-5385)",
}

// Forgeable reports whether a header, by its canonical name, is one that a client must not send.
func Forgeable(name string) bool { return forgeable[name] != "" }

// retold lists those of them that are taken off in any case, once they have been read: what is true of them stands in
// [Peer], from which the proxy writes its own.
var retold = [...]string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Proxy"}

// strip takes off what a client must not say. It reports whether names with "_" or "." are left, which [StripAliases]
// takes off once the route is known.
func strip(h http.Header) (aliases bool) {
	for name := range h {
		if forgeable[name] != "" {
			delete(h, name)
			continue
		}
		aliases = aliases || isAlias(name)
	}
	return aliases
}

// StripAliases takes off headers whose names have "_" or ".": programs behind a proxy read them as the header that has
// "-" in that place (CGI, RFC 3875 section 4.1.18), so that X_Real_IP would pass where X-Real-IP does not. Names in pass
// stay, whatever their case, unless they are another spelling of a header that may be forged.
func StripAliases(h http.Header, pass []string) {
	for name := range h {
		if !isAlias(name) {
			continue
		}
		allowed := slices.ContainsFunc(pass, func(p string) bool { return strings.EqualFold(p, name) })
		if !allowed || Forgeable(http.CanonicalHeaderKey(dashes.Replace(name))) {
			delete(h, name)
		}
	}
}

var dashes = strings.NewReplacer("_", "-", ".", "-")

func isAlias(name string) bool {
	return strings.IndexByte(name, '_') >= 0 || strings.IndexByte(name, '.') >= 0
}

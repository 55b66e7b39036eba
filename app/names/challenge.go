package names

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// Certificates come from our own zone: the answer to dns-01 is a record that we serve before the issuer is told to look. A
// domain that is hosted elsewhere gives us its challenges alone, by an NS record for _acme-challenge.NAME and a zone of that
// name here.

// challenge is one TXT record (RFC 8555 section 8.4). A name may have several: that of a site and of its wildcard is the same.
type challenge struct {
	name, value string
	at          string // where the record stands: name, or where its alias leads
}

// challengeLabel stands before the name that is proven.
const challengeLabel = "_acme-challenge."

const (
	challengeTTL  = 1                // seconds: nobody is to keep an answer for the next order
	ownAnswerMax  = 5 * time.Second  // how long our own server may take to answer with a record
	secondaryMax  = 20 * time.Second // and the secondaries to have it; then the issuer is told anyway
	secondaryLook = 200 * time.Millisecond
)

// challenger is the acme.Zone of a server that runs.
type challenger struct{ names *Server }

var _ acme.Zone = challenger{}

// Challenges is how certificates are proven by the zones that are served.
func (n *Server) Challenges() acme.Zone { return challenger{n} }

// Serves reports whether a zone of ours has the challenge of a name.
func (c challenger) Serves(name string) bool {
	return Declared(*c.names.declared.Load()).Serves(name)
}

// Present serves a value beside the others, and returns when our server has answered with it, and the secondaries have it or
// had their time.
func (c challenger) Present(ctx context.Context, fqdn, value string) error {
	n, name := c.names, challengeName(fqdn)
	if n.server == nil {
		return errors.New("no name server runs: DNS could not be opened at the start, and the log says why")
	}
	n.mu.Lock()
	at, err := n.follow(name)
	if err != nil {
		n.mu.Unlock()
		return err
	}
	if one := (challenge{name, value, at}); !slices.Contains(n.challenges, one) {
		n.challenges = append(n.challenges, one)
		n.publish()
	}
	n.mu.Unlock()
	if err := n.answers(ctx, name, value); err != nil {
		return err
	}
	n.awaitSecondaries(ctx, n.zoneOf(at))
	return nil
}

// follow returns where the record of a challenge must stand: an alias has no other records, so that it stands where the issuer
// is led to. What a wildcard gives is no obstacle, since a name of its own takes its place.
func (n *Server) follow(name string) (string, error) {
	set := n.set.Load()
	if set == nil {
		return name, nil
	}
	at := name
	for _, step := range set.Explain(name, mdns.TypeTXT).Steps {
		switch at = step.Name; {
		case step.Stands, step.Zone == "" && at == name: // the latter: the zone is about to be served
			return at, nil
		case step.Zone == "":
			return "", fmt.Errorf("%s is an alias of %s, which no zone of ours has, so that the issuer would not find our answer; let the alias lead into a zone of dns.zones, or take it away", name, at)
		case step.Cut != "":
			return "", fmt.Errorf("%s lies below %s, where others answer, so that the issuer would not find our answer; declare a zone %s here, or use another challenge", at, step.Cut, step.Cut)
		}
	}
	return at, nil
}

// Remove takes the value away again, and no other one.
func (c challenger) Remove(_ context.Context, fqdn, value string) error {
	n := c.names
	n.mu.Lock()
	defer n.mu.Unlock()
	before := len(n.challenges)
	n.challenges = slices.DeleteFunc(n.challenges, func(o challenge) bool { return o.name == challengeName(fqdn) && o.value == value })
	if len(n.challenges) < before {
		n.publish()
	}
	return nil
}

func challengeName(fqdn string) string { return strings.ToLower(strings.TrimSuffix(fqdn, ".")) }

// answers asks our own server, by a socket as an issuer does, and wants the value.
func (n *Server) answers(ctx context.Context, name, value string) error {
	ctx, cancel := context.WithTimeout(ctx, ownAnswerMax)
	defer cancel()
	q := new(mdns.Msg).SetQuestion(mdns.Fqdn(name), mdns.TypeTXT)
	client := mdns.Client{Net: "tcp"}
	r, _, err := client.ExchangeContext(ctx, q, n.doors.own().String())
	if err != nil {
		return fmt.Errorf("our own name server at %s does not answer: %w", n.doors.own(), err)
	}
	for _, rr := range r.Answer {
		if t, ok := rr.(*mdns.TXT); ok && strings.Join(t.Txt, "") == value {
			return nil
		}
	}
	return fmt.Errorf("our own name server at %s answers %s TXT without the value: %s, %d records; roundtrip dns explain %s TXT says why",
		n.doors.own(), name, mdns.RcodeToString[r.Rcode], len(r.Answer), name)
}

// Declared is the acme.Zone of a declaration that no server serves: it knows which names it could answer for.
type Declared config.DNS

var _ acme.Zone = Declared{}

// Serves reports whether one of the zones has the challenge of a name.
func (d Declared) Serves(name string) bool {
	return derive.Owner(d.Zones, challengeLabel+strings.TrimPrefix(name, "*.")) != ""
}

// Present answers nothing, since no server runs.
func (d Declared) Present(context.Context, string, string) error {
	return errors.New("no server runs that could answer")
}

// Remove has nothing to take away.
func (d Declared) Remove(context.Context, string, string) error { return nil }

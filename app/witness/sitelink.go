package witness

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// An operator of the console is known at a site by a cookie: it shows the page that tells why a request fails, and where the time
// of their own requests went. It opens nobody's data.

const (
	visitCookie = gate.OperatorCookie
	ticketLives = 2 * time.Minute // of a link of the console, which is good once
	visitLives  = time.Hour
)

// usedTickets are those that were used, so that none is good twice.
type usedTickets struct {
	mu   sync.Mutex // guards used
	used map[trace.ID]time.Time
}

// use reports whether it is the first time.
func (u *usedTickets) use(id trace.ID, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for old, at := range u.used {
		if now.Sub(at) > ticketLives {
			delete(u.used, old)
		}
	}
	if _, again := u.used[id]; again {
		return false
	}
	if u.used == nil {
		u.used = map[trace.ID]time.Time{}
	}
	u.used[id] = now
	return true
}

// visitSigner signs for one use and one host: what is shown to one site is good at no other.
func (wit *Witness) visitSigner(use, host string) (*probe.Signer, error) {
	mac := hmac.New(sha256.New, wit.o.Key)
	mac.Write([]byte("roundtrip operator " + use + " " + strings.ToLower(route.HostName(host))))
	return probe.New(mac.Sum(nil))
}

// SiteLink makes a link that lets an operator of the console in at a site, once.
func (wit *Witness) SiteLink(site string) (string, error) {
	for i := range wit.o.House().Config.Sites {
		s := &wit.o.House().Config.Sites[i]
		if !strings.EqualFold(s.Name, site) || strings.HasPrefix(s.Name, "*.") || s.TLS.Mode == config.TLSOff {
			continue
		}
		signer, err := wit.visitSigner("ticket", s.Name)
		if err != nil {
			return "", err
		}
		id, err := wit.newID()
		if err != nil {
			return "", err
		}
		host := s.Name
		if p := doors.Port(wit.o.Doors().Secure); p != 0 && p != 443 {
			host += ":" + strconv.Itoa(p)
		}
		ticket := url.Values{"ticket": {signer.Sign(id, wit.o.Now().Add(ticketLives))}}
		return "https://" + host + diagnose.Path + "?" + ticket.Encode(), nil
	}
	return "", roundtrip.E(roundtrip.Invalid, "request.invalid", "no site here has the name %q and TLS, which the cookie needs", site)
}

// enterSite takes a ticket, and gives the cookie for it.
func (wit *Witness) enterSite(w http.ResponseWriter, r *http.Request) bool {
	ticket := r.URL.Query().Get("ticket")
	if ticket == "" || r.Method != http.MethodGet {
		return false
	}
	now := wit.o.Now()
	signer, err := wit.visitSigner("ticket", r.Host)
	if err != nil {
		return false
	}
	id, err := signer.Verify([]byte(ticket), now)
	if err != nil || !wit.used.use(id, now) {
		return false
	}
	if signer, err = wit.visitSigner("visit", r.Host); err != nil {
		return false
	}
	http.SetCookie(w, &http.Cookie{
		Name: visitCookie, Value: signer.Sign(id, now.Add(visitLives)), Path: "/", MaxAge: int(visitLives.Seconds()), Secure: true, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	return true
}

// IsVisit reports whether an operator sent the request.
func (wit *Witness) IsVisit(r *http.Request) bool {
	there := false
	for _, line := range r.Header["Cookie"] {
		there = there || strings.Contains(line, visitCookie+"=")
	}
	if !there { // nearly always
		return false
	}
	cookies := r.CookiesNamed(visitCookie)
	signer, err := wit.visitSigner("visit", r.Host)
	if err != nil || len(cookies) != 1 {
		return false
	}
	_, err = signer.Verify([]byte(cookies[0].Value), wit.o.Now())
	return err == nil
}

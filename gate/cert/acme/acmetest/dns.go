package acmetest

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// DNS is a name server on loopback: every name leads to 127.0.0.1, and TXT records are those that were added. It is a zone
// that the challenge dns-01 can be answered by.
type DNS struct {
	Address string // host:port, over TCP

	mu    sync.Mutex // guards what follows
	texts map[string][]string
	adds  int
}

// NewDNS starts a name server that runs until its test ends.
func NewDNS(t *testing.T) *DNS {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{Address: l.Addr().String(), texts: map[string][]string{}}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(d.answer)}
	started, ended := make(chan struct{}), make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-ended
	})
	return d
}

func (d *DNS) answer(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(r)
	m.Authoritative = true
	q := r.Question[0]
	head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch q.Qtype {
	case dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
	case dns.TypeTXT:
		d.mu.Lock()
		for _, text := range d.texts[key(q.Name)] {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: head, Txt: []string{text}})
		}
		d.mu.Unlock()
	}
	_ = w.WriteMsg(m)
}

func key(name string) string { return strings.ToLower(dns.Fqdn(name)) }

// Serves reports that all names are ours.
func (d *DNS) Serves(string) bool { return true }

// Present adds a TXT record.
func (d *DNS) Present(_ context.Context, name, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[key(name)] = append(d.texts[key(name)], value)
	d.adds++
	return nil
}

// Remove takes a TXT record away.
func (d *DNS) Remove(_ context.Context, name, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[key(name)] = slices.DeleteFunc(d.texts[key(name)], func(v string) bool { return v == value })
	return nil
}

// Texts returns how many records were ever added, and how many are there now.
func (d *DNS) Texts() (added, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.texts {
		left += len(t)
	}
	return d.adds, left
}

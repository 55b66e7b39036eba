package names_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// reloads is how often the declaration is read again while others ask.
const reloads = 12

// turning is a declaration in which one record says which one it is.
func turning(turn int) string {
	return strings.Replace(shop, "203.0.113.25", fmt.Sprintf("203.0.113.%d", turn), 1)
}

// No query is lost while zones are swapped, and each answer is of one of them.
func TestReload_LosesNoQuery(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, turning(0)))
	var asking sync.WaitGroup
	var turn, lost, asked atomic.Int64
	stop := make(chan struct{})
	for _, network := range []string{"udp", "udp", "tcp"} {
		asking.Go(func() {
			client := dns.Client{Net: network, Timeout: server.Patience}
			for {
				select {
				case <-stop:
					return
				default:
				}
				m := new(dns.Msg)
				m.SetQuestion("mail.shop.test.", dns.TypeA)
				before := turn.Load()
				r, _, err := client.Exchange(m, s.DNS)
				after := turn.Load()
				asked.Add(1)
				if err != nil || len(r.Answer) != 1 {
					lost.Add(1)
					t.Errorf("over %s: %v %v", network, err, r)
					return
				}
				got := int64(r.Answer[0].(*dns.A).A.To4()[3])
				if got < before-1 || got > after {
					t.Errorf("over %s: the answer is of turn %d, between %d and %d", network, got, before, after)
					return
				}
			}
		})
	}
	serials := []uint32{serialOf(t, s, "shop.test")}
	for i := 1; i <= reloads; i++ {
		turn.Store(int64(i))
		declare(t, s, turning(i))
		await(t, s, "mail.shop.test", dns.TypeA, fmt.Sprintf("203.0.113.%d", i))
		serials = append(serials, serialOf(t, s, "shop.test"))
	}
	close(stop)
	asking.Wait()
	if !slices.IsSorted(serials) || serials[0] == serials[reloads] {
		t.Errorf("the serials do not grow: %v", serials)
	}
	t.Logf("%d queries over %d reloads, %d lost", asked.Load(), reloads, lost.Load())
}

// awaitLog waits until the log has a text.
func awaitLog(t *testing.T, s *server.Server, text string) {
	t.Helper()
	for end := time.Now().Add(server.Patience); !strings.Contains(s.Log(), text); time.Sleep(look) {
		if time.Now().After(end) {
			t.Fatalf("the log does not say %q", text)
		}
	}
}

// A declaration with a mistake changes nothing.
func TestReload_RefusesAZoneWithAConflict(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, turning(1)))
	declare(t, s, strings.Replace(turning(2), "- 'old CNAME shop.test.'", "- 'old CNAME shop.test.'\n        - 'old A 192.0.2.1'", 1))
	awaitLog(t, s, "is an alias")
	for _, args := range [][]string{{"dns", "status", s.Folder}, {"dns", "explain", "mail.shop.test", "A", s.Folder}} {
		out, code := command(t, args...) // the file has mistakes: the server is found all the same, and says so
		if !strings.Contains(out, "The file on the disk was refused") || !strings.Contains(out, "is an alias") || !strings.Contains(out, "shop.test") {
			t.Errorf("%v: exit code %d, %s", args, code, out)
		}
	}
	if out, code := command(t, "zone", "shop.test", s.Folder); code != 0 || !strings.Contains(out, "203.0.113.1") {
		t.Errorf("zone: exit code %d, %s", code, out)
	}
	declare(t, s, strings.Replace(turning(2), "records:", "rekords:", 1))
	awaitLog(t, s, "rekords")
	if out, code := command(t, "dns", "status", s.Folder); code != 1 || !strings.Contains(out, "rekords") || !strings.Contains(out, "shop.test") {
		t.Errorf("dns status: exit code %d, %s", code, out)
	}
	if out, code := command(t, "dns", "explain", "mail.shop.test", "A", s.Folder); code != 0 || !strings.Contains(out, "rekords") || !strings.Contains(out, "203.0.113.1") {
		t.Errorf("dns explain: exit code %d, %s", code, out)
	}
	declare(t, s, "name: shop\n")
	awaitLog(t, s, "whether any site has TLS can't change")
	await(t, s, "mail.shop.test", dns.TypeA, "203.0.113.1")
	declare(t, s, turning(3))
	await(t, s, "mail.shop.test", dns.TypeA, "203.0.113.3")
}

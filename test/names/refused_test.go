package names_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const withKey = `name: shop
dns:
  addresses: [203.0.113.1]
  keys: { secondary: { secret: { file: key } } }
  zones:
    shop.test: { transfer: { key: secondary } }
`

// A secret that differs is what goes wrong first between two name servers, and it is told here.
func TestTransfer_ARefusedKeyIsTold(t *testing.T) {
	t.Parallel()
	good, bad := strings.Repeat("A", 43)+"=", strings.Repeat("B", 43)+"="
	folder := server.Declare(t, withKey)
	if err := os.WriteFile(filepath.Join(folder, "key"), []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, folder)
	for secret, fits := range map[string]bool{good: true, bad: false} {
		m := new(dns.Msg)
		m.SetAxfr("shop.test.")
		m.SetTsig("secondary.", dns.HmacSHA256, 300, time.Now().Unix())
		transfer := &dns.Transfer{TsigSecret: map[string]string{"secondary.": secret}}
		envelopes, err := transfer.In(m, s.DNS)
		if err != nil {
			t.Fatal(err)
		}
		var wrong error
		for e := range envelopes {
			wrong = e.Error
		}
		if (wrong == nil) != fits {
			t.Errorf("fits %t: %v", fits, wrong)
		}
	}
	awaitLog(t, s, "dns.tsig_signature")
}

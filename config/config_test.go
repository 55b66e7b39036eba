package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

func noEnv(string) (string, bool) { return "", false }

func parse(t *testing.T, source string) *config.Config {
	t.Helper()
	c, err := config.Parse("app/roundtrip.yaml", []byte(source), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfig_ReadsTheGallery(t *testing.T) {
	t.Parallel()
	c, err := config.Load("../examples/gallery", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("../examples/gallery")
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Database != filepath.Join(dir, "data/gallery.db") || c.Sites[0].Routes[1].Static != filepath.Join(dir, "web/dist") {
		t.Errorf("paths are not below %s: %s, %s", dir, c.Store.Database, c.Sites[0].Routes[1].Static)
	}
	if got := c.Sites[0].Limits.Body; got != 12_000_000 {
		t.Errorf("limits.body is %d", got)
	}
	photos := c.Collections[1]
	if read := photos.Rules[0]; !strings.HasPrefix(read.Source, "!record.private") || read.Pos.Column != 9 {
		t.Errorf("the read rule is %q at %s", read.Source, read.Pos)
	}
}

func TestConfig_FillsInTheDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, "name: app\nsites:\n  app.test:\n    routes: [{ path: /api/, to: api }]\n    cors: { origins: ['*'] }\nidentity: { accounts: users }\n")
	s, i := c.Sites[0], c.Identity
	if s.TLS.Mode != config.TLSLocal || s.Limits.Body != 32_000_000 || s.CORS.MaxAge != 10*time.Minute || s.CORS.Credentials {
		t.Errorf("site: %+v, cors: %+v", s, s.CORS)
	}
	if diff := cmp.Diff([]string{"GET", "HEAD", "POST", "PATCH", "DELETE"}, s.CORS.Methods); diff != "" {
		t.Error(diff)
	}
	if !i.SignUp || i.MinLen != 10 || i.Idle != 30*24*time.Hour || i.Absolute != 180*24*time.Hour {
		t.Errorf("identity: %+v", i)
	}
	if j := c.Journeys; j.Off || j.Recent != 4096 || !j.Log {
		t.Errorf("journeys: %+v", j)
	}
	if st := c.Store; st.Database != filepath.Join(c.Dir, "data/app.db") || st.PoolMax < 2 || st.PoolWait != 2*time.Second {
		t.Errorf("store: %+v", st)
	}
}

func TestConfig_WrittenValuesReplaceDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, "name: app\njourneys: off\nsites:\n  app.test:\n    tls: off\n    routes: [{ path: /, static: /srv/web, spa: true }]\n"+
		"    cors: { origins: [https://a.test], methods: [GET], max_age: 1h30m }\nstore: { pool: { max: 3, wait: 250ms } }\n")
	s := c.Sites[0]
	if !c.Journeys.Off || s.TLS.Mode != config.TLSOff || s.Routes[0].Static != "/srv/web" || !s.Routes[0].SPA {
		t.Errorf("%+v", s)
	}
	if s.CORS.MaxAge != 90*time.Minute || len(s.CORS.Methods) != 1 || c.Store.PoolMax != 3 || c.Store.PoolWait != 250*time.Millisecond {
		t.Errorf("%+v %+v", s.CORS, c.Store)
	}
}

func TestConfig_DevRenamesSitesAndTheirOrigins(t *testing.T) {
	t.Parallel()
	c := parse(t, `
name: app
sites:
  app.test:
    tls: { cert: a.pem, key: a.key }
    routes: [{ path: /, static: web }]
    cors:
      origins: [https://app.test, https://www.app.test, 'https://*.app.test', http://app.test, https://app.test:9000, https://myapp.test, https://other.example]
  app.example:
    tls: off
    routes: [{ path: /, static: web }]
  intranet:
    routes: [{ path: /, static: web }]
  www.app.test:
    routes: [{ path: /, static: web }]
  localhost:
    routes: [{ path: /, static: web }]
`)
	dev := c.Dev("8443")
	var names []string
	for _, s := range dev.Sites {
		names = append(names, s.Name+" "+string(s.TLS.Mode))
	}
	want := []string{"app.localhost local", "app.example.localhost off", "intranet.localhost local", "www.app.localhost local", "localhost local"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	origins := []string{
		"https://app.localhost:8443", "https://www.app.localhost:8443", "https://*.app.localhost:8443", "http://app.localhost",
		"https://app.localhost:9000", "https://myapp.test", "https://other.example",
	}
	if diff := cmp.Diff(origins, dev.Sites[0].CORS.Origins); diff != "" {
		t.Error(diff)
	}
	if c.Sites[0].Name != "app.test" || c.Sites[0].CORS.Origins[0] != "https://app.test" || c.Sites[0].TLS.Mode != config.TLSFiles {
		t.Error("the declaration itself has changed")
	}
}

func TestConfig_SecretsNeverPrint(t *testing.T) {
	t.Parallel()
	source := "name: app\nsites:\n  app.test:\n    tls: { cert: a.pem, key: { env: KEY } }\n    routes: [{ path: /, static: web }]\n"
	c, err := config.Parse("roundtrip.yaml", []byte(source), func(string) (string, bool) { return "hush-hush", true })
	if err != nil {
		t.Fatal(err)
	}
	key := c.Sites[0].TLS.Key
	if v, err := key.Value(); string(v) != "hush-hush" || err != nil {
		t.Errorf("the value is %q, %v", v, err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v %s", key, c.Sites, c.Sites, key), log.String(), string(encoded)} {
		if strings.Contains(printed, "hush") {
			t.Errorf("the secret stands in %s", printed)
		}
	}
}

func TestConfig_SecretOfAFileIsReadWhenAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := "name: app\nsites:\n  app.test:\n    tls: { cert: a.pem, key: { file: a.key } }\n    routes: [{ path: /, static: web }]\n"
	c, err := config.Parse(filepath.Join(dir, "roundtrip.yaml"), []byte(source), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sites[0].TLS.Key.Value(); err == nil {
		t.Error("a missing file gives no error")
	}
	if err := os.WriteFile(filepath.Join(dir, "a.key"), []byte("pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := c.Sites[0].TLS.Key.Value(); string(v) != "pem" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

func TestConfig_NamesAMissingFile(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), noEnv)
	var problems *config.Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), "none.yaml: there is no such file") {
		t.Errorf("%v", err)
	}
}

func TestConfig_RefusesAFileThatIsTooLong(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\n", 30_000)} {
		_, err := config.Parse("roundtrip.yaml", []byte("name: app\n# "+rest), noEnv)
		if err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%v", err)
		}
	}
}

func TestConfig_ReadsManyCollections(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("name: app\ncollections:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  c%d:\n    fields:\n", i)
		for j := range 10 {
			fmt.Fprintf(&b, "      f%d: { type: text, required: true }\n", j)
		}
	}
	if c := parse(t, b.String()); len(c.Collections) != 100 || len(c.Collections[99].Fields) != 10 {
		t.Errorf("%d collections", len(c.Collections))
	}
}

func TestConfig_PrintsABoundedNumberOfMistakes(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("roundtrip.yaml", []byte("name: app\n"+strings.Repeat("wrong: 1\n", 500)), noEnv)
	if err == nil || len(err.Error()) > 20_000 || !strings.Contains(err.Error(), "more") {
		t.Errorf("%.200v", err)
	}
}

func TestConfig_ProblemsOfOtherRoomsJoin(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("roundtrip.yaml", []byte("name: 1\njourneys: off\n"), noEnv)
	var problems *config.Problems
	if !errors.As(err, &problems) || c == nil {
		t.Fatalf("%v, %v", c, err)
	}
	other := c.Problems()
	other.Add(roundtrip.Pos{File: "roundtrip.yaml", Line: 1, Column: 7}, "follows from the first")
	other.AddIn(roundtrip.Pos{File: "roundtrip.yaml", Line: 2, Column: 1}, "a\nbcd", 4, "inside an expression")
	if !problems.Join(other.Err()) || len(problems.List) != 2 {
		t.Fatalf("%v", problems)
	}
	if at := problems.List[1].Pos; at.Line != 3 || at.Column != 2 {
		t.Errorf("column 4 of the source is %s", at)
	}
	if problems.Join(errors.New("another error")) {
		t.Error("another error was taken for a list")
	}
}

func TestConfig_ReadsDurationsAndSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"5s": 5 * time.Second, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "30d": 720 * time.Hour} {
		if got, ok := config.ParseDuration(s); got != want || !ok {
			t.Errorf("ParseDuration(%q) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "5", "s", "-5s", "5 s", "5w", "1e3s", "5s5", "99999999d", ".s"} {
		if got, ok := config.ParseDuration(s); ok {
			t.Errorf("ParseDuration(%q) = %v", s, got)
		}
	}
	for s, want := range map[string]int64{"1B": 1, "10MB": 10_000_000, "1.5kB": 1500, "64KB": 64_000, "2GiB": 2 << 30} {
		if got, ok := config.ParseSize(s); got != want || !ok {
			t.Errorf("ParseSize(%q) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "10", "MB", "-1MB", "10 MB", "10mb", "1e3MB", "9999999GB"} {
		if got, ok := config.ParseSize(s); ok {
			t.Errorf("ParseSize(%q) = %v", s, got)
		}
	}
}

func FuzzConfig_Parse(f *testing.F) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../examples/gallery/roundtrip.yaml") {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, err := config.Parse("roundtrip.yaml", source, noEnv)
		if err == nil {
			c.Dev("8443")
			return
		}
		var problems *config.Problems
		if !errors.As(err, &problems) || len(problems.List) == 0 || err.Error() == "" {
			t.Fatalf("the error is %#v", err)
		}
	})
}

func TestConfig_ReadsTheNameServer(t *testing.T) {
	t.Parallel()
	c := parse(t, "name: app\n")
	if d := c.DNS; len(d.Zones) != 0 || d.RateLimit.Off || d.RateLimit.Responses != 200 || d.RateLimit.Slip != 2 || d.Clients.Connections != 1000 || d.Clients.PerClient != 20 || d.Clients.Idle != 10*time.Second {
		t.Errorf("defaults: %+v", d)
	}
	c = parse(t, `
name: app
dns:
  zones:
    app.test: {}
    _acme-challenge.shop.example:
      file: zones/shop.zone
      ttl: 2m
      negative: 30s
      contact: ops@app.test
      nameservers: [ns1.app.test, ns2.example.net]
      records: ['@ 300 TXT "v=spf1 -all"']
      derive: false
      when_down: [192.0.2.9, '2001:db8::9']
      transfer: { to: [198.51.100.7, '[2001:db8::7]:5353'], notify: false }
  addresses: [192.0.2.1]
  identity: ams-1
  rate_limit: off
  clients: { idle: 30s }
`)
	plain, full := c.DNS.Zones[0], c.DNS.Zones[1]
	if plain.Name != "app.test" || plain.TTL != time.Hour || plain.Negative != 5*time.Minute || !plain.Derive || plain.WhenDown.Policy != config.KeepDown || plain.Transfer != nil {
		t.Errorf("a zone of defaults: %+v", plain)
	}
	if full.File != filepath.Join(c.Dir, "zones/shop.zone") || full.TTL != 2*time.Minute || full.Negative != 30*time.Second || full.Contact != "ops@app.test" || full.Derive {
		t.Errorf("a zone: %+v", full)
	}
	if full.Records[0].Text != `@ 300 TXT "v=spf1 -all"` || full.Nameservers[1].Text != "ns2.example.net" {
		t.Errorf("records %v, name servers %v", full.Records, full.Nameservers)
	}
	if w := full.WhenDown; w.Policy != config.FallbackDown || len(w.Fallback) != 2 || w.Fallback[1].Addr.String() != "2001:db8::9" {
		t.Errorf("when_down: %+v", w)
	}
	if tr := full.Transfer; tr.Notify || tr.To[0].Addr.String() != "198.51.100.7:53" || tr.To[1].Addr.String() != "[2001:db8::7]:5353" {
		t.Errorf("transfer: %+v", tr)
	}
	if d := c.DNS; !d.RateLimit.Off || d.Identity != "ams-1" || d.Clients.Idle != 30*time.Second || d.Addresses[0].Addr.String() != "192.0.2.1" || d.Pos.Line != 4 {
		t.Errorf("dns: %+v", d)
	}
}

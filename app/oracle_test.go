package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// gallery is the example, running: its names, its doors and its streams, all of them real.
type gallery struct {
	t       *testing.T
	app     *app.App
	names   string // the name server
	door    string // HTTPS
	client  *http.Client
	hooks   *httptest.Server
	parents chan string // the traceparent of each message that the webhook got
}

const (
	gallerySite = "gallery.test"
	otherPage   = "https://pr-7.preview.gallery.test"
)

func openGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{t: t, parents: make(chan string, 16)}
	g.hooks = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { g.parents <- r.Header.Get("Traceparent") }))
	t.Cleanup(g.hooks.Close)
	text, err := os.ReadFile("../examples/gallery/roundtrip.yaml")
	if err != nil {
		t.Fatal(err)
	}
	declaration := strings.Replace(string(text), "\ndns:\n", "\ndns:\n  addresses: [127.0.0.1]\n", 1) +
		"\nwebhooks:\n  moderation: { when: [likes.created], url: '" + g.hooks.URL + "/hook', secret: { env: HOOK_SECRET }, allow_private: true }\n"
	if !strings.Contains(declaration, "addresses: [127.0.0.1]") {
		t.Fatal("the example does not begin its names as it did")
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	g.run(folder)
	return g
}

func (g *gallery) run(folder string) {
	g.t.Helper()
	out := &output{want: `"msg":"ready"`, seen: make(chan string, 1)}
	around := process.Surroundings{Out: io.Discard, Err: out, Now: time.Now, Rand: rand.Reader, Getenv: func(name string) (string, bool) {
		return strings.Repeat("k", 32), name == "HOOK_SECRET"
	}}
	var err error
	if g.app, err = app.New(app.Options{File: folder, HTTPS: "127.0.0.1:0", HTTP: "127.0.0.1:0", DNS: "127.0.0.1:0"}, around); err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(g.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.app.Run(ctx, nil) }()
	var ready struct{ HTTPS, DNS string }
	select {
	case line := <-out.seen:
		if err := json.Unmarshal([]byte(line), &ready); err != nil {
			g.t.Fatal(err)
		}
	case err := <-ended:
		g.t.Fatalf("it ended: %v\n%s", err, out.String())
	}
	g.door, g.names = ready.HTTPS, ready.DNS
	transport := &http.Transport{TLSClientConfig: g.trust(folder), ForceAttemptHTTP2: true, DialContext: g.dial}
	g.client = &http.Client{Transport: transport}
	g.t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			g.t.Errorf("the app ended with %v", err)
		}
	})
}

func (g *gallery) trust(folder string) *tls.Config {
	g.t.Helper()
	pem, err := os.ReadFile(filepath.Join(folder, "data", "certs", "local-ca.crt"))
	if err != nil {
		g.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, ServerName: gallerySite}
}

// dial goes where our own name server says that the site is; the port alone is known otherwise.
func (g *gallery) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	m := new(dns.Msg).SetQuestion(gallerySite+".", dns.TypeA)
	r, err := dns.ExchangeContext(ctx, m, g.names)
	if err != nil {
		return nil, err
	}
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			_, port, _ := net.SplitHostPort(g.door)
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(a.A.String(), port))
		}
	}
	return nil, fmt.Errorf("%s has no address: %v", gallerySite, r)
}

// do asks the API, and returns the answer with its journey.
func (g *gallery) do(method, path, token string, body any, headers ...string) (int, map[string]any, trace.Snapshot) {
	g.t.Helper()
	kind, content := "application/json", []byte(nil)
	switch b := body.(type) {
	case nil:
	case *upload:
		kind, content = b.kind, b.buf.Bytes()
	default:
		content, _ = json.Marshal(b)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, "https://"+gallerySite+"/api/"+path, bytes.NewReader(content))
	if err != nil {
		g.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := map[string]any{}
	if text, err := io.ReadAll(resp.Body); err != nil || len(text) > 0 && json.Unmarshal(text, &answer) != nil {
		g.t.Fatalf("%s %s: %q, %v", method, path, text, err)
	}
	id := resp.Header.Get("X-Journey")
	return resp.StatusCode, answer, g.await("journey "+id, func(s trace.Snapshot) bool { return s.ID.String() == id })
}

// await waits for a journey.
func (g *gallery) await(what string, is func(trace.Snapshot) bool) trace.Snapshot {
	g.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) { // a poll: there is no signal for the end of a journey
		for _, s := range g.app.Recorder().Select(trace.Filter{}, 1<<20) {
			if is(s) {
				return s
			}
		}
	}
	g.t.Fatalf("there is no %s", what)
	return trace.Snapshot{}
}

// follows is a journey that was set off by another one.
func (g *gallery) follows(cause trace.ID, what string, is func(trace.Snapshot) bool) trace.Snapshot {
	g.t.Helper()
	return g.await(what, func(s trace.Snapshot) bool {
		return is(s) && slices.ContainsFunc(s.Links, func(l trace.Link) bool { return l.Role == trace.Cause && l.ID == cause && l.Evidence == trace.Seen })
	})
}

func (g *gallery) signUp(handle string) (token, id string) {
	g.t.Helper()
	status, a, _ := g.do("POST", "auth/sign-up", "", map[string]string{"handle": handle, "password": "long enough " + handle})
	if status != http.StatusCreated {
		g.t.Fatalf("%d %v", status, a)
	}
	account, _ := a["account"].(map[string]any)
	return fmt.Sprint(a["token"]), fmt.Sprint(account["id"])
}

// upload is a form with a picture.
type upload struct {
	kind string
	buf  bytes.Buffer
}

func picture(t *testing.T) *upload {
	t.Helper()
	u := &upload{}
	form := multipart.NewWriter(&u.buf)
	w, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="image"; filename="a.png"`}, "Content-Type": {"image/png"}})
	if err == nil {
		err = png.Encode(w, image.NewGray(image.Rect(0, 0, 40, 30)))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	u.kind = form.FormDataContentType()
	return u
}

// watch opens a WebSocket and subscribes to topics. The channel gives the topics of the changes that come.
func (g *gallery) watch(token string, topics ...string) <-chan string {
	g.t.Helper()
	settings := g.client.Transport.(*http.Transport).TLSClientConfig.Clone()
	settings.NextProtos = []string{"http/1.1"}
	d := ws.Dialer{Header: ws.HandshakeHeaderHTTP{"Authorization": {"Bearer " + token}}, NetDial: g.dial, TLSConfig: settings}
	conn, early, _, err := d.Dial(g.t.Context(), "wss://"+gallerySite+"/api/live")
	if err != nil {
		g.t.Fatal(err)
	}
	var from io.Reader = conn
	if early != nil {
		from = early
	}
	came := make(chan string, 64)
	ended := make(chan struct{})
	g.t.Cleanup(func() { _ = conn.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			text, err := wsutil.ReadServerText(struct {
				io.Reader
				io.Writer
			}{from, conn})
			if err != nil {
				return
			}
			var m struct {
				Topic    string
				Snapshot json.RawMessage
				Head     json.RawMessage
			}
			if json.Unmarshal(text, &m) == nil && m.Head == nil {
				came <- m.Topic
			}
		}
	}()
	for i, topic := range topics {
		if err := wsutil.WriteClientText(conn, fmt.Appendf(nil, `{"id":%d,"subscribe":%q}`, i+1, topic)); err != nil {
			g.t.Fatal(err)
		}
	}
	for range topics {
		g.wait(came)
	}
	return came
}

func (g *gallery) wait(came <-chan string) string {
	g.t.Helper()
	select {
	case topic := <-came:
		return topic
	case <-time.After(time.Minute):
		g.t.Fatal("nothing came")
		return ""
	}
}

// way writes the hops of a journey as "layer name verdict". Whether one had to wait for its turn is left out: that is the
// machine's doing.
func way(s trace.Snapshot) []string {
	var all []string
	for _, h := range s.Hops {
		if h.Verdict == trace.Wait {
			h.Verdict = trace.OK
		}
		all = append(all, strings.TrimSpace(h.Layer.String()+" "+h.Name+" "+h.Verdict.String()))
	}
	return all
}

func (g *gallery) wants(what string, s trace.Snapshot, want ...string) {
	g.t.Helper()
	if got := way(s); !slices.Equal(got, want) {
		g.t.Errorf("%s went\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// linked returns the journey that a link of a role leads to.
func (g *gallery) linked(s trace.Snapshot, role trace.Role, evidence trace.Evidence) trace.Snapshot {
	g.t.Helper()
	for _, l := range s.Links {
		if l.Role != role {
			continue
		}
		if l.Evidence != evidence {
			g.t.Errorf("the %v is %v, want %v", role, l.Evidence, evidence)
		}
		return g.await(role.String(), func(other trace.Snapshot) bool { return other.ID == l.ID })
	}
	g.t.Fatalf("%s %s has no %v among %v", s.Kind, s.Path, role, s.Links)
	return trace.Snapshot{}
}

// A like is one journey, from the question for the name to the socket of the author.
func TestOracle_ALikeFromTheNameToTheAuthorsSocket(t *testing.T) {
	t.Parallel()
	g := openGallery(t)
	ana, anaID := g.signUp("ana")
	bo, _ := g.signUp("bob")
	status, photo, made := g.do("POST", "photos", ana, picture(t))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, photo)
	}
	g.wants("the upload", made, "firewall groups ok", "tls gallery.test ok", "route /api/ ok",
		"auth session ok", "pool store.readers ok", "sql sessions.find ok", "pool store.readers ok", "sql accounts.load ok", "files receive ok",
		"access photos.create ok", "schema photos.create ok", "files keep ok", "pool store.writer ok", "commit photos.create ok")
	came := g.watch(ana, "photos/"+fmt.Sprint(photo["id"]), "inbox")

	g.do("GET", "photos", bo, nil) // from here on it is known who holds the token
	page := []string{"Origin", otherPage}
	if status, a, _ := g.do("OPTIONS", "likes", "", nil, append(page, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")...); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, a)
	}
	status, answer, like := g.do("POST", "likes", bo, map[string]any{"photo": photo["id"]}, page...)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	got := []string{g.wait(came), g.wait(came)}
	if slices.Sort(got); !slices.Equal(got, []string{"inbox", "photos/" + fmt.Sprint(photo["id"])}) {
		t.Errorf("the author was told of %v", got)
	}

	g.wants("the like", like, "firewall groups ok", "tls gallery.test ok", "cors gallery.test ok", "route /api/ ok", "auth session cached",
		"access likes.create ok", "schema likes.create ok", "pool store.writer ok", "commit likes.create ok")
	if like.Reason != trace.None || like.Decided != -1 || like.Route == "" || like.Account == 0 || like.Hops[0].Start >= 0 {
		t.Errorf("%+v", like)
	}
	over := g.linked(like, trace.Over, trace.Seen)
	g.wants("its connection", over, "firewall groups ok", "tcp accept ok", "tls gallery.test ok")
	query := g.linked(over, trace.Lookup, trace.Likely)
	if query.Kind != trace.Query || query.Host != gallerySite || !slices.Contains(way(query), "dns gallery.test ok") {
		t.Errorf("the question was %v of %s", way(query), query.Host)
	}
	g.wants("its preflight", g.linked(like, trace.Preflight, trace.Likely), "firewall groups ok", "tls gallery.test ok", "cors gallery.test ok")

	counted := g.follows(like.ID, "event of the photo", func(s trace.Snapshot) bool { return s.Kind == trace.Event && s.Route == "photos" })
	told := g.follows(like.ID, "event of the inbox", func(s trace.Snapshot) bool { return s.Kind == trace.Event && s.Route == "inbox" })
	g.wants("the count of the photo", counted, "stream photos ok")
	g.wants("the inbox", told, "stream inbox ok")
	if n := counted.Hops[0].N; n != [2]int64{1, 1} {
		t.Errorf("connections and topics: %v", n)
	}
	if told.Account == 0 || told.Account == like.Account || told.Hops[0].N != [2]int64{1, 1} {
		t.Errorf("the inbox of %d (ana is %s): %+v", told.Account, anaID, told.Hops[0])
	}
	hook := g.follows(like.ID, "message of the webhook", func(s trace.Snapshot) bool { return s.Kind == trace.Push })
	g.wants("the webhook", hook, "webhook moderation ok")
	if h := hook.Hops[0]; hook.Status != 200 || h.Evidence != trace.Reported || h.N != [2]int64{1, 200} || "http://"+hook.Host != g.hooks.URL {
		t.Errorf("%+v", hook)
	}
	if parent := <-g.parents; !strings.HasPrefix(parent, "00-"+hook.ID.String()+"-") {
		t.Errorf("the receiver was told of the trace %q", parent)
	}
}

// What is refused names the station that refused, in one hop.
func TestOracle_WhoRefusedIsOneHop(t *testing.T) {
	t.Parallel()
	g := openGallery(t)
	ana, _ := g.signUp("ana")
	bo, _ := g.signUp("bob")
	_, photo, _ := g.do("POST", "photos", ana, picture(t))
	at := "photos/" + fmt.Sprint(photo["id"])
	decided := func(what string, s trace.Snapshot, hop, reason string) {
		t.Helper()
		if s.Decided < 0 || way(s)[s.Decided] != hop || s.Reason.Code() != reason || s.Hops[s.Decided].Reason != s.Reason {
			t.Errorf("%s was decided by %d of %v: %s", what, s.Decided, way(s), s.Reason.Code())
		}
	}
	_, _, s := g.do("OPTIONS", "likes", "", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	decided("the page of another origin", s, "cors gallery.test deny", "cors.origin_not_allowed")
	if note := s.Hops[s.Decided].Note; note != "https://evil.example" {
		t.Errorf("it was %q", note)
	}
	status, _, s := g.do("DELETE", at, bo, nil)
	if decided("the photo of somebody else", s, "access photos.delete deny", "access.rule_denied"); status != http.StatusForbidden {
		t.Errorf("answered with %d", status)
	}
	_, _, s = g.do("POST", "likes", "", map[string]any{"photo": photo["id"]})
	decided("a stranger", s, "access likes.create deny", "auth.missing")

	var free []func()
	for range 20 { // store.pool.max of the example
		free = append(free, g.app.HoldReader(t))
	}
	status, _, s = g.do("GET", at, "", nil)
	decided("a read while all readers are busy", s, "pool store.readers error", "store.pool_exhausted")
	if note := s.Hops[max(s.Decided, 0)].Note; status != http.StatusServiceUnavailable || !strings.HasPrefix(note, "held by 20 × ") {
		t.Errorf("%d: %s", status, note)
	}
	for _, f := range free {
		f()
	}
}

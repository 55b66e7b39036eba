package app_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const consoleDeclaration = `
name: notes
identity: { accounts: people, roles: [editor] }
collections:
  people:
    fields:
      handle: { type: text, required: true, unique: true, match: '^[a-z]{2,20}$' }
      mail:   { type: email }
    rules: { read: 'auth.id == record.id' }
  notes:
    fields:
      owner: { type: ref, to: people, default: auth.id, immutable: true, on_delete: cascade }
      text:  { type: text, max: 100 }
      secret: { type: bool, default: false }
    indexes: [[owner, create_time]]
    rules:
      read: 'auth.id == record.owner'
      create: 'auth.id == record.owner'
sites:
  notes.test:
    tls: local
    routes: [{ path: /api/, to: api }]
store: { database: 'sqlite:data/notes.db', files: data/files }
`

// desk is a running app with its console.
type desk struct {
	t      *testing.T
	app    *app.App
	folder string
	at     string // http://127.0.0.1:PORT
	owner  *operator
}

// operator is a browser that is signed in to the console.
type operator struct {
	desk   *desk
	client *http.Client
}

// openDesk runs the app and signs its first owner in.
func openDesk(t *testing.T) *desk {
	t.Helper()
	return openDeskOf(t, consoleDeclaration)
}

// openDeskOf is openDesk with another declaration.
func openDeskOf(t *testing.T, declaration string) *desk {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &output{want: `"link":"http`, seen: make(chan string, 1)}
	a, err := app.New(app.Options{File: folder, HTTPS: "127.0.0.1:0", HTTP: "127.0.0.1:0", Console: "127.0.0.1:0"}, process.Surroundings{
		Out: io.Discard, Err: out, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	var said struct{ Link string }
	select {
	case line := <-out.seen:
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatal(err)
		}
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the app ended with %v", err)
		}
	})
	at, _, _ := strings.Cut(said.Link, "/#")
	d := &desk{t: t, app: a, folder: folder, at: at}
	d.owner = d.join(said.Link, "olga")
	return d
}

// join makes an operator of who has a link.
func (d *desk) join(link, name string) *operator {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	o := &operator{desk: d, client: &http.Client{Jar: jar, Transport: &http.Transport{}}}
	d.t.Cleanup(o.client.CloseIdleConnections)
	_, token, _ := strings.Cut(link, "#claim=")
	o.do("POST", "claim", `{"token":"`+token+`","name":"`+name+`","password":"four unrelated words"}`).is(200)
	return o
}

// invite has the owner make another operator.
func (d *desk) invite(name, role string) *operator {
	d.t.Helper()
	return d.join(d.owner.do("POST", "operators/link", `{"role":"`+role+`"}`).is(200).text("link"), name)
}

// said is an answer of the console.
type said struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (o *operator) do(method, path, body string, headers ...string) said {
	o.desk.t.Helper()
	req, err := http.NewRequestWithContext(o.desk.t.Context(), method, o.desk.at+"/api/"+path, strings.NewReader(body))
	if err != nil {
		o.desk.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := o.client.Do(req)
	if err != nil {
		o.desk.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		o.desk.t.Fatal(err)
	}
	if err != nil {
		o.desk.t.Fatal(err)
	}
	return said{o.desk.t, resp.StatusCode, resp.Header, string(text)}
}

func (s said) is(status int) said {
	s.t.Helper()
	if s.status != status {
		s.t.Fatalf("status %d, want %d: %s", s.status, status, s.body)
	}
	return s
}

func (s said) has(parts ...string) said {
	s.t.Helper()
	for _, p := range parts {
		if !strings.Contains(s.body, p) {
			s.t.Fatalf("no %s in %s", p, s.body)
		}
	}
	return s
}

func (s said) text(name string) string {
	s.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s.body), &v); err != nil {
		s.t.Fatalf("%v: %s", err, s.body)
	}
	text, _ := v[name].(string)
	return text
}

// audit returns the entries of an operator, the oldest first, as WHAT TARGET FIELDS REFUSED.
func (d *desk) audit(who string) []string {
	d.t.Helper()
	var log struct {
		Entries []struct {
			Who, What, Target, Note, Refused string
			Fields                           []string
		}
		Broken string
	}
	if err := json.Unmarshal([]byte(d.owner.do("GET", "audit", "").is(200).body), &log); err != nil || log.Broken != "" {
		d.t.Fatalf("the audit: %v %s", err, log.Broken)
	}
	var lines []string
	for _, e := range slices.Backward(log.Entries) {
		if e.Who == who {
			lines = append(lines, strings.Join(strings.Fields(e.What+" "+e.Target+" "+strings.Join(e.Fields, ",")+" "+e.Note+" "+e.Refused), " "))
		}
	}
	return lines
}

func TestOperator_RecordsAndAudit(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	mia := d.invite("mia", "operator")
	ana := mia.do("POST", "people/", `{"fields":{"handle":"ana"},"roles":["editor"]}`).is(200).text("id")
	made := mia.do("POST", "data/notes", `{"owner":"`+ana+`","text":"of ana","secret":true}`).is(201)
	note := made.text("id")
	mia.do("GET", "data/notes/"+note+"?expand=owner", "").is(200).has(`"handle":"ana"`)
	mia.do("PATCH", "data/notes/"+note, `{"text":"seen"}`, "If-Match", `"1"`).is(200).has(`"etag":"2"`)
	mia.do("PATCH", "data/notes/"+note, `{"text":"late"}`, "If-Match", `"1"`).is(412)
	mia.do("PATCH", "data/notes/"+note, `{"owner":null}`).is(400).has("immutable") // refused before it is a write: not a deed
	mia.do("POST", "data/batch", `{"ops":[{"op":"update","collection":"notes","id":"`+note+`","data":{"secret":false}},{"op":"delete","collection":"notes","id":"`+note+`"}]}`).is(200)
	want := []string{
		"people.add people/" + ana + " handle with roles editor",
		"data.create notes/" + note + " owner,text,secret",
		"data.update notes/" + note + " text",
		"data.update notes/" + note + " text",
		"data.update notes/" + note + " text store.stale",
		"data.update notes/" + note + " secret",
		"data.delete notes/" + note,
	}
	got := slices.DeleteFunc(d.audit("mia"), func(s string) bool { return !strings.HasPrefix(s, "data.") && !strings.HasPrefix(s, "people.") })
	if !slices.Equal(got, want) {
		t.Errorf("the audit has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, text := range []string{"of ana", "seen"} {
		if strings.Contains(strings.Join(d.audit("mia"), "\n"), text) {
			t.Errorf("the audit has the value %q", text)
		}
	}
}

// TestOperator_WritesAreJourneys uses the journey as the oracle: who asked, what let them, where it was written.
func TestOperator_WritesAreJourneys(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	mia := d.invite("mia", "operator")
	id := mia.do("POST", "data/notes", `{"text":"x"}`).is(201).header.Get("X-Journey")
	var j trace.Snapshot
	deadline := time.Now().Add(time.Minute)
	for ok := false; !ok; { // it ends just after the answer has left
		if j, ok = d.app.Recorder().Find(id); !ok && time.Now().After(deadline) {
			t.Fatalf("the journey %q was not kept", id)
		}
	}
	if got := strings.Join(layers(j), " "); got != "auth access schema pool commit" {
		t.Errorf("it met %s", got)
	}
	if j.Hops[0].Note != "operator mia" || j.Hops[1].Note != "operator mia" || j.Status != 201 || j.Route != "/api/data/notes" {
		t.Errorf("journey %+v", j)
	}
}

func TestOperator_WhatIsDeclared(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.owner.do("POST", "data/notes", `{"text":"x"}`).is(201)
	d.owner.do("GET", "data/", "").is(200).has(
		`"name":"notes"`, `"count":1`, `"where":"roundtrip.yaml:5:3"`, `"source":"auth.id == record.owner"`, `"default":"auth.id"`, `"to":"people"`, `"on_delete":"cascade"`,
		`"fields":["owner","create_time"]`, `"collection":"notes","field":"owner"`, `"name":"owner","type":"ref","where":"roundtrip.yaml:12:7","immutable":true,"served":true`, `"api":"https://notes.test:`,
	)
	d.owner.do("GET", "data/notes?filter=txt%20%3D%3D%20%22x%22", "").is(400).has(`"column":1`, "did you mean")
	d.owner.do("GET", "data/nots", "").is(404).has("did you mean notes?")
	d.owner.do("GET", "data/auth/me", "").is(404)
	d.owner.do("POST", "data/auth/sign-in", `{"handle":"ana","password":"x"}`).is(404)
	d.owner.do("DELETE", "data/", "").is(404)
}

func TestOperator_People(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	mia := d.invite("mia", "operator")
	added := mia.do("POST", "people/", `{"fields":{"handle":"ana","mail":"Ana@Example.org"}}`).is(200)
	ana := added.text("id")
	for range 3 {
		mia.do("POST", "people/", `{"fields":{"handle":"bo"}}`)
	}
	mia.do("GET", "people/?q=an", "").is(200).has(`"login":"ana"`, `"roles":["editor"]`)
	mia.do("GET", "people/?q=EXAMPLE", "").is(200).has(`"login":"ana"`)
	mia.do("GET", "people/?q="+ana, "").is(200).has(`"login":"ana"`)
	for _, q := range []string{"%22", "%5C", "%22%20%7C%7C%20true%20%7C%7C%20%22", "a%0Ab", "%27"} { // nothing in it is taken for the language
		mia.do("GET", "people/?q="+q, "").is(200).has(`"people":[]`)
	}
	mia.do("PUT", "people/"+ana+"/roles", `{"roles":["editor"]}`).is(200).has(`"roles":["editor"]`)
	mia.do("PUT", "people/"+ana+"/roles", `{"roles":["owner"]}`).is(400).has("declares no role")
	mia.do("PUT", "people/"+ana+"/roles", `{"rols":["editor"]}`).is(400)
	mia.do("POST", "people/"+ana+"/password", `{"password":"short"}`).is(400).has("auth.weak_password")
	password := mia.do("POST", "people/"+ana+"/password", "").is(200).text("password")
	if password == "" || password == added.text("password") {
		t.Errorf("passwords %q and %q", added.text("password"), password)
	}
	page := mia.do("GET", "people/"+ana, "").is(200).has(`"mail":"ana@example.org"`, `"sessions":[]`)
	for _, secret := range []string{"argon2", "password", "hash", "token"} {
		if strings.Contains(page.body, secret) {
			t.Errorf("%q is in %s", secret, page.body)
		}
	}
	mia.do("DELETE", "people/"+ana+"/sessions", "").is(204)
	mia.do("DELETE", "people/"+ana+"/sessions/"+ana, "").is(404)
	mia.do("DELETE", "people/"+ana+"/failures", "").is(204)
	mia.do("POST", "people/"+ana+"/roles", "{}").is(405)
	mia.do("GET", "people/"+ana+"/passwort", "").is(404)
	mia.do("GET", "people/0000000000abc", "").is(404)
	mia.do("GET", "people/x", "").is(404)
	mia.do("PATCH", "people/", "{}").is(405)
	if log := strings.Join(d.audit("mia"), "\n"); strings.Contains(log, password) {
		t.Errorf("a password is in the audit: %s", log)
	} else if !strings.Contains(log, "people.roles people/"+ana+" no roles → roles editor") || !strings.Contains(log, "people.password people/"+ana) {
		t.Errorf("the audit: %s", log)
	}
}

// TestOperator_OthersComeInNowhere: not signed in, a viewer, and pages of other sites.
func TestOperator_OthersComeInNowhere(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	note := d.owner.do("POST", "data/notes", `{"text":"x"}`).is(201).text("id")
	vic := d.invite("vic", "viewer")
	nobody := &operator{desk: d, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "data/", ""},
		{"GET", "data/notes", ""},
		{"GET", "data/notes/" + note, ""},
		{"GET", "data/notes:aggregate?select=count", ""},
		{"POST", "data/notes", `{"text":"y"}`},
		{"PATCH", "data/notes/" + note, `{"text":"y"}`},
		{"DELETE", "data/notes/" + note, ""},
		{"POST", "data/batch", `{"ops":[]}`},
		{"GET", "people/", ""},
		{"POST", "people/", `{"fields":{"handle":"eve"}}`},
		{"POST", "people/" + note + "/password", ""},
	} {
		vic.do(tt.method, tt.path, tt.body).is(403)
		nobody.do(tt.method, tt.path, tt.body).is(401)
		nobody.do(tt.method, tt.path, tt.body, "Authorization", "Bearer olga", "Cookie", "console=olga; session=olga", "X-Operator", "olga").is(401)
	}
	d.owner.do("DELETE", "data/notes/"+note, "", "Sec-Fetch-Site", "cross-site").is(403)
	d.owner.do("DELETE", "data/notes/"+note, "", "Origin", "https://evil.example").is(403)
	d.owner.do("GET", "data/notes?count=exact", "").is(200).has(`"total_size":1`)
	if got := d.audit("vic"); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "data.") }) {
		t.Errorf("a viewer's deeds: %v", got)
	}
}

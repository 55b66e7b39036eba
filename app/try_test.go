package app_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// tried is an answer of POST /api/try.
type tried struct {
	Status  int
	Body    string
	Headers map[string][]string
	Journey string
}

func (o *operator) try(order string) tried {
	o.desk.t.Helper()
	var v tried
	if err := json.Unmarshal([]byte(o.do("POST", "try", order).is(200).body), &v); err != nil {
		o.desk.t.Fatal(err)
	}
	return v
}

// A call that is tried goes through the gate as a visitor's does: it has a journey that says who refused it, and in which line.
func TestTry_TheRealWay(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	mia, vic := d.invite("mia", "operator"), d.invite("vic", "viewer")
	d.owner.do("POST", "people/", `{"fields":{"handle":"ana"},"password":"correct horse battery"}`).is(200)

	list := vic.try(`{"site":"notes.test","method":"GET","path":"/notes?page_size=3"}`)
	if list.Status != 200 || !strings.Contains(list.Body, `"notes":[]`) || list.Headers["X-Journey"][0] != list.Journey {
		t.Fatalf("as nobody: %+v", list)
	}
	vic.do("GET", "journeys/"+list.Journey, "").is(200).has(`"path":"/api/notes"`, `"layer":"access"`)
	vic.do("POST", "try", `{"site":"notes.test","method":"POST","path":"/notes","body":"{}"}`).is(403)
	vic.do("POST", "try/sign-in", `{"site":"notes.test","login":"ana","password":"x"}`).is(403)

	create := `{"site":"notes.test","method":"POST","path":"/notes","headers":{"content-type":"application/json"},"body":"{\"text\":\"tried\"}"`
	refused := mia.try(create + `}`)
	if refused.Status != 403 && refused.Status != 401 {
		t.Fatalf("a write of nobody: %+v", refused)
	}
	mia.do("GET", "journeys/"+refused.Journey, "").is(200).has(`"outcome":"deny"`, `roundtrip.yaml:`)

	mia.do("POST", "try", create+`,"as":true}`).is(422).has("sign in first")
	mia.do("POST", "try/sign-in", `{"site":"notes.test","login":"ana","password":"wrong wrong wrong"}`).is(422)
	in := mia.do("POST", "try/sign-in", `{"site":"notes.test","login":"ana","password":"correct horse battery"}`).is(200).has(`"notes.test":"ana"`)
	if strings.Contains(in.body, "rt_s_") {
		t.Errorf("the token is shown: %s", in.body)
	}
	if made := mia.try(create + `,"as":true}`); made.Status != 201 || !strings.Contains(made.Body, `"text":"tried"`) {
		t.Fatalf("a write of ana: %+v", made)
	}
	connect := mia.try(`{"site":"notes.test","method":"POST","path":"/notes.v1.Notes/List","headers":{"Content-Type":"application/json"},"body":"{}","as":true}`)
	if connect.Status != 200 || !strings.Contains(connect.Body, `"text":"tried"`) {
		t.Fatalf("over Connect: %+v", connect)
	}
	want := []string{
		"try POST notes.test/notes", "try.sign-in notes.test as ana", "try.sign-in notes.test as ana auth.invalid", "try.sign-in notes.test as ana",
		"try POST notes.test/notes as ana", "try POST notes.test/notes.v1.Notes/List as ana",
	}
	got := slices.DeleteFunc(d.audit("mia"), func(s string) bool { return !strings.HasPrefix(s, "try") })
	if !slices.Equal(got, want) {
		t.Errorf("the audit has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	mia.do("POST", "sign-out", `{}`).is(200)
	for late := time.After(time.Minute); !strings.Contains(d.owner.do("GET", "journeys?path=/api/auth/sign-out&status=204", "").is(200).body, "/api/auth/sign-out"); {
		select {
		case <-late:
			t.Fatal("who signs out of the console leaves an account signed in")
		case <-time.After(20 * time.Millisecond): // the site is asked behind the answer
		}
	}
}

// A stream is watched for a moment, and ended.
func TestTry_StreamsEnd(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	v := d.owner.try(`{"site":"notes.test","method":"GET","path":"/notes:watch"}`)
	if v.Status != 200 || !strings.Contains(v.Body, `"cursor"`) {
		t.Errorf("%+v", v)
	}
}

// Nothing but the API of this server's own sites can be reached.
func TestTry_OnlyTheAPIOfOurSites(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, order := range []string{
		`{"site":"example.com","method":"GET","path":"/notes"}`,
		`{"site":"127.0.0.1","method":"GET","path":"/notes"}`,
		`{"site":"notes.test","method":"GET","path":"https://example.com/notes"}`,
		`{"site":"notes.test","method":"GET","path":"//example.com/notes"}`,
		`{"site":"notes.test","method":"GET","path":"@example.com/"}`,
		`{"site":"notes.test","method":"GET","path":"/../secret"}`,
		`{"site":"notes.test","method":"GET","path":"/%2e%2e/secret"}`,
		`{"site":"notes.test","method":"GET","path":"/\\example.com"}`,
		`{"site":"notes.test","method":"GET","path":"notes"}`,
		`{"site":"notes.test","method":"CONNECT","path":"/notes"}`,
		`{"site":"notes.test","method":"GET","path":"/notes","headers":{"Host":"example.com"}}`,
		`{"site":"notes.test","method":"GET","path":"/notes","headers":{"Authorization":"Bearer x"}}`,
		`{"site":"notes.test","method":"GET","path":"/notes","headers":{"X-Forwarded-For":"1.2.3.4"}}`,
		`{"site":"notes.test","method":"GET","path":"/notes","headers":{"X-Probe":"x"}}`,
	} {
		d.owner.do("POST", "try", order).is(400)
	}
}

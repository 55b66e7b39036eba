package app_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// paperLine declares that notes may have a paper of at most 100 kB.
const paperLine = "      paper: { type: file, accept: [text/plain], max: 100KB }\n"

// send sends an order with content behind it, as the page does.
func (o *operator) send(order map[string]any, content []byte) said {
	o.desk.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	if _, told := order["size"]; !told {
		order["size"] = len(content)
	}
	text, err := json.Marshal(order)
	if err != nil {
		o.desk.t.Fatal(err)
	}
	if err := w.WriteField("order", string(text)); err != nil {
		o.desk.t.Fatal(err)
	}
	part, err := w.CreateFormFile("content", "content")
	if err != nil {
		o.desk.t.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = w.Close()
	return o.do("POST", "try", form.String(), "Content-Type", w.FormDataContentType())
}

// tried is the answer of a call that was tried.
func (s said) tried() (v tried) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.body), &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// note is the form of a new note with a paper.
func note(t *testing.T, paper []byte) (body []byte, contentType string) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("data", `{"text":"with a paper"}`)
	part, err := w.CreateFormFile("paper", "paper.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(paper)
	_ = w.Close()
	return form.Bytes(), w.FormDataContentType()
}

// What is tried may bring a file: over REST as a form, over Connect in base64. It is passed on as it comes, and the site says
// what is too large.
func TestTry_Files(t *testing.T) {
	t.Parallel()
	d := openDeskOf(t, strings.Replace(consoleDeclaration, "    indexes: [[owner, create_time]]", paperLine+"    indexes: [[owner, create_time]]", 1))
	d.owner.do("POST", "people/", `{"fields":{"handle":"ana"},"password":"correct horse battery"}`).is(200)
	rest := func(paper []byte) (map[string]any, []byte) {
		body, kind := note(t, paper)
		return map[string]any{"site": "notes.test", "method": "POST", "path": "/notes", "headers": map[string]string{"Content-Type": kind}, "account": "ana"}, body
	}
	order, body := rest(bytes.Repeat([]byte("paper "), 10_000))
	if v := d.owner.send(order, body).is(200).tried(); v.Status != 201 || !strings.Contains(v.Body, `"size":60000`) {
		t.Errorf("over REST: %+v", v)
	}
	order, body = rest(bytes.Repeat([]byte("paper "), 300_000))
	if v := d.owner.send(order, body).is(200).tried(); v.Status != 413 || v.Journey == "" {
		t.Errorf("a paper that is too large: %+v", v)
	}
	content := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("paper "), 10_000))
	message := []byte(`{"note":{"text":"with a paper","paper":{"name":"paper.txt","content":"` + content + `"}}}`)
	order = map[string]any{"site": "notes.test", "method": "POST", "path": "/notes.v1.Notes/Create", "headers": map[string]string{"Content-Type": "application/json"}, "account": "ana"}
	if v := d.owner.send(order, message).is(200).tried(); v.Status != 200 || !strings.Contains(v.Body, `"size":"60000"`) {
		t.Errorf("over Connect: %+v", v)
	}
	vic := d.invite("vic", "viewer")
	vic.send(order, message).is(403)
	delete(order, "size")
	order["size"] = 64 << 20
	d.owner.send(order, message).is(413).has("at most 32 MB")
	order["size"] = 0
	d.owner.send(order, message).is(400).has("two parts")
	order["size"], order["body"] = len(message), "{}"
	d.owner.send(order, message).is(400)
}

// Who may ask why in the name of an account may try in it, too; the session that is lent for it is taken back.
func TestTry_AsAnAccount(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	mia, vic := d.invite("mia", "operator"), d.invite("vic", "viewer")
	d.owner.do("POST", "people/", `{"fields":{"handle":"ana"},"password":"correct horse battery"}`).is(200)
	const order = `{"site":"notes.test","method":"GET","path":"/auth/me","account":"ana"}`
	if v := mia.try(order); v.Status != 200 || !strings.Contains(v.Body, `"handle":"ana"`) {
		t.Fatalf("%+v", v)
	}
	list := mia.try(`{"site":"notes.test","method":"GET","path":"/auth/sessions","account":"ana"}`)
	if list.Status != 200 || strings.Count(list.Body, `"create_time"`) != 1 {
		t.Errorf("its sessions while one more is lent: %+v", list)
	}
	vic.do("POST", "try", order).is(403)
	mia.do("POST", "try", strings.Replace(order, "ana", "nobody", 1)).is(404)
	if all := strings.Join(d.audit("mia"), "\n"); !strings.Contains(all, "try GET notes.test/auth/me as ana, whose password was not asked for") {
		t.Errorf("the audit has\n%s", all)
	}
}

// tryEvent is one event of a stream that is tried.
type tryEvent struct{ name, data string }

// watch tries a stream and returns its events one by one; stop ends it.
func (o *operator) watch(order string) (next func() tryEvent, stop func()) {
	o.desk.t.Helper()
	req, err := http.NewRequestWithContext(o.desk.t.Context(), http.MethodPost, o.desk.at+"/api/try/stream", strings.NewReader(order))
	if err != nil {
		o.desk.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	if err != nil {
		o.desk.t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	return func() (e tryEvent) {
		o.desk.t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				return tryEvent{"over", strconv.Itoa(resp.StatusCode)}
			}
			if err != nil {
				o.desk.t.Fatal(err)
			}
			switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
			case "event":
				e.name = value
			case "data":
				e.data = value
				return e
			}
		}
	}, func() { _ = resp.Body.Close() }
}

// A stream is shown as it comes, over both doors.
func TestTry_Streams(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.owner.do("POST", "people/", `{"fields":{"handle":"ana"},"password":"correct horse battery"}`).is(200)
	for name, c := range map[string]struct{ order, first string }{
		"Connect": {`{"site":"notes.test","method":"POST","path":"/notes.v1.Notes/Watch","headers":{"Content-Type":"application/connect+json","Connect-Protocol-Version":"1"},"body":"{}","account":"ana"}`, `snapshot`},
		"REST":    {`{"site":"notes.test","method":"GET","path":"/notes:watch","account":"ana"}`, `cursor`},
	} {
		next, stop := d.owner.watch(c.order)
		if e := next(); e.name != "answer" || !strings.Contains(e.data, `"status":200`) {
			t.Fatalf("%s begins with %+v", name, e)
		}
		if e := next(); e.name != "message" {
			t.Fatalf("%s: %+v, want a message with %s", name, e, c.first)
		}
		made := d.owner.try(`{"site":"notes.test","method":"POST","path":"/notes","headers":{"Content-Type":"application/json"},"body":"{\"text\":\"while ` + name + ` watches\"}","account":"ana"}`)
		if made.Status != 201 {
			t.Fatalf("%+v", made)
		}
		for e := next(); !strings.Contains(e.data, "while "+name+" watches"); e = next() {
			if e.name != "message" {
				t.Fatalf("%s: %+v", name, e)
			}
		}
		stop()
	}
}

// What is no stream is shown whole, and a stream that is refused says so.
func TestTry_StreamsThatAreNone(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	next, _ := d.owner.watch(`{"site":"notes.test","method":"GET","path":"/nothing"}`)
	if e := next(); e.name != "answer" || !strings.Contains(e.data, `"status":404`) {
		t.Errorf("%+v", e)
	}
	if e := next(); e.name != "end" || !strings.Contains(e.data, `"why":"end"`) {
		t.Errorf("%+v", e)
	}
	next, _ = d.owner.watch(`{"site":"notes.test","method":"POST","path":"/notes.v1.Notes/Watch","headers":{"Content-Type":"application/connect+json"},"body":"{\"nonsense\":1}"}`)
	for e := next(); ; e = next() {
		if e.name == "end" {
			if !strings.Contains(e.data, `"why":"problem"`) || !strings.Contains(e.data, "invalid_argument") {
				t.Errorf("%+v", e)
			}
			break
		}
		if e.name != "answer" {
			t.Fatalf("%+v", e)
		}
	}
	next, _ = d.owner.watch(`{"site":"example.com","method":"GET","path":"/notes:watch"}`)
	if e := next(); e.name != "end" || !strings.Contains(e.data, "request.invalid") {
		t.Errorf("%+v", e)
	}
}

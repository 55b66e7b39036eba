package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// API is one caller of a server's API: a stranger, or an account once it has a token.
type API struct {
	Base   string // https://gallery.test/api/
	Token  string
	client *http.Client
	t      testing.TB
}

// API returns a caller of the site's API.
func (s *Server) API(site string) *API {
	return &API{Base: "https://" + site + "/api/", client: s.Client(), t: s.t}
}

// As returns the same caller with a token.
func (a *API) As(token string) *API {
	b := *a
	b.Token = token
	return &b
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON is an object of an answer.
type JSON = map[string]any

// Object returns the body as an object.
func (r *Answer) Object() JSON {
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	var o JSON
	if err := d.Decode(&o); err != nil {
		return JSON{"unreadable": err.Error(), "body": string(r.Body)}
	}
	return o
}

// Text returns a member of the body as text, "" where there is none; a.b goes down.
func (r *Answer) Text(path string) string {
	var v any = r.Object()
	for _, name := range strings.Split(path, ".") {
		o, _ := v.(JSON)
		v = o[name]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// List returns the objects of a list under a member.
func (r *Answer) List(name string) []JSON {
	items, _ := r.Object()[name].([]any)
	list := make([]JSON, 0, len(items))
	for _, i := range items {
		o, _ := i.(JSON)
		list = append(list, o)
	}
	return list
}

// Do sends a request. body is nil, a string sent as it is, or a value sent as JSON. headers are pairs.
func (a *API) Do(method, path string, body any, headers ...string) *Answer {
	a.t.Helper()
	answer, err := a.Try(method, path, body, headers...)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// Try is Do where the connection may fail.
func (a *API) Try(method, path string, body any, headers ...string) (*Answer, error) {
	var r io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		r, kind = strings.NewReader(b), "application/json"
	case *Form:
		r, kind = bytes.NewReader(b.finish()), b.w.FormDataContentType()
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		r, kind = bytes.NewReader(text), "application/json"
	}
	url := path
	if !strings.HasPrefix(path, "https://") {
		url = a.Base + path
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if a.Token != "" {
		req.Header.Set("Authorization", "Bearer "+a.Token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header}
	answer.Body, err = io.ReadAll(resp.Body)
	return answer, err
}

// Want is Do that fails the test on another status.
func (a *API) Want(status int, method, path string, body any, headers ...string) *Answer {
	a.t.Helper()
	answer := a.Do(method, path, body, headers...)
	if answer.Status != status {
		a.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, answer.Status, status, answer.Body)
	}
	return answer
}

// Form is a multipart body.
type Form struct {
	buf bytes.Buffer
	w   *multipart.Writer
}

// NewForm makes an empty form.
func NewForm() *Form {
	f := &Form{}
	f.w = multipart.NewWriter(&f.buf)
	return f
}

// Field adds a text part.
func (f *Form) Field(name, value string) *Form {
	_ = f.w.WriteField(name, value) // a bytes.Buffer takes everything
	return f
}

// File adds a file part.
func (f *Form) File(name, filename, kind string, content []byte) *Form {
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, name, filename))
	h.Set("Content-Type", kind)
	part, _ := f.w.CreatePart(h)
	_, _ = part.Write(content)
	return f
}

func (f *Form) finish() []byte {
	_ = f.w.Close()
	return f.buf.Bytes()
}

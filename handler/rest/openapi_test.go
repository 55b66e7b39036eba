package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
)

// book is the OpenAPI document of the tests' declaration. Whatever any test of this package is answered is held to it: nothing
// comes back that it does not have.
type book struct {
	mu       sync.Mutex // guards compiler and compiled
	whole    map[string]any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

var openBook = sync.OnceValues(func() (*book, error) {
	const file = "testdata/roundtrip.yaml"
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	declared, err := config.Parse(file, source, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	s, err := schema.Build(declared)
	if err != nil {
		return nil, err
	}
	text := openapi.Build(s.Schema, openapi.Options{
		Mount: "/api/", Servers: []openapi.Server{{URL: "/api"}}, Login: []string{"handle"}, SignUp: true, MinLen: 10,
	}).JSON()
	resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	whole := resource.(map[string]any)
	shut(whole["components"].(map[string]any)["schemas"])
	shut(whole["paths"])
	b := &book{whole: whole, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	b.compiler.AssertFormat()
	return b, b.compiler.AddResource("openapi.json", resource)
})

// shut lets objects have no members but those that are written down.
func shut(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, isSchema := v["properties"]; isSchema && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, value := range v {
			shut(value)
		}
	case []any:
		for _, value := range v {
			shut(value)
		}
	}
}

// operation finds what the document says of a request; nil where there is nothing.
func (b *book) operation(method, path string) (pointer string, op map[string]any) {
	have := strings.Split(path, "/")
	for template, methods := range b.whole["paths"].(map[string]any) {
		want := strings.Split(template, "/")
		if len(want) != len(have) {
			continue
		}
		fits := true
		for i := range want {
			fits = fits && (want[i] == have[i] || want[i] == "{id}" && have[i] != "")
		}
		if !fits || strings.Contains(template, "{") && b.exact(path) {
			continue
		}
		if op, ok := methods.(map[string]any)[strings.ToLower(method)].(map[string]any); ok {
			escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
			return "#/paths/" + escape.Replace(template) + "/" + strings.ToLower(method), op
		}
	}
	return "", nil
}

func (b *book) exact(path string) bool {
	_, ok := b.whole["paths"].(map[string]any)[path]
	return ok
}

// follow goes where a $ref leads.
func (b *book) follow(pointer string, node map[string]any) (string, map[string]any) {
	to, ok := node["$ref"].(string)
	if !ok {
		return pointer, node
	}
	at := any(b.whole)
	for _, name := range strings.Split(strings.TrimPrefix(to, "#/"), "/") {
		at = at.(map[string]any)[name]
	}
	return to, at.(map[string]any)
}

// judge says what an answer has that the document has not.
func (b *book) judge(method, path string, status int, header http.Header, body string) error {
	path, query, _ := strings.Cut(path, "?")
	pointer, op := b.operation(method, "/"+path)
	if op == nil {
		return nil
	}
	responses := op["responses"].(map[string]any)
	name := fmt.Sprint(status)
	answer, ok := responses[name].(map[string]any)
	if !ok {
		if status != 408 && status != 421 && status != 431 {
			return fmt.Errorf("the document has no status %d", status)
		}
		name = "default"
		answer = responses[name].(map[string]any)
	}
	at, answer := b.follow(pointer+"/responses/"+name, answer)
	headers, _ := answer["headers"].(map[string]any)
	for _, h := range []string{"ETag", "Location", "Idempotency-Replayed", "Retry-After", "Set-Cookie", "Www-Authenticate", "Content-Range"} {
		documented := false
		for name := range headers {
			documented = documented || strings.EqualFold(name, h)
		}
		if header.Get(h) != "" && !documented {
			return fmt.Errorf("the document has no header %s with %d", h, status)
		}
	}
	if body == "" {
		return nil
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	content, _ := answer["content"].(map[string]any)
	media, ok := content[kind].(map[string]any)
	if !ok {
		if content["*/*"] != nil {
			return nil
		}
		return fmt.Errorf("the document has no %s with %d", kind, status)
	}
	if kind != "application/json" && kind != roundtrip.ProblemType {
		return nil
	}
	if err := b.reason(media, kind, body); err != nil {
		return err
	}
	if strings.Contains(query, "fields=") {
		return nil // what a record requires is what comes without it: the parameter says so
	}
	return b.fits("openapi.json"+at+"/content/"+strings.ReplaceAll(kind, "/", "~1")+"/schema", body)
}

// reason looks whether a problem is one of the document's examples.
func (b *book) reason(media map[string]any, kind, body string) error {
	if kind != roundtrip.ProblemType {
		return nil
	}
	var p struct{ Reason string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return err
	}
	if _, ok := media["examples"].(map[string]any)[p.Reason]; !ok {
		return fmt.Errorf("the document does not show the reason %s", p.Reason)
	}
	return nil
}

func (b *book) fits(schema, body string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.compiled[schema]
	if s == nil {
		if s, err = b.compiler.Compile(schema); err != nil {
			return err
		}
		b.compiled[schema] = s
	}
	return s.Validate(value)
}

// documented fails the test where an answer is not as the document says. Two are no part of what it speaks of: doors of tests that
// serve less than the house does, and the console's door, whose operators have rights of their own.
func documented(tb testing.TB, method, path string, r *reply) {
	tb.Helper()
	if strings.Contains(r.body, `"reason":"request.unknown_path"`) || strings.Contains(r.body, `"reason":"access.operator"`) {
		return
	}
	b, err := openBook()
	must(tb, err)
	if err := b.judge(method, path, r.status, r.header, r.body); err != nil {
		tb.Errorf("%s %s is answered as the OpenAPI document does not say: %v\n%d %.600s", method, path, err, r.status, r.body)
	}
}

// TestOpenAPI_HasEveryRoute looks for what the table of routes has and the document has not.
func TestOpenAPI_HasEveryRoute(t *testing.T) {
	t.Parallel()
	b, err := openBook()
	must(t, err)
	for _, route := range [][2]string{
		{"POST", "things"},
		{"GET", "things"},
		{"GET", "things/x"},
		{"PATCH", "things/x"},
		{"DELETE", "things/x"},
		{"GET", "things:aggregate"},
		{"GET", "things:watch"},
		{"GET", "live"},
		{"POST", "batch"},
		{"GET", "files/things/x/doc"},
		{"POST", "auth/sign-up"},
		{"POST", "auth/sign-in"},
		{"POST", "auth/sign-out"},
		{"GET", "auth/me"},
		{"GET", "auth/sessions"},
		{"DELETE", "auth/sessions"},
		{"DELETE", "auth/sessions/x"},
		{"POST", "auth/password"},
		{"GET", "inbox"},
		{"POST", "inbox/seen"},
		{"POST", "inbox/read"},
		{"GET", "inbox/preferences"},
		{"PATCH", "inbox/preferences"},
		{"GET", "inbox/push"},
		{"POST", "inbox/push"},
		{"DELETE", "inbox/push"},
		{"GET", "openapi.json"},
		{"GET", "descriptors.binpb"},
		{"GET", "descriptors.proto"},
	} {
		if _, op := b.operation(route[0], "/"+route[1]); op == nil {
			t.Errorf("the document has no %s %s", route[0], route[1])
		}
	}
	for _, route := range [][2]string{{"PATCH", "likes/x"}, {"POST", "users"}} {
		if _, op := b.operation(route[0], "/"+route[1]); op != nil {
			t.Errorf("the document has %s %s, which no rule allows", route[0], route[1])
		}
	}
}

// TestOpenAPI_RepeatedCreateOfWhatIsGone asks for the odd answer: a key that comes again when its record was deleted.
func TestOpenAPI_RepeatedCreateOfWhatIsGone(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana")
	made := ana.do("POST", "things", `{"text":"x"}`, "Idempotency-Key", "k1").is(201)
	ana.do("DELETE", "things/"+made.text("id"), "").is(204)
	again := ana.do("POST", "things", `{"text":"x"}`, "Idempotency-Key", "k1").is(201)
	if again.text("id") != made.text("id") || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%v %s", again.header, again.body)
	}
}

// TestOpenAPI_JudgeFindsWhatIsNotThere shows that an answer can fail.
func TestOpenAPI_JudgeFindsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b, err := openBook()
	must(t, err)
	js := http.Header{"Content-Type": {"application/json"}}
	problem := http.Header{"Content-Type": {roundtrip.ProblemType}}
	for name, err := range map[string]error{
		"status":  b.judge("GET", "photos", 418, js, "{}"),
		"header":  b.judge("GET", "photos", 200, http.Header{"Content-Type": js["Content-Type"], "Retry-After": {"1"}}, `{"photos":[],"next_page_token":""}`),
		"type":    b.judge("GET", "photos", 200, http.Header{"Content-Type": {"text/html"}}, "<p>"),
		"member":  b.judge("GET", "photos", 200, js, `{"photos":[],"next_page_token":"","more":1}`),
		"missing": b.judge("GET", "photos", 200, js, `{"photos":[]}`),
		"reason":  b.judge("GET", "photos", 400, problem, `{"type":"/problems/invalid_argument","title":"x","status":400,"code":"invalid_argument","reason":"store.unique"}`),
	} {
		if err == nil {
			t.Errorf("%s: nothing was found", name)
		}
	}
	if err := b.judge("GET", "photos", 200, js, `{"photos":[],"next_page_token":""}`); err != nil {
		t.Error(err)
	}
}

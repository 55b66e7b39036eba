package openapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
)

var update = flag.Bool("update", false, "write the golden files anew")

// declared builds the schema of a declaration.
func declared(tb testing.TB, name, source string) *roundtrip.Schema {
	tb.Helper()
	c, err := config.Parse(name, []byte(source), func(string) (string, bool) { return "YSBzZWNyZXQ", true })
	if err != nil {
		tb.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s.Schema
}

func gallery(tb testing.TB) *roundtrip.Schema {
	tb.Helper()
	source, err := os.ReadFile("../../examples/gallery/roundtrip.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return declared(tb, "../../examples/gallery/roundtrip.yaml", string(source))
}

func usual() openapi.Options {
	return openapi.Options{
		Mount: "/api/", Servers: []openapi.Server{{URL: "https://gallery.test/api"}}, Login: []string{"handle"}, SignUp: true, MinLen: 10,
		Body: 12_000_000, Rates: true, Rules: true,
	}
}

// check holds a document to three judges: the specification, as kin-openapi reads it; itself (what it refers to is there, and
// each component is used); and its own schemas, which its examples must fit.
func check(tb testing.TB, document []byte) {
	tb.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document)
	if err != nil {
		tb.Fatal(err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		tb.Error(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(document, &whole); err != nil {
		tb.Fatal(err)
	}
	components := whole["components"].(map[string]any)
	for kind, all := range components {
		if kind == "securitySchemes" {
			continue
		}
		for name := range all.(map[string]any) {
			if !bytes.Contains(document, []byte(`"#/components/`+kind+`/`+name+`"`)) {
				tb.Errorf("nothing refers to %s/%s", kind, name)
			}
		}
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		tb.Fatal(err)
	}
	if err := compiler.AddResource("openapi.json", resource); err != nil {
		tb.Fatal(err)
	}
	examples := 0
	walk(resource, "", func(pointer string, node map[string]any) {
		if _, isMedia := node["schema"]; isMedia {
			for _, example := range examplesOf(node) {
				examples++
				fits(tb, compiler, pointer+"/schema", example)
			}
			return
		}
		if list, ok := node["examples"].([]any); ok {
			for _, example := range list {
				examples++
				fits(tb, compiler, pointer, example)
			}
		}
	})
	if examples == 0 {
		tb.Error("there are no examples")
	}
}

// examplesOf are those of a media type, parameter or header.
func examplesOf(node map[string]any) []any {
	var all []any
	if example, ok := node["example"]; ok {
		all = append(all, example)
	}
	named, _ := node["examples"].(map[string]any)
	for _, example := range named {
		all = append(all, example.(map[string]any)["value"])
	}
	return all
}

func fits(tb testing.TB, compiler *jsonschema.Compiler, pointer string, example any) {
	tb.Helper()
	s, err := compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		tb.Fatalf("%s: %v", pointer, err)
	}
	if err := s.Validate(example); err != nil {
		tb.Errorf("the example of %s: %v", pointer, err)
	}
}

// walk visits every object of a document.
func walk(v any, pointer string, visit func(pointer string, node map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(pointer, v)
		for name, value := range v {
			if name == "example" || name == "examples" || name == "default" {
				continue
			}
			walk(value, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name), visit)
		}
	case []any:
		for i, value := range v {
			walk(value, fmt.Sprintf("%s/%d", pointer, i), visit)
		}
	}
}

func TestBuild_Gallery(t *testing.T) {
	t.Parallel()
	got := openapi.Build(gallery(t), usual()).JSON()
	check(t, got)
	if again := openapi.Build(gallery(t), usual()).JSON(); !bytes.Equal(got, again) {
		t.Error("the same declaration gave other bytes")
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "gallery.json")
	if *update {
		if err := os.WriteFile(golden, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, pretty.Bytes()) {
		t.Error("the document is not as in testdata/gallery.json: look at the difference, then go test ./schema/openapi -update")
	}
	if most := 190_000; len(got) > most {
		t.Errorf("it has %d bytes, more than %d", len(got), most)
	}
}

// TestBuild_KeepsRulesToItself builds what strangers may have: who may, and not the rule by which.
func TestBuild_KeepsRulesToItself(t *testing.T) {
	t.Parallel()
	o := usual()
	whole := string(openapi.Build(gallery(t), o).JSON())
	o.Rules = false
	got := openapi.Build(gallery(t), o).JSON()
	check(t, got)
	for _, secret := range []string{"auth.id", "auth.roles", "record.private", "readable("} {
		if strings.Contains(string(got), secret) || !strings.Contains(whole, secret) {
			t.Errorf("%s of a rule is in what everybody may read, or not in what was asked to have it", secret)
		}
	}
	for _, want := range []string{"| read | anybody |", "| create | whom a rule lets |", "A rule decides who may.", "A rule decides which those are."} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// TestBuild_OfAnyDeclaration builds documents of random declarations.
func TestBuild_OfAnyDeclaration(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		source := random(rand.New(rand.NewPCG(seed, 1)))
		s := declared(t, "random.yaml", source)
		o := usual()
		o.Rates, o.SignUp, o.Rules = seed%2 == 0, seed%3 == 0, seed%2 == 1
		if s.Accounts() == nil {
			o.Login = nil
		}
		check(t, openapi.Build(s, o).JSON())
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, source)
		}
	}
}

// random makes a declaration with a few collections of all kinds of fields.
func random(r *rand.Rand) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	names := []string{"problems", "photos", "ids", "people", "mes", "stories", "photo_lists"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+r.IntN(4)]
	accounts := r.IntN(3) > 0
	var b strings.Builder
	b.WriteString("name: random\n")
	if accounts {
		fmt.Fprintf(&b, "identity: { accounts: %s }\n", names[0])
	}
	b.WriteString("collections:\n")
	for i, name := range names {
		fmt.Fprintf(&b, "  %s:\n    fields:\n", name)
		if i == 0 {
			b.WriteString("      handle: { type: text, required: true, unique: true, match: '^[a-z0-9_.]{3,30}$' }\n")
		}
		for n := range 1 + r.IntN(6) {
			fmt.Fprintf(&b, "      f%d: %s\n", n, pick(
				"{ type: text, max: 5 }", "{ type: text, required: true, min: 3, match: '[A-Z]{2}-\\d+' }", "{ type: text, match: '(?i)x|y', default: X }",
				"{ type: int, min: 5, max: 9 }", "{ type: int, default: 4 }", "{ type: int, required: true }", "{ type: float, max: -1.5 }", "{ type: bool, default: true }",
				"{ type: bool, required: true }", "{ type: time, default: now }", "{ type: time, immutable: true }", "{ type: json }", "{ type: select, options: [red, green] }",
				"{ type: select, options: [red], required: true }", "{ type: email, unique: true }", "{ type: url }", "{ type: file, accept: [image/*], sizes: [32, 64] }",
				"{ type: file, required: true }", "{ type: file, immutable: true, accept: [application/pdf] }",
				"{ type: ref, to: "+pick(names...)+" }", "{ type: ref, to: "+pick(names...)+", on_delete: cascade, required: true }"))
		}
		b.WriteString("    rules: { ")
		var rules []string
		for _, action := range []string{"read", "create", "update", "delete"} {
			switch r.IntN(4) {
			case 0:
			case 1:
				rules = append(rules, action+`: 'record.create_time < now || true == false'`)
			default:
				rules = append(rules, action+": 'true'")
			}
		}
		b.WriteString(strings.Join(rules, ", ") + " }\n")
	}
	if accounts && r.IntN(2) == 0 {
		fmt.Fprintf(&b, "notifications:\n  made: { when: %s.created, to: 'record.f9', text: '{actors}', channels: [inbox, push] }\n", names[0])
	}
	return strings.Replace(b.String(), "'record.f9'", "record", 1)
}

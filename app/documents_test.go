package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip/app/process"
)

// TestDocuments_FollowTheDeclaration asks for what the API says of itself, before and after a reload.
func TestDocuments_FollowTheDeclaration(t *testing.T) {
	t.Parallel()
	_, client, reload := startToReload(t, declaration, func(*process.Surroundings) {})
	get := func(name, tag string) (int, string, string) {
		t.Helper()
		req, err := http.NewRequest("GET", "https://notes.test/api/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", tag)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Etag"), string(text)
	}
	has := func(when string, collections ...string) (tag string) {
		t.Helper()
		var doc struct {
			OpenAPI string
			Servers []struct{ URL string }
			Paths   map[string]any
		}
		status, tag, text := get("openapi.json", "")
		if err := json.Unmarshal([]byte(text), &doc); err != nil || status != 200 {
			t.Fatalf("%s: %d %v", when, status, err)
		}
		if doc.OpenAPI != "3.1.1" || len(doc.Servers) != 1 || doc.Servers[0].URL != "/api" {
			t.Errorf("%s: %s %v", when, doc.OpenAPI, doc.Servers)
		}
		_, _, source := get("descriptors.proto", "")
		_, _, set := get("descriptors.binpb", "")
		var files descriptorpb.FileDescriptorSet
		if err := proto.Unmarshal([]byte(set), &files); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text+source+set, "record.owner") {
			t.Errorf("%s: a rule is in what everybody may read", when)
		}
		for _, c := range collections {
			service := strings.ToUpper(c[:1]) + c[1:]
			if doc.Paths["/"+c] == nil || !strings.Contains(source, "service "+service+" {") || !strings.Contains(files.String(), service) {
				t.Errorf("%s: %s is not in all of the documents", when, c)
			}
		}
		if _, there := doc.Paths["/drafts"]; there != (len(collections) == 2) {
			t.Errorf("%s: drafts: %v", when, there)
		}
		return tag
	}
	tag := has("at first", "notes")
	if status, _, text := get("openapi.json", tag); status != 304 || text != "" {
		t.Errorf("%d %q for the tag that it had", status, text)
	}
	reload(strings.Replace(declaration, "collections:", "collections:\n  drafts:\n    fields: { text: { type: text } }\n    rules: { read: 'true' }", 1))
	if has("after a reload", "notes", "drafts") == tag {
		t.Error("another document has the same tag")
	}
}

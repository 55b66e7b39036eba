package postman_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
	"github.com/roundtrip-dev/roundtrip/schema/postman"
)

func TestCollection_HasARequestForEachOperation(t *testing.T) {
	t.Parallel()
	c, err := config.Load("../../examples/gallery", func(string) (string, bool) { return "YSBzZWNyZXQ", true })
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	d := openapi.Build(s.Schema, openapi.Options{Mount: "/api/", Servers: []openapi.Server{{URL: "https://gallery.test/api"}}, Login: []string{"handle"}, SignUp: true})
	text, err := postman.Collection(d)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Info     struct{ Schema string }
		Variable []struct{ Key, Value string }
		Item     []struct {
			Name string
			Item []struct {
				Name    string
				Request struct {
					Method string
					URL    struct {
						Raw      string
						Variable []struct{ Key string }
						Query    []struct {
							Key      string
							Disabled bool
						}
					}
					Body *struct {
						Mode, Raw string
						FormData  []struct{ Key, Type string }
					}
				}
				Response []struct {
					Code int
					Body string
				}
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got.Info.Schema, "/v2.1.0/collection.json") || got.Variable[0].Value != "https://gallery.test/api" || got.Variable[1].Key != "token" {
		t.Errorf("%+v %+v", got.Info, got.Variable)
	}
	requests, forms := 0, 0
	for _, f := range got.Item {
		for _, i := range f.Item {
			requests++
			if strings.Contains(i.Request.URL.Raw, ":id") != (len(i.Request.URL.Variable) == 1) || !strings.HasPrefix(i.Request.URL.Raw, "{{baseUrl}}/") {
				t.Errorf("%s/%s: %+v", f.Name, i.Name, i.Request.URL)
			}
			for _, q := range i.Request.URL.Query {
				if !q.Disabled {
					t.Errorf("%s/%s: %s is sent without being asked for", f.Name, i.Name, q.Key)
				}
			}
			if b := i.Request.Body; b != nil && b.Mode == "formdata" {
				forms++
			} else if b != nil && b.Raw != "" && !json.Valid([]byte(b.Raw)) {
				t.Errorf("%s/%s: %s", f.Name, i.Name, b.Raw)
			}
			failures := 0
			for _, r := range i.Response {
				if r.Code >= 400 {
					failures++
				}
				if !json.Valid([]byte(r.Body)) {
					t.Errorf("%s/%s: %d: %s", f.Name, i.Name, r.Code, r.Body)
				}
			}
			if failures == 0 {
				t.Errorf("%s/%s has no example of an error", f.Name, i.Name)
			}
		}
	}
	if want := len(d.Operations) - 1; requests != want {
		t.Errorf("%d requests for %d operations: all but live", requests, want)
	}
	if forms != 1 {
		t.Errorf("%d forms; photos are the one collection that is made by a form", forms)
	}
}

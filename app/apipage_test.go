package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// shownAPI is what the page API reads.
type shownAPI struct {
	Package string
	Sites   []struct{ Name, URL string }
	Groups  []struct {
		Name       string
		Collection bool
		Calls      []struct {
			Name, Procedure, Message string
			Rule                     *struct{ Source, Where string }
		}
	}
}

// Every call that the console shows is one of the descriptors, where both doors have it, and its example is a message of it.
func TestAPIPage_ExamplesAreMessages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/gallery/roundtrip.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := openDeskOf(t, strings.Replace(string(text), "\ndns:\n", "\ndns:\n  addresses: [127.0.0.1]\n", 1))
	var v shownAPI
	if err := json.Unmarshal([]byte(d.invite("vic", "viewer").do("GET", "api", "").is(200).body), &v); err != nil {
		t.Fatal(err)
	}
	if v.Package != "gallery.v1" || len(v.Sites) == 0 || !strings.HasSuffix(v.Sites[0].URL, "/api") {
		t.Errorf("package %s at %v", v.Package, v.Sites)
	}
	files := described(t, filepath.Join(d.folder, "roundtrip.yaml"))
	var names []string
	for _, g := range v.Groups {
		for _, c := range g.Calls {
			names = append(names, g.Name+"/"+c.Name)
			if g.Collection && (c.Rule == nil || !strings.HasPrefix(c.Rule.Where, "roundtrip.yaml:")) {
				t.Errorf("%s/%s: no rule says who may: %v", g.Name, c.Name, c.Rule)
			}
			if c.Procedure == "" {
				continue
			}
			m := files.Services().ByName(serviceOf(c.Procedure)).Methods().ByName(methodOf(c.Procedure))
			message := strings.ReplaceAll(c.Message, `"BASE64"`, `"AA=="`)
			if err := protojson.Unmarshal([]byte(message), dynamicpb.NewMessage(m.Input())); err != nil {
				t.Errorf("%s: %v\n%s", c.Procedure, err, message)
			}
		}
	}
	for _, want := range []string{"photos/list", "photos/create", "photos/watch", "photos/getPhotoImage", "auth/signIn", "inbox/listInbox", "batch/batch", "live/live", "documents/getProto"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %v", want, names)
		}
	}
}

func serviceOf(procedure string) protoreflect.Name {
	service, _, _ := strings.Cut(procedure, "/")
	return protoreflect.FullName(service).Name()
}

func methodOf(procedure string) protoreflect.Name {
	_, method, _ := strings.Cut(procedure, "/")
	return protoreflect.Name(method)
}

// described makes the descriptors of a declaration beside the server's, with numbers as they come.
func described(t *testing.T, file string) protoreflect.FileDescriptor {
	t.Helper()
	c, err := config.Load(file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, collection := range s.Collections {
		collection.Number = int32(i + 1)
		for n, f := range collection.Fields {
			if n >= roundtrip.FirstField {
				f.Number = int32(12 + n)
			}
		}
	}
	api, err := protobuf.Build(s.Schema, protobuf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return api.File()
}

package protobuf_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

var update = flag.Bool("update", false, "write the golden files anew; read each of them as a user would")

// load builds the schema of a declaration and numbers it as an empty database would.
func load(t *testing.T, file string) *roundtrip.Schema {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, filepath.Base(file), source)
}

func parse(t *testing.T, name string, source []byte) *roundtrip.Schema {
	t.Helper()
	c, err := config.Parse(name, source, func(string) (string, bool) { return "secret", true })
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	number(s.Schema)
	return s.Schema
}

func number(s *roundtrip.Schema) {
	for i, c := range s.Collections {
		c.Number = int32(i + 1)
		for j, f := range c.Fields[roundtrip.FirstField:] {
			f.Number = int32(16 + j)
		}
	}
}

func build(t *testing.T, s *roundtrip.Schema) *protobuf.API {
	t.Helper()
	api, err := protobuf.Build(s, protobuf.Options{Rules: true})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestBuild_WritesWhatPeopleRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := build(t, load(t, file))
			golden := filepath.Join("testdata", name+".proto")
			if *update {
				if err := os.WriteFile(golden, api.Source, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(api.Source)); diff != "" {
				t.Errorf("%s differs (- file, + now); look at it, then run go test ./schema/protobuf -update\n%s", golden, diff)
			}
			sameAsText(t, api)
		})
	}
}

// sameAsText compiles the text of an API and compares what comes out with its descriptors, comments too.
func sameAsText(t *testing.T, api *protobuf.API) {
	t.Helper()
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(api.Set, &set); err != nil {
		t.Fatal(err)
	}
	if _, err := protodesc.NewFiles(&set); err != nil {
		t.Fatalf("the set is not complete: %v", err)
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(map[string]string{api.Name: string(api.Source)}),
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), api.Name)
	if err != nil {
		t.Fatalf("the text does not compile: %v\n%s", err, api.Source)
	}
	made := slices.IndexFunc(set.File, func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == api.Name })
	if made < 0 {
		t.Fatalf("%s is not in the set", api.Name)
	}
	want := protodesc.ToFileDescriptorProto(files[0])
	if r, ok := files[0].(linker.Result); ok {
		want = r.FileDescriptorProto()
	}
	got := set.File[made]
	if diff := cmp.Diff(commented(want), commented(got)); diff != "" {
		t.Errorf("comments (- text, + set):\n%s", diff)
	}
	want, got = proto.CloneOf(want), proto.CloneOf(got)
	want.SourceCodeInfo, got.SourceCodeInfo = nil, nil
	if !proto.Equal(want, got) { // which is asked first: a difference takes a hundred times as long to make, also where there is none
		t.Errorf("descriptors (- text, + set):\n%s\n%s", cmp.Diff(want, got, protocmp.Transform()), api.Source)
	}
	for i, line := range bytes.Split(api.Source, []byte("\n")) {
		if at := bytes.Index(line, []byte("//")); at >= 0 && len([]rune(string(line))) > 100 && bytes.Contains(bytes.TrimSpace(line[at+2:]), []byte(" ")) {
			t.Errorf("line %d is too long: %s", i+1, line)
		}
	}
}

type comment struct {
	Path, Span []int32
	Text       string
}

func commented(f *descriptorpb.FileDescriptorProto) []comment {
	var all []comment
	for _, l := range f.SourceCodeInfo.GetLocation() {
		if len(l.Path) > 1 && l.LeadingComments != nil {
			all = append(all, comment{l.Path, l.Span, l.GetLeadingComments()})
		}
	}
	slices.SortFunc(all, func(a, b comment) int { return slices.Compare(a.Path, b.Path) })
	return all
}

func set(t *testing.T, api *protobuf.API) *descriptorpb.FileDescriptorSet {
	t.Helper()
	s := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(api.Set, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBuild_KeepsRulesToItself builds what strangers may have: who may, and not the rule by which.
func TestBuild_KeepsRulesToItself(t *testing.T) {
	t.Parallel()
	s := load(t, "testdata/gallery.yaml")
	whole := build(t, s)
	api, err := protobuf.Build(s, protobuf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"auth.id", "auth.roles", "record.private", "readable("} {
		if bytes.Contains(api.Source, []byte(secret)) || bytes.Contains(api.Set, []byte(secret)) {
			t.Errorf("%s of a rule is in what everybody may read", secret)
		}
		if !bytes.Contains(whole.Source, []byte(secret)) || !bytes.Contains(whole.Set, []byte(secret)) {
			t.Errorf("%s of a rule is not in what was asked to have it", secret)
		}
	}
	for _, want := range []string{"// May read: anybody", "// May create: nobody", "// May update: whom a rule lets"} {
		if !bytes.Contains(api.Source, []byte(want)) {
			t.Errorf("it does not say %q", want)
		}
	}
}

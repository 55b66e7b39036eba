package protobuf_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

func TestPackage_IsAlwaysAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"gallery": {"gallery.v1", "gallery/v1/gallery.proto"},
		"my-app":  {"my_app.v1", "my_app/v1/my_app.proto"},
		"3d":      {"app_3d.v1", "app_3d/v1/app_3d.proto"},
		"-x":      {"app_x.v1", "app_x/v1/app_x.proto"},
		"--":      {"app.v1", "app/v1/app.proto"},
		"":        {"app.v1", "app/v1/app.proto"},
		"Großes":  {"gro_es.v1", "gro_es/v1/gro_es.proto"},
		"google":  {"google.v1", "google/v1/google.proto"},
	} {
		c := roundtrip.NewCollection("notes", roundtrip.Pos{})
		c.Add(&roundtrip.Field{Name: "at", Type: roundtrip.TypeTime})
		s := roundtrip.NewSchema(name, c)
		number(s)
		if got := [2]string{protobuf.Package(s), protobuf.FileName(s)}; got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
		sameAsText(t, build(t, s))
	}
}

func TestNames_OfACollection(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"photos":       "Photo Photos photo",
		"photo":        "Photo PhotoService photo",
		"news":         "News NewsService news",
		"like_counts":  "LikeCount LikeCounts like_count",
		"people":       "Person People person",
		"diary_series": "DiarySeries DiarySeriesService diary_series",
	} {
		c := roundtrip.NewCollection(name, roundtrip.Pos{})
		s := roundtrip.NewSchema("x", c)
		got := strings.Join([]string{protobuf.MessageName(s, c), protobuf.ServiceName(c), protobuf.Single(s, c)}, " ")
		if got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
		if protobuf.MessageOf(name) != protobuf.MessageName(s, c) {
			t.Errorf("%s has two names: %s and %s", name, protobuf.MessageOf(name), protobuf.MessageName(s, c))
		}
	}
}

func TestServiceNames_AreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	gallery := load(t, "testdata/gallery.yaml")
	plain := parse(t, "x.yaml", []byte("name: x\ncollections:\n  notes: { fields: { a: { type: text } } }\n"))
	for s, want := range map[*roundtrip.Schema]int{gallery: 9, plain: 3} {
		api := build(t, s)
		var got []string
		for i := range api.File().Services().Len() {
			got = append(got, string(api.File().Services().Get(i).FullName()))
		}
		if !slices.Equal(got, api.Services) || !slices.Equal(got, protobuf.ServiceNames(s)) || len(got) != want {
			t.Errorf("the file has %v, the API says %v, the names are %v", got, api.Services, protobuf.ServiceNames(s))
		}
	}
}

func TestMessage_IsFoundByItsName(t *testing.T) {
	t.Parallel()
	api := build(t, load(t, "testdata/gallery.yaml"))
	for name, there := range map[string]bool{
		"Photo": true, "Photo.Expand": true, "User.Expand": false, "WatchPhotosResponse.Change": true, "Live": false, "Nothing": false, "": false,
	} {
		if m := api.Message(name); (m != nil) != there || m != nil && string(m.FullName()) != "gallery.v1."+name {
			t.Errorf("%q is %v", name, m)
		}
	}
}

func TestExplicit_IsWhereNoValueIsAnAnswer(t *testing.T) {
	t.Parallel()
	null, constant := roundtrip.Default{}, roundtrip.Default{Source: roundtrip.DefaultConstant}
	for _, x := range []struct {
		field roundtrip.Field
		want  bool
	}{
		{roundtrip.Field{Type: roundtrip.TypeText, Default: null}, true},
		{roundtrip.Field{Type: roundtrip.TypeText, Required: true}, false},
		{roundtrip.Field{Type: roundtrip.TypeText, Required: true, Default: constant}, true},
		{roundtrip.Field{Type: roundtrip.TypeRef, Default: roundtrip.Default{Source: roundtrip.DefaultAuthID}}, true},
		{roundtrip.Field{Type: roundtrip.TypeRef, Required: true}, false},
		{roundtrip.Field{Type: roundtrip.TypeBool}, true},
		{roundtrip.Field{Type: roundtrip.TypeFloat, Required: true}, false},
		{roundtrip.Field{Type: roundtrip.TypeCount}, false},
		{roundtrip.Field{Type: roundtrip.TypeTime}, false}, // a message says by itself that it is not there
		{roundtrip.Field{Type: roundtrip.TypeJSON, Default: constant}, false},
		{roundtrip.Field{Type: roundtrip.TypeFile}, false},
	} {
		x.field.Name = "x"
		if got := protobuf.Explicit(&x.field); got != x.want {
			t.Errorf("%s, required %v, default %v: %v", x.field.Type, x.field.Required, x.field.Default.Source, got)
		}
	}
	c := roundtrip.NewCollection("notes", roundtrip.Pos{})
	for _, f := range c.Fields {
		if protobuf.Explicit(f) {
			t.Errorf("%s is in every record", f.Name)
		}
	}
}

package protobuf_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

func TestBuild_ReservesWhatWasDropped(t *testing.T) {
	t.Parallel()
	s := load(t, "testdata/gallery.yaml")
	s.Retired = []roundtrip.Retired{{Number: 6, Name: "albums"}, {Number: 7, Name: "photos"}} // photos lives again
	c := s.Lookup("photos")
	c.Retired = []roundtrip.Retired{{Number: 22, Name: "place"}, {Number: 23, Name: "caption"}, {Number: 25, Name: "place"}} // so does caption
	api := build(t, s)
	sameAsText(t, api)
	for message, want := range map[string]string{
		"Photo":           "  reserved 22 to 23, 25;\n  reserved \"place\";\n",
		"Record":          "  reserved 6 to 7;\n  reserved \"albums\";\n",
		"Photo.Expand":    "  reserved 22 to 23, 25;\n",
		"BatchRequest.Op": "  reserved 24 to 26, 28 to 30;\n    reserved \"create_albums\", \"delete_albums\", \"update_albums\";\n",
	} {
		m := api.Message(message)
		if !strings.Contains(string(api.Source), want) {
			t.Errorf("%s does not say\n%s", message, want)
		}
		if m.ReservedRanges().Len() == 0 {
			t.Errorf("%s reserves no numbers", message)
		}
	}
	if m := api.Message("User"); m.ReservedRanges().Len() != 0 {
		t.Error("User reserves what it never had")
	}
}

func TestBuild_NeedsNumbers(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(s *roundtrip.Schema){
		"photos has no number":         func(s *roundtrip.Schema) { s.Lookup("photos").Number = 0 },
		"photos.caption has no number": func(s *roundtrip.Schema) { s.Lookup("photos").Fields[6].Number = 0 },
		"must not use reserved number": func(s *roundtrip.Schema) {
			s.Lookup("photos").Retired = []roundtrip.Retired{{Number: 16, Name: "x"}}
		},
	} {
		s := load(t, "testdata/gallery.yaml")
		forget(s)
		if api, err := protobuf.Build(s, protobuf.Options{}); err == nil || !strings.Contains(err.Error(), name) || api != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuild_SaysWhereItIsFrom(t *testing.T) {
	t.Parallel()
	api, err := protobuf.Build(load(t, "testdata/gallery.yaml"), protobuf.Options{From: "https://gallery.test/api/descriptors.proto"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(api.Source), "https://gallery.test/api/descriptors.proto") {
		t.Errorf("%s", api.Source[:500])
	}
	sameAsText(t, api)
}

// Load balancers know the health check as it is in grpc.health.v1.
func TestBuild_HasTheHealthCheckOfEverybody(t *testing.T) {
	t.Parallel()
	found, err := build(t, load(t, "testdata/gallery.yaml")).Files().FindFileByPath("grpc/health/v1/health.proto")
	if err != nil {
		t.Fatal(err)
	}
	known := grpc_health_v1.File_grpc_health_v1_health_proto
	for i := range found.Messages().Len() {
		m := found.Messages().Get(i)
		if a, b := protodesc.ToDescriptorProto(m), protodesc.ToDescriptorProto(known.Messages().ByName(m.Name())); !proto.Equal(a, b) {
			t.Errorf("%s is\n%v, not\n%v", m.FullName(), a, b)
		}
	}
	service := found.Services().ByName("Health")
	if string(service.FullName()) != protobuf.HealthService || service.Methods().Len() != 2 {
		t.Fatalf("%v", service)
	}
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		if a, b := protodesc.ToMethodDescriptorProto(m), protodesc.ToMethodDescriptorProto(known.Services().ByName("Health").Methods().ByName(m.Name())); !proto.Equal(a, b) {
			t.Errorf("%s is\n%v, not\n%v", m.FullName(), a, b)
		}
	}
}

// buf generates code of what is not marked as imported.
func TestBuild_MarksWhatComesWithEveryLibrary(t *testing.T) {
	t.Parallel()
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(build(t, load(t, "testdata/gallery.yaml")).Set, &set); err != nil {
		t.Fatal(err)
	}
	for _, f := range set.File {
		theirs := strings.HasPrefix(f.GetName(), "google/protobuf/") || strings.HasPrefix(f.GetName(), "grpc/")
		if marked := string(f.ProtoReflect().GetUnknown()) == "\xd2\xf6\x03\x02\x08\x01"; marked != theirs {
			t.Errorf("%s is marked: %v, %q", f.GetName(), marked, f.ProtoReflect().GetUnknown())
		}
	}
}

package rpc_test

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestReflection_ShowsTheDoorAndNothingElse(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := grpcreflect.NewClient(h.server.Client(), h.server.URL).NewStream(t.Context())
	defer s.Close()
	names, err := s.ListServices()
	must(t, err)
	var all []string
	for _, n := range names {
		all = append(all, string(n))
	}
	if want := h.rooms.Load().door.Services(); !slices.Equal(all, want) {
		t.Fatalf("services %v, want %v", all, want)
	}
	files, err := s.FileContainingSymbol("gallery.v1.Photo")
	must(t, err)
	if len(files) < 2 {
		t.Errorf("%d files: the imports are not among them", len(files))
	}
	for _, own := range []string{"google.rpc.Status", "connectext.grpc.reflection.v1.ServerReflection", "grpc.testing.TestService", "google.protobuf.FileDescriptorProto"} {
		if files, err := s.FileContainingSymbol(protoreflect.FullName(own)); err == nil {
			t.Errorf("%s is shown: %v", own, files[0].GetName())
		}
	}
	for _, file := range []string{"google/rpc/status.proto", "google/protobuf/descriptor.proto", "connectext/grpc/status/v1/status.proto"} {
		if _, err := s.FileByFilename(file); err == nil || !strings.Contains(err.Error(), "not found") {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := s.AllExtensionNumbers("google.protobuf.MethodOptions"); err == nil {
		t.Error("extensions of others are shown")
	}
}

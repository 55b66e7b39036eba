package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// grpcurl runs it to its end and returns what it printed.
func (g *gallery) grpcurl(t *testing.T, args ...string) string {
	t.Helper()
	return g.run(t, "", absolute(t, grpcurl), append([]string{"-cacert", g.Authority()}, args...)...)
}

func TestGrpcurl_ListsAndDescribes(t *testing.T) {
	t.Parallel()
	g := open(t)
	got := strings.Fields(g.grpcurl(t, g.at, "list"))
	want := []string{
		"gallery.v1.Auth", "gallery.v1.Batch", "gallery.v1.Comments", "gallery.v1.Follows", "gallery.v1.Inbox", "gallery.v1.Likes", "gallery.v1.Live",
		"gallery.v1.Photos", "gallery.v1.Users", "grpc.health.v1.Health",
	}
	if !slices.Equal(got, want) {
		t.Errorf("services are %q", got)
	}
	about := g.grpcurl(t, g.at, "describe", "gallery.v1.Photo")
	for _, line := range []string{"message Photo {", "optional string caption = ", "int64 likes = ", ".gallery.v1.File image = "} {
		if !strings.Contains(about, line) {
			t.Errorf("no %q in\n%s", line, about)
		}
	}
}

func TestGrpcurl_Calls(t *testing.T) {
	t.Parallel()
	g := open(t)
	at := g.post(t)
	got := g.grpcurl(t, "-d", `{"id":"`+at+`","expand":["author"]}`, g.at, "gallery.v1.Photos/Get")
	var photo struct {
		Caption string
		Expand  struct{ Author struct{ Handle string } }
	}
	if err := json.Unmarshal([]byte(got), &photo); err != nil || photo.Caption != "grey" || photo.Expand.Author.Handle != "ana" {
		t.Errorf("%v\n%s", err, got)
	}
	if got := g.grpcurl(t, g.at, "grpc.health.v1.Health/Check"); !strings.Contains(got, "SERVING") {
		t.Error(got)
	}
}

func TestGrpcurl_ShowsWhyACallFailed(t *testing.T) {
	t.Parallel()
	g := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	cmd := g.command(ctx, t, "", absolute(t, grpcurl), "-cacert", g.Authority(), "-d", `{"filter":"captoin == \"x\""}`, g.at, "gallery.v1.Photos/List")
	out, err := cmd.CombinedOutput()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != 64+3 { // 64 and the status
		t.Errorf("ended with %v", err)
	}
	for _, part := range []string{"Code: InvalidArgument", `did you mean \"caption\"`, `"code": "request.filter"`, `"field": "filter"`, `"reason": "UNKNOWN_FIELD"`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("no %s in\n%s", part, out)
		}
	}
}

func TestGrpcurl_Watches(t *testing.T) {
	t.Parallel()
	g := open(t)
	at := g.post(t)
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	cmd := g.command(ctx, t, "", absolute(t, grpcurl), "-cacert", g.Authority(), "-d", `{"filter":"photo == \"`+at+`\""}`, g.at, "gallery.v1.Likes/Watch")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	messages := json.NewDecoder(pipe)
	var message struct {
		Snapshot *struct{}
		Changes  []struct{ Put struct{ Photo string } }
	}
	if err := messages.Decode(&message); err != nil || message.Snapshot == nil {
		t.Fatalf("no snapshot: %v", err)
	}
	g.jonas.Want(201, "POST", "likes", server.JSON{"photo": at})
	for len(message.Changes) == 0 { // a heartbeat may come first
		if err := messages.Decode(&message); err != nil {
			t.Fatal(err)
		}
	}
	if message.Changes[0].Put.Photo != at {
		t.Errorf("%+v", message)
	}
	cancel()
	_ = cmd.Wait() // it was ended
}

// What reflection tells and what descriptors.binpb holds are one schema.
func TestGrpcurl_WritesTheSameDescriptors(t *testing.T) {
	t.Parallel()
	g := open(t)
	at := filepath.Join(t.TempDir(), "set.binpb")
	g.grpcurl(t, "-protoset-out", at, g.at, "describe", "gallery.v1.Photos")
	reflected, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	served := g.ana.Want(200, "GET", "descriptors.binpb", nil).Body
	if a, b := galleryFile(t, reflected), galleryFile(t, served); !bytes.Equal(a, b) {
		t.Error("reflection and descriptors.binpb differ")
	}
}

// galleryFile returns the declared file of a set, in one form.
func galleryFile(t *testing.T, set []byte) []byte {
	t.Helper()
	var s descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(set, &s); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := files.FindFileByPath("gallery/v1/gallery.proto")
	if err != nil {
		t.Fatal(err)
	}
	d := protodesc.ToFileDescriptorProto(f)
	d.SourceCodeInfo = nil
	bytes, err := (proto.MarshalOptions{Deterministic: true}).Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// post posts a photo of ana's and returns its id.
func (g *gallery) post(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(picture(t))
	if err != nil {
		t.Fatal(err)
	}
	form := server.NewForm().Field("caption", "grey").File("image", "grey.png", "image/png", content)
	return g.ana.Want(201, "POST", "photos", form).Text("id")
}

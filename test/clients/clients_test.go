// Package clients_test drives the real program with the clients that others wrote: grpcurl, buf, and the programs of
// examples/gallery/clients, which are generated from the running server, built and run as their READMEs say.
package clients_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// gallery is the example as https://localhost, with two people in it.
type gallery struct {
	*server.Server
	at    string // localhost:port
	ana   *server.API
	jonas *server.API
}

func open(t *testing.T) *gallery {
	t.Helper()
	folder := server.Gallery(t)
	at := filepath.Join(folder, "roundtrip.yaml")
	declared, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, bytes.ReplaceAll(declared, []byte("gallery.test"), []byte("localhost")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, folder)
	g := &gallery{Server: s, at: "localhost" + s.HTTPS[strings.LastIndexByte(s.HTTPS, ':'):]}
	stranger := s.API("localhost")
	signUp := func(handle, name string) *server.API {
		a := stranger.Want(201, "POST", "auth/sign-up", server.JSON{"handle": handle, "name": name, "password": "roundtrip-demo"})
		return stranger.As(a.Text("token"))
	}
	g.ana, g.jonas = signUp("ana", "Ana Lima"), signUp("jonas", "Jonas Lindqvist")
	return g
}

// picture writes a picture that people could post.
func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 40))); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "grey.png")
	if err := os.WriteFile(at, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// example copies one of the programs into a folder of the test's own, where it speaks with the test's server.
func (g *gallery) example(t *testing.T, name string) string {
	t.Helper()
	from, to := filepath.Join("../../examples/gallery/clients", name), t.TempDir()
	if err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist" || d.Name() == "gen"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), bytes.ReplaceAll(text, []byte("gallery.localhost:8443"), []byte(g.at)), 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	return to
}

// What the Makefile installs.
const (
	grpcurl     = "../../.bin/grpcurl-v1.9.4"
	generators  = "../../.bin/protogen-v1.36.12-v1.6.2"
	nodeModules = "../../examples/gallery/clients/ts/node_modules"
)

// command is a tool that is run in a folder as somebody would, who has the generators in the path and trusts the authority.
func (g *gallery) command(ctx context.Context, t *testing.T, folder, program string, args ...string) *exec.Cmd {
	t.Helper()
	path := absolute(t, generators) + ":" + absolute(t, filepath.Join(nodeModules, ".bin"))
	if program == "buf" {
		program = filepath.Join(absolute(t, nodeModules), ".bin", program)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "SSL_CERT_FILE="+g.Authority(), "NODE_EXTRA_CA_CERTS="+g.Authority())
	return cmd
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(full)
	}
	if err != nil {
		t.Fatalf("%v: run make doors, which installs it", err)
	}
	return full
}

// run runs a tool to its end and returns what it printed.
func (g *gallery) run(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*server.Patience)
	defer cancel()
	cmd := g.command(ctx, t, folder, program, args...)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out.String(), failed.String())
	}
	return out.String()
}

const said = `signed in as Ana Lima
posted grey.png: image/png, 60x40
ana: From a program, 0 likes
liked by jonas
`

func TestGo_TheExampleIsGeneratedBuiltAndRun(t *testing.T) {
	t.Parallel()
	g := open(t)
	folder := g.example(t, "go")
	g.run(t, folder, "buf", "generate")
	g.run(t, folder, "go", "vet", ".")
	got := g.run(t, folder, "go", "run", ".", "-server", g.at, "-ca", g.Authority(), picture(t))
	if want := said + "jonas likes it already: Another record of likes has this user and photo already.\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTypeScript_TheExampleIsGeneratedBuiltAndRun(t *testing.T) {
	t.Parallel()
	g := open(t)
	folder := g.example(t, "ts")
	if err := os.Symlink(absolute(t, nodeModules), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	g.run(t, folder, "npm", "run", "--silent", "generate")
	g.run(t, folder, "npm", "run", "--silent", "build")
	for _, over := range []string{"grpc", "grpc-web", "connect"} {
		got := g.run(t, folder, "npm", "run", "--silent", "start", "--", picture(t), "--over", over)
		if want := said + "jonas likes it already (AlreadyExists: user, photo)\n"; got != want {
			t.Errorf("over %s: got\n%s\nwant\n%s", over, got, want)
		}
	}
}

package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/files"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *files.Store {
	t.Helper()
	s, err := files.New(files.Options{Dir: dir, Now: time.Now, Rand: rand.Reader, Cores: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func imageField() *roundtrip.Field {
	return &roundtrip.Field{
		Name: "image", Type: roundtrip.TypeFile, MaxBytes: 10 << 20, Sizes: []int{32, 64},
		Accept: []string{"image/jpeg", "image/png", "image/webp", "image/gif"},
	}
}

func anyField() *roundtrip.Field {
	return &roundtrip.Field{Name: "doc", Type: roundtrip.TypeFile, MaxBytes: 1000}
}

func stage(t *testing.T, s *files.Store, content []byte, name string, f *roundtrip.Field) *files.Staged {
	t.Helper()
	st, err := s.Stage(t.Context(), bytes.NewReader(content), name, f)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// kept brings a file to its place as a write that was acknowledged does.
func kept(t *testing.T, s *files.Store, content []byte, name string, f *roundtrip.Field) roundtrip.File {
	t.Helper()
	st := stage(t, s, content, name, f)
	if err := st.Keep(t.Context(), "photos", 7, f.Name); err != nil {
		t.Fatal(err)
	}
	st.Done()
	st.Discard() // deferred: does nothing any more
	return st.File()
}

func read(t *testing.T, s *files.Store, f roundtrip.File, width int, field *roundtrip.Field) ([]byte, files.Info) {
	t.Helper()
	r, info, err := s.Open(t.Context(), f, width, field)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != info.Size {
		t.Fatalf("%d bytes of %d, %v", len(b), info.Size, err)
	}
	return b, info
}

func wantReason(t *testing.T, err error, kind roundtrip.Kind, reason string) {
	t.Helper()
	_ = failure(t, err, kind, reason)
}

// failure is wantReason that hands on what came.
func failure(t *testing.T, err error, kind roundtrip.Kind, reason string) *roundtrip.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", reason)
	}
	e := roundtrip.AsError(err)
	if e.Kind != kind || e.Reason != reason {
		t.Fatalf("error is %s %s (%v), want %s %s", e.Kind, e.Reason, err, kind, reason)
	}
	return e
}

// left lists all files below a folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFiles_KeepsWhatCame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	content := []byte("hello, files\n")
	f := kept(t, s, content, `C:\Users\ana\..\notes.txt`, anyField())
	if f.Name != "notes.txt" || f.Type != "text/plain" || f.Size != int64(len(content)) || len(f.ID) != 26 || f.Width != 0 {
		t.Fatalf("file is %+v", f)
	}
	got, info := read(t, s, f, 0, anyField())
	if !bytes.Equal(got, content) || info.ETag != `"`+f.ID+`"` || info.Type != "text/plain" || info.ModTime.IsZero() {
		t.Fatalf("%q, %+v", got, info)
	}
	if all := left(t, dir); len(all) != 1 || all[0] != filepath.Join(f.ID[:2], f.ID) {
		t.Fatalf("left are %v", all)
	}
}

func TestFiles_EmptyFileIsAFile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	f := kept(t, s, nil, "", anyField())
	if got, _ := read(t, s, f, 0, anyField()); len(got) != 0 || f.Name != "file" {
		t.Fatalf("%q, %+v", got, f)
	}
}

func TestFiles_LimitIsExact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	kept(t, s, bytes.Repeat([]byte("x"), 1000), "x", anyField())
	endless := io.LimitReader(zeros{}, 1<<40)
	for _, r := range []io.Reader{bytes.NewReader(bytes.Repeat([]byte("x"), 1001)), endless} {
		_, err := s.Stage(t.Context(), r, "x", anyField())
		e := failure(t, err, roundtrip.TooLarge, "file.too_large")
		if len(e.Details) != 1 || e.Details[0].Pointer != "/doc" || e.Details[0].Code != "too_large" {
			t.Fatalf("details are %+v", e.Details)
		}
	}
	small := anyField()
	small.MaxBytes = 10
	_, err := s.Stage(t.Context(), strings.NewReader("12345678901"), "x", small)
	wantReason(t, err, roundtrip.TooLarge, "file.too_large")
	if all := left(t, dir); len(all) != 1 {
		t.Fatalf("left are %v", all)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestFiles_BrokenUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	cut := io.MultiReader(strings.NewReader(strings.Repeat("x", 5000)), &failing{errors.New("connection reset")})
	big := anyField()
	big.MaxBytes = 1 << 20
	_, err := s.Stage(t.Context(), cut, "x", big)
	wantReason(t, err, roundtrip.Invalid, "client.aborted")
	_, err = s.Stage(t.Context(), &failing{&http.MaxBytesError{Limit: 5}}, "x", big)
	wantReason(t, err, roundtrip.TooLarge, "request.body_too_large")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Stage(ctx, strings.NewReader("x"), "x", big)
	wantReason(t, err, roundtrip.Invalid, "client.aborted")
	if all := left(t, dir); len(all) != 0 {
		t.Fatalf("left are %v", all)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestFiles_DiscardLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	stage(t, s, []byte("x"), "x", anyField()).Discard()
	st := stage(t, s, []byte("x"), "x", anyField())
	if err := st.Keep(t.Context(), "photos", 7, "doc"); err != nil {
		t.Fatal(err)
	}
	st.Discard()
	if all := left(t, dir); len(all) != 0 {
		t.Fatalf("left are %v", all)
	}
}

func TestFiles_RemoveIsRepeatable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	f := kept(t, s, pngOf(t, 100, 50), "p.png", imageField())
	read(t, s, f, 32, imageField())
	for range 2 {
		if err := s.Remove(t.Context(), f.ID); err != nil {
			t.Fatal(err)
		}
	}
	if all := left(t, dir); len(all) != 0 {
		t.Fatalf("left are %v", all)
	}
	for _, width := range []int{0, 32} {
		_, _, err := s.Open(t.Context(), f, width, imageField())
		wantReason(t, err, roundtrip.Missing, "file.missing")
	}
}

func TestFiles_IDsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "files"))
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "..", "../secret", "/etc/passwd", strings.Repeat("../", 8) + "ab", "AB" + strings.Repeat("0", 24), strings.Repeat("0", 25) + "*", strings.Repeat("0", 25) + "\x00"} {
		_, _, err := s.Open(t.Context(), roundtrip.File{ID: id}, 0, anyField())
		wantReason(t, err, roundtrip.Missing, "file.missing")
		wantReason(t, s.Remove(t.Context(), id), roundtrip.Missing, "file.missing")
	}
	if _, err := os.Stat(secret); err != nil {
		t.Fatal(err)
	}
}

// A crash may come after any of the steps. What refers says stands for whether the database has the record.
func TestFiles_CrashLeavesNeitherRecordNorFileAlone(t *testing.T) {
	t.Parallel()
	content := []byte("x")
	for name, crash := range map[string]struct {
		steps    func(*testing.T, *files.Staged)
		recorded bool
	}{
		"after stage":           {func(*testing.T, *files.Staged) {}, false},
		"after keep":            {keep, false},
		"after the commit":      {keep, true},
		"in doubt, not written": {func(t *testing.T, st *files.Staged) { t.Helper(); keep(t, st); st.Leave() }, false},
		"in doubt, written":     {func(t *testing.T, st *files.Staged) { t.Helper(); keep(t, st); st.Leave() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			st := stage(t, open(t, dir), content, "x", anyField())
			crash.steps(t, st)
			asked := 0
			refers := func(_ context.Context, collection string, record roundtrip.ID, field, file string) (bool, error) {
				asked++
				if collection != "photos" || record != 7 || field != "doc" || file != st.File().ID {
					t.Errorf("asked for %s/%s/%s %s", collection, record, field, file)
				}
				return crash.recorded, nil
			}
			for range 2 { // a second start finds nothing to do
				again := open(t, dir)
				if err := again.Recover(t.Context(), refers); err != nil {
					t.Fatal(err)
				}
				want := 0
				if crash.recorded {
					want = 1
					read(t, again, st.File(), 0, anyField())
				}
				if all := left(t, dir); len(all) != want {
					t.Fatalf("left are %v", all)
				}
			}
			if asked > 1 {
				t.Fatalf("asked %d times", asked)
			}
		})
	}
}

func keep(t *testing.T, st *files.Staged) {
	t.Helper()
	if err := st.Keep(t.Context(), "photos", 7, "doc"); err != nil {
		t.Fatal(err)
	}
}

func TestFiles_CrashBetweenTheMarkerAndTheMove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := stage(t, open(t, dir), []byte("x"), "x", anyField())
	keep(t, st)
	id := st.File().ID
	in := filepath.Join(dir, "incoming")
	if err := os.Rename(filepath.Join(dir, id[:2], id), filepath.Join(in, id+".part")); err != nil { // as if it had not moved yet
		t.Fatal(err)
	}
	other := strings.Repeat("0", 26)
	for name, text := range map[string]string{other + ".keep": `{"collec`, other + ".part": "y", other + ".copy": "z", "README": "not ours"} {
		if err := os.WriteFile(filepath.Join(in, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none := func(context.Context, string, roundtrip.ID, string, string) (bool, error) { return false, nil }
	if err := open(t, dir).Recover(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	if all := left(t, dir); len(all) != 1 || all[0] != filepath.Join("incoming", "README") {
		t.Fatalf("left are %v", all)
	}
}

func TestFiles_RecoverKeepsWhatItCannotDecide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := stage(t, open(t, dir), []byte("x"), "x", anyField())
	keep(t, st)
	broken := func(context.Context, string, roundtrip.ID, string, string) (bool, error) {
		return false, errors.New("no database")
	}
	if err := open(t, dir).Recover(t.Context(), broken); err == nil {
		t.Fatal("no error")
	}
	if all := left(t, dir); len(all) != 2 {
		t.Fatalf("left are %v", all)
	}
}

func TestFiles_RecoverLeavesUploadsOfThisProcessAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	st := stage(t, s, []byte("x"), "x", anyField())
	none := func(context.Context, string, roundtrip.ID, string, string) (bool, error) { return false, nil }
	if err := s.Recover(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	keep(t, st)
	if err := s.Recover(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	st.Done()
	read(t, s, st.File(), 0, anyField())
}

func TestFiles_ManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	content := pngOf(t, 100, 50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f := kept(t, s, content, "p.png", imageField())
			var readers sync.WaitGroup
			for range 4 {
				readers.Go(func() {
					if b, _ := read(t, s, f, 32, imageField()); len(b) == 0 {
						t.Error("an empty copy")
					}
				})
			}
			readers.Wait()
			if err := s.Remove(t.Context(), f.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all := left(t, dir); len(all) != 0 {
		t.Fatalf("left are %v", all)
	}
}

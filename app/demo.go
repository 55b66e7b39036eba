package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/internal/picture"
)

// demo is a demo.yaml: what `roundtrip dev` fills an empty database with. The format is described at the top of
// examples/gallery/demo.yaml.
type demo struct {
	Accounts []demoAccount `yaml:"accounts"`
	Records  []demoRecord  `yaml:"records"`
}

type demoAccount struct {
	Key      string         `yaml:"key"`
	Password string         `yaml:"password"`
	Roles    []string       `yaml:"roles"`
	Record   map[string]any `yaml:"record"`
}

type demoRecord struct {
	Collection string         `yaml:"collection"`
	Key        string         `yaml:"key"` // a name by which later records refer to this one
	As         string         `yaml:"as"`  // the key of the account that creates it
	Record     map[string]any `yaml:"record"`
}

// demoRun fills one house through its own API, as the people of the demo would.
type demoRun struct {
	house  *house
	now    func() time.Time
	ids    map[string]string // key -> id
	tokens map[string]string // key of an account -> its token

	pictures map[sketch][]byte
}

const demoOthers = 3 // accounts that are named beside the first

// sketch says which picture is to be painted: a scene of width and height, or a portrait of size.
type sketch struct{ seed, width, height, size uint64 }

// sketchOf reads {picture: N, …}.
func sketchOf(v any) (sketch, bool) {
	m, ok := v.(map[string]any)
	if !ok || m["picture"] == nil {
		return sketch{}, false
	}
	return sketch{
		seed: whole(m["picture"]), size: whole(m["size"]),
		width: cmp.Or(whole(m["width"]), 1080), height: cmp.Or(whole(m["height"]), 810),
	}, true
}

func (k sketch) paint() []byte {
	if k.size > 0 {
		return picture.Avatar(k.seed, int(k.size))
	}
	return picture.JPEG(k.seed, int(k.width), int(k.height))
}

// paintAll paints every picture of a demo, as many at once as there are cores: it is most of the work of filling.
func (d *demo) paintAll() map[sketch][]byte {
	done := map[sketch][]byte{}
	var mu sync.Mutex // guards done
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	paint := func(record map[string]any) {
		for _, v := range record {
			k, ok := sketchOf(v)
			if !ok {
				continue
			}
			group.Go(func() error {
				jpeg := k.paint()
				mu.Lock()
				defer mu.Unlock()
				done[k] = jpeg
				return nil
			})
		}
	}
	for _, a := range d.Accounts {
		paint(a.Record)
	}
	for _, r := range d.Records {
		paint(r.Record)
	}
	_ = group.Wait() // none of them fails
	return done
}

// fillDemo loads demo.yaml beside the declaration, if there is one and no account exists yet.
func (a *App) fillDemo(ctx context.Context, h *house) error {
	text, err := os.ReadFile(filepath.Join(h.config.Dir, "demo.yaml"))
	if errors.Is(err, fs.ErrNotExist) || h.api == nil || h.identity.Users() == nil {
		return nil
	}
	if err != nil {
		return err
	}
	var d demo
	if err := yaml.UnmarshalWithOptions(text, &d, yaml.DisallowUnknownField()); err != nil {
		return fmt.Errorf("demo.yaml: %w", err)
	}
	h.demo = h.demoSignIn(d.Accounts)
	there, err := h.identity.ListUsers(ctx, 0, 1)
	if err != nil || len(there) > 0 {
		return err
	}
	fmt.Fprintf(a.around.Out, "  filling the empty database from demo.yaml (%s, %s) …\n",
		terminal.Count(len(d.Accounts), "account"), terminal.Count(len(d.Records), "record"))
	r := &demoRun{house: h, now: a.around.Now, ids: map[string]string{}, tokens: map[string]string{}, pictures: d.paintAll()}
	for _, account := range d.Accounts {
		if err := r.account(ctx, account); err != nil {
			return fmt.Errorf("demo.yaml: account %s: %w", account.Key, err)
		}
	}
	for i, record := range d.Records {
		if err := r.record(ctx, record); err != nil {
			return fmt.Errorf("demo.yaml: record %d, of %s: %w", i+1, record.Collection, err)
		}
	}
	return nil
}

// demoSignIn says how to sign in as the first account, and who else has its password: a like of a photo needs two.
func (h *house) demoSignIn(accounts []demoAccount) string {
	if len(accounts) == 0 {
		return ""
	}
	login := func(a demoAccount) string {
		for _, name := range loginNames(h.config, h.identity.Users()) {
			if v, ok := a.Record[name]; ok {
				return fmt.Sprint(v)
			}
		}
		return a.Key
	}
	line := fmt.Sprintf("as %s, password %s", login(accounts[0]), accounts[0].Password)
	var others []string
	for _, a := range accounts[1:] {
		if a.Password == accounts[0].Password && len(others) < demoOthers {
			others = append(others, login(a))
		}
	}
	if len(others) > 0 {
		line += "   (or as " + strings.Join(others, ", ") + ")"
	}
	return line
}

// account makes one account and signs it in.
func (r *demoRun) account(ctx context.Context, a demoAccount) error {
	users := r.house.identity.Users()
	record := roundtrip.NewRecord(users)
	var pictures []string
	for name, v := range a.Record {
		if _, ok := v.(map[string]any); ok {
			pictures = append(pictures, name) // given once the account is there, by itself
			continue
		}
		if err := people.PutField(record, name, fmt.Sprint(v)); err != nil {
			return err
		}
	}
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: users, Input: record, Time: r.now()}
	if err := r.house.schema.Check(call, &roundtrip.Principal{}); err != nil {
		return err
	}
	made, err := r.house.identity.CreateUser(ctx, record, a.Password, a.Roles)
	if err != nil {
		return err
	}
	r.ids[a.Key] = made.ID().String()
	grant, err := r.house.identity.SignIn(ctx, identity.Login{Value: r.house.desk().LoginOf(made)}, a.Password, identity.Device{Name: "demo", Addr: netip.IPv6Loopback()})
	if err != nil {
		return err
	}
	r.tokens[a.Key] = grant.Token
	if len(pictures) == 0 {
		return nil
	}
	body := newDemoBody()
	for _, name := range pictures {
		if err := r.field(body, name, a.Record[name]); err != nil {
			return err
		}
	}
	_, err = r.send(ctx, http.MethodPatch, users.Name+"/"+r.ids[a.Key], grant.Token, body)
	return err
}

// record makes one record as one of the accounts.
func (r *demoRun) record(ctx context.Context, d demoRecord) error {
	token, ok := r.tokens[d.As]
	if !ok {
		return fmt.Errorf("as: there is no account %q above it", d.As)
	}
	body := newDemoBody()
	for name, v := range d.Record {
		if err := r.field(body, name, v); err != nil {
			return err
		}
	}
	id, err := r.send(ctx, http.MethodPost, d.Collection, token, body)
	if d.Key != "" {
		r.ids[d.Key] = id
	}
	return err
}

// send makes a request of the API and returns the id of the record in its answer.
func (r *demoRun) send(ctx context.Context, method, path, token string, body *demoBody) (string, error) {
	if err := body.form.Close(); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, r.house.mount+path, &body.text)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", body.form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+token)
	req.RemoteAddr = "[::1]:1"
	w := &demoAnswer{header: http.Header{}, status: http.StatusOK}
	r.house.api.ServeHTTP(w, req)
	if w.status >= http.StatusMultipleChoices {
		return "", fmt.Errorf("the API refused it: %s", w.body.String())
	}
	var made struct{ ID string }
	err = json.Unmarshal(w.body.Bytes(), &made)
	return made.ID, err
}

// demoBody is a multipart form under construction.
type demoBody struct {
	text bytes.Buffer
	form *multipart.Writer
}

func newDemoBody() *demoBody {
	b := &demoBody{}
	b.form = multipart.NewWriter(&b.text)
	return b
}

// field adds one member of a demo record: a scalar, {key: NAME} for the id of an earlier one, or {picture: N} for a file.
func (r *demoRun) field(b *demoBody, name string, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return b.form.WriteField(name, fmt.Sprint(v))
	}
	if key, ok := m["key"].(string); ok {
		id, ok := r.ids[key]
		if !ok {
			return fmt.Errorf("%s: no record above it has the key %q", name, key)
		}
		return b.form.WriteField(name, id)
	}
	k, ok := sketchOf(v)
	if !ok {
		return fmt.Errorf("%s: {key: NAME} or {picture: NUMBER} is expected", name)
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename="picture-%d.jpg"`, name, k.seed))
	h.Set("Content-Type", "image/jpeg")
	part, err := b.form.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = part.Write(r.pictures[k])
	return err
}

// whole reads a YAML number.
func whole(v any) uint64 {
	switch n := v.(type) {
	case uint64:
		return n
	case int64:
		return uint64(n)
	}
	return 0
}

// demoAnswer keeps an answer of the API.
type demoAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *demoAnswer) Header() http.Header         { return w.header }
func (w *demoAnswer) WriteHeader(status int)      { w.status = status }
func (w *demoAnswer) Write(b []byte) (int, error) { return w.body.Write(b) }

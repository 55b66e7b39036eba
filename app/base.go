package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/certs"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/upstreams"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/encode"
	"github.com/roundtrip-dev/roundtrip/gate/static"
	"github.com/roundtrip-dev/roundtrip/handler/rpc"
	"github.com/roundtrip-dev/roundtrip/handler/socket"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/files"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// base is what outlives a declaration.
type base struct {
	ids       *roundtrip.IDs
	store     *sqlite.Store
	files     *files.Store
	certs     *cert.Store // nil where no site has TLS
	live      *live.Hub
	doors     *socket.Door
	health    *rpc.Health
	coder     *encode.Encoders
	cache     *static.Cache
	ups       *upstreams.Servers
	key       []byte // signs page tokens
	vapid     []byte // the seed of the key that pushes are signed with
	stick     []byte // makes the cookies that keep visitors with an upstream
	probe     []byte // signs the names of probes
	dnsCookie []byte // of DNS cookies, so that a restart forgets nobody who has shown its address

	authority string // path of the local authority's certificate, "" where there is none
}

// newBase makes the parts for a declaration and opens none of them.
func newBase(c *config.Config, s process.Surroundings, log *slog.Logger, recorder *trace.Recorder) (*base, error) {
	b := &base{
		ids: roundtrip.NewIDs(0, s.Now), key: make([]byte, declare.KeyBytes), vapid: make([]byte, declare.KeyBytes),
		coder: encode.New(), cache: static.NewCache(), health: rpc.NewHealth(),
	}
	var err error
	b.store, err = sqlite.New(sqlite.Options{
		Path: c.Store.Database, PoolMax: c.Store.PoolMax, PoolWait: c.Store.PoolWait, Now: s.Now, IDs: b.ids, Log: log,
		PushGrace: max(c.Push.Grace, time.Millisecond), EmailGrace: emailGrace(c), // 0 would be the store's own
	})
	if err != nil {
		return nil, err
	}
	if b.files, err = files.New(files.Options{Dir: c.Store.Files, Now: s.Now, Rand: s.Rand}); err != nil {
		return nil, err
	}
	if b.live, err = live.New(live.Options{Store: b.store, Now: s.Now, Log: log, Recorder: recorder, Causes: b.store.AppendCauses}); err != nil {
		return nil, err
	}
	if b.doors, err = socket.New(socket.Options{Hub: b.live, Now: s.Now}); err != nil {
		return nil, err
	}
	b.ups, err = upstreams.New(s, log)
	return b, err
}

func emailGrace(c *config.Config) time.Duration {
	if c.Mail == nil {
		return 0
	}
	return max(c.Mail.Grace, time.Millisecond)
}

// open makes the data folder and opens database and files in it.
func open(ctx context.Context, c *config.Config, s process.Surroundings, log *slog.Logger, recorder *trace.Recorder) (*base, error) {
	b, err := newBase(c, s, log, recorder)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(declare.DataFolder(c), 0o700); err != nil {
		return nil, err
	}
	if err := b.store.Open(ctx); err != nil {
		return nil, err
	}
	if b.key, err = b.store.Secret(ctx, "page_token"); err == nil {
		b.vapid, err = b.store.Secret(ctx, "vapid")
	}
	if err == nil {
		b.stick, err = b.store.Secret(ctx, "sticky")
	}
	if err == nil {
		b.probe, err = b.store.Secret(ctx, "probe")
	}
	if err == nil {
		b.dnsCookie, err = b.store.Secret(ctx, "dns_cookie")
	}
	if err == nil {
		err = b.files.Prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.store.Close())
	}
	return b, nil
}

// open makes ready what outlives a declaration, the certificates included.
func (a *App) open(ctx context.Context) (*base, error) {
	b, err := open(ctx, a.config, a.around, a.log, a.recorder)
	if err != nil {
		return nil, err
	}
	b.ups.Leave = a.guard.Leave
	if a.names, err = a.openNames(b); err == nil {
		b.certs, b.authority, err = certs.Open(a.config, a.around, a.log, a.names.Challenges())
	}
	if err != nil {
		return nil, errors.Join(err, b.store.Close())
	}
	return b, nil
}

// recoverFiles deletes what a crash left of uploads whose record was never written. It must run before the first upload.
func (h *house) recoverFiles(ctx context.Context, b *base) error {
	return b.files.Recover(ctx, func(ctx context.Context, collection string, id roundtrip.ID, field, file string) (bool, error) {
		c := h.schema.Lookup(collection)
		if c == nil {
			return true, nil // its collection is not declared now: better keep it
		}
		f, ok := c.Lookup(field)
		if !ok {
			return true, nil
		}
		permit, err := h.policy.Job(&roundtrip.Call{Action: roundtrip.Get, Collection: c, ID: id}, "files.recover")
		if err != nil {
			return true, err
		}
		refers := false
		err = b.store.View(ctx, func(v store.View) error {
			return v.Get(permit, func(row roundtrip.Row) error {
				refers = strings.Contains(string(row.Bytes(f)), `"`+file+`"`)
				return nil
			})
		})
		if roundtrip.AsError(err).Kind == roundtrip.Missing {
			return false, nil
		}
		return refers, err
	})
}

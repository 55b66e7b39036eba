package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
)

// command is one order of this machine's operator, such as `roundtrip user list`. It runs in the server that has the
// database open, or here where none does.
type command struct {
	file string // a roundtrip.yaml or its folder
	data string // the folder of the database, "" for the declared one
	path string // of the order on the control socket
	body any    // the order itself, as JSON
	old  bool   // it is about what is in the database: where data names a folder there must be one
}

// run asks the server that runs, or opens the database itself and does the order with here.
func (o command) run(ctx context.Context, s process.Surroundings, here func(a *App) error) (err error) {
	c, err := declare.Read(o.file, o.data, s.WithoutSecrets())
	if err != nil {
		return err
	}
	if reached, err := control.Ask(ctx, c, o.path, o.body, s.Out); reached || err != nil {
		return err
	}
	if _, err := os.Stat(c.Store.Database); o.old && o.data != "" && errors.Is(err, fs.ErrNotExist) {
		return roundtrip.E(roundtrip.Missing, "store.missing", "there is no database in %s; expected the folder that serve --data was given", o.data)
	}
	a := &App{around: s, log: slog.New(slog.DiscardHandler), config: c}
	if a.base, err = open(ctx, c, s, a.log, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.base.store.Close()) }()
	a.base.certs = cert.NewStore(nil, s.Now)
	c.Sites, c.DNS = nil, config.DNS{} // a command opens no door
	if err := a.enter(ctx, c, nil, wall.Entering{}); err != nil {
		return err
	}
	defer a.house.Load().stop()
	return here(a)
}

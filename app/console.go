package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// consoleAt is where the console listens, "" for nowhere: as declared, and in dev where the command says.
func (a *App) consoleAt() string {
	if a.options.Dev || a.options.Console != "" {
		return a.options.Console
	}
	return a.config.Console.Listen
}

// openConsole opens the console's door, where it has one.
func (a *App) openConsole(ctx context.Context) error {
	at := a.consoleAt()
	if at == "" {
		return nil
	}
	l, err := listenTCP(ctx, at, "--console")
	if e, ok := errors.AsType[*roundtrip.Error](err); ok && a.options.Dev && e.Reason == "start.address_in_use" {
		l, err = listenTCP(ctx, "127.0.0.1:0", "--console") // another dev runs on this machine
	}
	if err != nil {
		return err
	}
	a.console, err = console.New(console.Options{
		Listener: &consoleDoor{Listener: l, app: a}, Dir: dataFolder(a.config), Name: a.config.Name, Dev: a.options.Dev,
		Now: a.around.Now, Rand: a.around.Rand, Log: a.log,
		Recorder: a.recorder, Places: a.book.Where, Overview: a.overview, Diff: a.book.Diff, Why: a.why, Pages: console.Built(),
		Generations: func() any { return a.book.Generations() },
		Data: a.data(), People: a.people(), Metrics: a.metrics(),
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}

// consoleDoor asks the firewall about each connection that comes to the console, as every door of ours does.
type consoleDoor struct {
	net.Listener

	app *App
}

// Accept returns the next connection that may come in; the others are closed.
func (d *consoleDoor) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, ours := addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
		if _, err := d.app.enterDoor(wire.Coming{Client: from.Addr().Unmap().WithZone(""), Port: ours.Port(), Conn: c}); err == nil {
			return c, nil
		}
		_ = c.Close()
	}
}

// consoleLink is a link for who runs the server: in dev one that signs in as owner, in production one for the first owner,
// "" where there is one already.
func (a *App) consoleLink() (string, error) {
	if a.options.Dev {
		return a.console.GuestLink()
	}
	if some, err := a.console.HasOperators(); some || err != nil {
		return "", err
	}
	return a.console.Link(operators.Owner)
}

// sayConsole tells where the console is.
func (a *App) sayConsole() {
	if a.console == nil {
		return
	}
	link, err := a.consoleLink()
	switch {
	case err != nil:
		a.log.Error("console", "error", err)
	case a.options.Dev:
		sayAt(a.around.Out, "console", link)
	case link == "":
		a.log.Info("console", "url", a.console.URL())
	default:
		a.log.Info("console: it has no operator yet; this link makes the first owner, once, within 15 minutes. Later: roundtrip operator link", "link", link)
	}
}

// consoleProblems refuses a console that others could read on the way.
func (a *App) consoleProblems(c *config.Config) error {
	at := c.Console.Listen
	if at == "" || loopback(at) || a.options.Dev {
		return nil
	}
	p := c.Problems()
	p.Add(c.Console.Pos, "the console would listen on %s without TLS, where passwords travel in the clear", at).
		Expect("127.0.0.1 and a tunnel (ssh -L 9443:127.0.0.1:%s)", portOf(at))
	return p.Err()
}

func portOf(at string) string {
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		return fmt.Sprint(9443)
	}
	return port
}

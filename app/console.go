package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
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
	if err := a.readConsoleCert(a.config); err != nil {
		return err
	}
	l, err := doors.TCP(ctx, at, "--console")
	if e, ok := errors.AsType[*roundtrip.Error](err); ok && a.options.Dev && e.Reason == "start.address_in_use" {
		l, err = doors.TCP(ctx, "127.0.0.1:0", "--console") // another dev runs on this machine
	}
	if err != nil {
		return err
	}
	o := console.Options{
		Listener: &consoleDoor{Listener: l, app: a}, Dir: declare.DataFolder(a.config), Name: a.config.Name, Dev: a.options.Dev,
		Now: a.around.Now, Rand: a.around.Rand, Log: a.log,
		Recorder: a.recorder, Places: a.book.Where, Overview: a.looked.Look, Diff: a.book.Diff, Why: a.witness.Why, API: a.describeAPI, Try: a.try, TryStream: a.tryStream, Pages: console.Built(),
		Generations:  func() any { return a.book.Generations() },
		MetricsToken: a.metricsToken,
		Data:         a.data(), People: a.people(), Metrics: a.metrics(), SiteLink: a.witness.SiteLink,
	}
	if a.consoleCert.Load() != nil {
		o.Certificate = a.consoleCert.Load
	}
	if c := a.config.Console; c.Origin != "" && !a.options.Dev {
		if o.Origin, err = url.Parse(c.Origin); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	a.console, err = console.New(o)
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
		from, ours := doors.AddrPort(c.RemoteAddr()), doors.AddrPort(c.LocalAddr())
		if _, err := d.app.guard.Enter(wire.Coming{Client: from.Addr().Unmap().WithZone(""), Port: ours.Port(), Conn: c}); err == nil {
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
		terminal.Say(a.around.Out, "console", link)
	case link == "":
		a.log.Info("console", "url", a.console.URL())
	default:
		a.log.Info("console: it has no operator yet; this link makes the first owner, once, within 15 minutes. Later: roundtrip operator link", "link", link)
	}
}

// consoleProblems refuses a console that others could read on the way, and a certificate that can't be shown.
func consoleProblems(c *config.Config, now time.Time) error {
	at, p := c.Console.Listen, c.Problems()
	switch {
	case at == "":
	case c.Console.TLS.Mode != "":
		if _, err := cert.ReadFiles(c.Console.TLS, now); err != nil {
			p.Add(c.Console.TLS.Pos, "certificate of the console: %v", err)
		}
	case !doors.Loopback(at):
		p.Add(c.Console.Pos, "the console would listen on %s without TLS, where passwords travel in the clear", at).
			Expect("tls: { cert: file, key: file } beside it; or 127.0.0.1:%s and a tunnel (ssh -L %s:127.0.0.1:%[1]s)", portOf(at), portOf(at))
	}
	return p.Err()
}

// readConsoleCert brings the console's certificate into force. It is called with declarations that were checked.
func (a *App) readConsoleCert(c *config.Config) error {
	if c.Console.TLS.Mode == "" || a.options.Dev {
		return nil
	}
	pair, err := cert.ReadFiles(c.Console.TLS, a.around.Now())
	if err != nil {
		return roundtrip.E(roundtrip.Invalid, "start.unsafe", "certificate of the console: %v", err)
	}
	a.consoleCert.Store(pair)
	return nil
}

// metricsToken is the token of the declaration in force, "" where it has none or it can't be read.
func (a *App) metricsToken() string {
	text, err := a.house.Load().config.Console.MetricsToken.Value()
	if err != nil {
		a.log.Error("console.metrics_token", "error", err)
		return ""
	}
	return strings.TrimSpace(string(text))
}

func portOf(at string) string {
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		return fmt.Sprint(9443)
	}
	return port
}

package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/certs"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// sayReady tells that the doors are open: a line for machines in production, what to open for people in dev.
func (a *App) sayReady(d *doors.Doors) {
	took := a.around.Now().Sub(a.started)
	if !a.options.Dev {
		a.log.Info("ready", "https", doors.Address(d.Secure), "http", doors.Address(d.Plain), "dns", a.names.At(), "firewall", a.wall.Enforced().Mode, "roles", a.rolesHere(), "ms", took.Milliseconds(), "version", Version())
		a.sayConsole()
		a.logWarnings()
		a.warnPorts(d)
		return
	}
	h := a.house.Load()
	fmt.Fprintf(a.around.Out, "\n  Roundtrip runs %s, ready after %d ms\n\n", h.config.Name, took.Milliseconds())
	for _, s := range h.config.Sites {
		terminal.Say(a.around.Out, "open", doors.URL(s, d))
	}
	if at := a.names.Own(); at.IsValid() {
		terminal.Say(a.around.Out, "dns", fmt.Sprintf("%s   (dig @%s -p %d %s)", at, at.Addr(), at.Port(), h.config.DNS.Zones[0].Name))
	}
	if try, call := a.tryLines(d); try != "" {
		terminal.Say(a.around.Out, "try", try)
		terminal.Say(a.around.Out, "grpc", call)
	}
	if h.demo != "" {
		terminal.Say(a.around.Out, "sign in", h.demo)
	}
	a.sayConsole()
	if declare.HasTLS(h.config, config.TLSLocal) {
		terminal.Say(a.around.Out, "trust", "roundtrip trust "+terminal.ShellWord(h.config.Dir)+"   (no more certificate warnings)")
	}
	a.sayMissing(h.config)
	terminal.Say(a.around.Out, "stop", "Ctrl-C; "+h.config.File+" is read again when you save it")
	fmt.Fprintln(a.around.Out)
}

// logWarnings tells what check would warn of, at the start and after each reload.
func (a *App) logWarnings() {
	h := a.house.Load()
	for _, w := range slices.Concat(h.warnings, declare.MissingFolders(h.config)) {
		a.log.Warn("declaration", "at", w.Pos.String(), "warning", w.Message)
	}
}

// sayMissing tells which folders of pages are not there, and after a reload only of those that it has not told before.
func (a *App) sayMissing(c *config.Config) {
	told := []string{}
	for _, w := range declare.MissingFolders(c) {
		told = append(told, w.Message)
	}
	var before []string
	if was := a.missing.Swap(&told); was != nil {
		before = *was
	}
	for _, message := range told {
		if !slices.Contains(before, message) {
			terminal.Say(a.around.Out, "missing", message)
		}
	}
}

// tryLines are commands that work as they stand: for curl, the first collection that people don't sign in to; for grpcurl, a list of
// what there is. grpcurl is told the address, since it does not know names below localhost where the system doesn't.
func (a *App) tryLines(d *doors.Doors) (rest, call string) {
	h := a.house.Load()
	for _, s := range h.config.Sites {
		for _, r := range s.Routes {
			if !r.API || len(h.schema.Collections) == 0 {
				continue
			}
			c := h.schema.Collections[0].Name
			for _, other := range h.schema.Collections {
				if !other.Accounts {
					c = other.Name
					break
				}
			}
			trust, trusted, l := "", "", d.Secure
			switch s.TLS.Mode {
			case config.TLSLocal:
				trust = "--cacert " + terminal.ShellWord(a.base.authority) + " "
				trusted = "-cacert " + terminal.ShellWord(a.base.authority) + " "
			case config.TLSOff:
				trusted, l = "-plaintext ", d.Plain
			default:
			}
			return "curl " + trust + "'" + doors.URL(s, d) + strings.TrimSuffix(r.Path, "/") + "/" + c + "?page_size=2'",
				"grpcurl " + trusted + "-authority " + strings.Replace(s.Name, "*", "any", 1) + " 127.0.0.1:" + strconv.Itoa(doors.Port(l)) + " list"
		}
	}
	return "", ""
}

// sayReloaded tells how reading the declaration again went.
func (a *App) sayReloaded(err error, began time.Time) {
	if !a.options.Dev {
		if err != nil {
			a.log.Error("reload refused, the old declaration stays in force", "error", terminal.Explain(err))
			return
		}
		a.log.Info("reloaded", "generation", a.generation, "ms", a.around.Now().Sub(began).Milliseconds())
		a.logWarnings()
		return
	}
	at := a.around.Now().Format(time.TimeOnly)
	if err == nil {
		h := a.house.Load()
		fmt.Fprintf(a.around.Out, "  %s reloaded %s\n", at, h.config.File)
		a.sayMissing(h.config)
		return
	}
	fmt.Fprintf(a.around.Out, "  %s not reloaded, the old declaration stays in force:\n\n%v\n", at, terminal.Explain(err))
}

// sayStopped tells that everything has ended and is kept.
func (a *App) sayStopped(err error) {
	switch {
	case err != nil: // the caller tells it
	case a.options.Dev:
		fmt.Fprintln(a.around.Out, "  stopped; everything acknowledged is kept in "+declare.DataFolder(a.config))
	default:
		a.log.Info("stopped")
	}
}

// warnPorts tells that issuers look at ports on which we do not listen. Something in front may forward them.
func (a *App) warnPorts(d *doors.Doors) {
	c := a.house.Load().config
	has := func(name string) bool {
		return len(c.ACME.Challenges) == 0 || slices.Contains(c.ACME.Challenges, name)
	}
	if has(acme.HTTP01) && doors.Port(d.Plain) == 80 || has(acme.TLS01) && doors.Port(d.Secure) == 443 {
		return
	}
	byZone := a.names.Challenges()
	names := slices.DeleteFunc(certs.Ordered(c), func(name string) bool {
		return has(acme.DNS01) && a.names.Runs() && byZone.Serves(strings.TrimPrefix(name, "*."))
	})
	if len(names) == 0 {
		return
	}
	a.log.Warn("certificates: issuers look at a port where this server does not listen; forward it here",
		"port", certs.Ports(c.ACME.Challenges), "http", doors.Address(d.Plain), "https", doors.Address(d.Secure), "names", names)
}

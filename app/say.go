package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// sayReady tells that the doors are open: a line for machines in production, what to open for people in dev.
func (a *App) sayReady(d *doors) {
	took := a.around.Now().Sub(a.started)
	if !a.options.Dev {
		a.log.Info("ready", "https", address(d.secure), "http", address(d.plain), "dns", a.names.doors.addresses(), "firewall", a.wall.enforced().Mode, "roles", a.rolesHere(), "ms", took.Milliseconds(), "version", Version())
		a.sayConsole()
		a.logWarnings()
		a.warnPorts(d)
		return
	}
	h := a.house.Load()
	fmt.Fprintf(a.around.Out, "\n  Roundtrip runs %s, ready after %d ms\n\n", h.config.Name, took.Milliseconds())
	for _, s := range h.config.Sites {
		sayAt(a.around.Out, "open", siteURL(s, d))
	}
	if at := a.names.doors.own(); at.IsValid() {
		sayAt(a.around.Out, "dns", fmt.Sprintf("%s   (dig @%s -p %d %s)", at, at.Addr(), at.Port(), h.config.DNS.Zones[0].Name))
	}
	if try, call := a.tryLines(d); try != "" {
		sayAt(a.around.Out, "try", try)
		sayAt(a.around.Out, "grpc", call)
	}
	if h.demo != "" {
		sayAt(a.around.Out, "sign in", h.demo)
	}
	a.sayConsole()
	if hasTLS(h.config, config.TLSLocal) {
		sayAt(a.around.Out, "trust", "roundtrip trust "+shellWord(h.config.Dir)+"   (no more certificate warnings)")
	}
	for _, w := range missingFolders(h.config) {
		sayAt(a.around.Out, "missing", w.Message)
	}
	sayAt(a.around.Out, "stop", "Ctrl-C; "+h.config.File+" is read again when you save it")
	fmt.Fprintln(a.around.Out)
}

// logWarnings tells what check would warn of, at the start and after each reload.
func (a *App) logWarnings() {
	h := a.house.Load()
	for _, w := range slices.Concat(h.warnings, missingFolders(h.config)) {
		a.log.Warn("declaration", "at", w.Pos.String(), "warning", w.Message)
	}
}

func sayAt(w io.Writer, what, text string) { fmt.Fprintf(w, "  %-9s%s\n", what, text) }

// shellWord quotes a path for a POSIX shell where it needs it.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t'\"\\$`&;()<>|*?[]{}#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func siteURL(s config.Site, d *doors) string {
	scheme, l, usual := "https", d.secure, 443
	if s.TLS.Mode == config.TLSOff {
		scheme, l, usual = "http", d.plain, 80
	}
	host := strings.Replace(s.Name, "*", "any", 1) // one that can be opened
	if p := port(l); p != usual {
		host = net.JoinHostPort(host, strconv.Itoa(p))
	}
	return scheme + "://" + host
}

// tryLines are commands that work as they stand: for curl, the first collection that people don't sign in to; for grpcurl, a list of
// what there is. grpcurl is told the address, since it does not know names below localhost where the system doesn't.
func (a *App) tryLines(d *doors) (rest, call string) {
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
			trust, trusted, l := "", "", d.secure
			switch s.TLS.Mode {
			case config.TLSLocal:
				trust = "--cacert " + shellWord(a.base.authority) + " "
				trusted = "-cacert " + shellWord(a.base.authority) + " "
			case config.TLSOff:
				trusted, l = "-plaintext ", d.plain
			default:
			}
			return "curl " + trust + "'" + siteURL(s, d) + strings.TrimSuffix(r.Path, "/") + "/" + c + "?page_size=2'",
				"grpcurl " + trusted + "-authority " + strings.Replace(s.Name, "*", "any", 1) + " 127.0.0.1:" + strconv.Itoa(port(l)) + " list"
		}
	}
	return "", ""
}

// sayReloaded tells how reading the declaration again went.
func (a *App) sayReloaded(err error, began time.Time) {
	if !a.options.Dev {
		if err != nil {
			a.log.Error("reload refused, the old declaration stays in force", "error", Explain(err))
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
		for _, w := range missingFolders(h.config) {
			sayAt(a.around.Out, "missing", w.Message)
		}
		return
	}
	fmt.Fprintf(a.around.Out, "  %s not reloaded, the old declaration stays in force:\n\n%v\n", at, Explain(err))
}

// sayStopped tells that everything has ended and is kept.
func (a *App) sayStopped(err error) {
	switch {
	case err != nil: // the caller tells it
	case a.options.Dev:
		fmt.Fprintln(a.around.Out, "  stopped; everything acknowledged is kept in "+dataFolder(a.config))
	default:
		a.log.Info("stopped")
	}
}

// Explain returns the text of an error for people: what is wrong and how to mend it, each thing once.
func Explain(err error) string {
	if p, ok := errors.AsType[*config.Problems](err); ok {
		return p.Error()
	}
	e, ok := errors.AsType[*roundtrip.Error](err)
	if !ok || e.Public == "" {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Public)
	if len(e.Details) > 1 { // one alone is the sentence itself
		for _, d := range e.Details {
			if !strings.Contains(e.Public, d.Message) {
				fmt.Fprintf(&b, "\n  %s", d.Message)
			}
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n  cause: %v", e.Err)
	}
	return b.String()
}

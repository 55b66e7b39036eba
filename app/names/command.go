package names

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// NameOptions says whose zones a command is about.
type NameOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
	JSON bool
}

// Command is an order on the control socket.
type Command struct {
	Name, Type string
	JSON       bool
}

// PrintZone prints a zone as the server that runs serves it, or as one would.
func PrintZone(ctx context.Context, o NameOptions, name string, s process.Surroundings) error {
	order := Command{Name: canonicalName(name), JSON: o.JSON}
	return askNames(ctx, o, "zone", order, s, func(n *Server, out io.Writer) error {
		if !o.JSON {
			fmt.Fprintf(out, "; No server runs here: this is what roundtrip %s would answer.\n", n.mode())
		}
		return n.printZone(order, out)
	})
}

// ExplainName says why a name has the answer that it has: in the server that runs, or as one would answer.
func ExplainName(ctx context.Context, o NameOptions, name, kind string, s process.Surroundings) error {
	if _, err := recordType(kind); err != nil {
		return err
	}
	order := Command{Name: canonicalName(name), Type: kind, JSON: o.JSON}
	return askNames(ctx, o, "explain", order, s, func(n *Server, out io.Writer) error {
		if !o.JSON {
			fmt.Fprintf(out, "No server runs here: this is what roundtrip %s would answer.\n\n", n.mode())
		}
		return n.explain(order, out)
	})
}

func canonicalName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// askNames asks the server that runs, or does the order on the zones of the declaration.
func askNames(ctx context.Context, o NameOptions, path string, order Command, s process.Surroundings, here func(n *Server, out io.Writer) error) error {
	var out bytes.Buffer // an error must not come after half an answer
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if _, mistaken := errors.AsType[*config.Problems](err); mistaken {
		// The server that runs does so by what the file was before.
		if half := declare.Located(o.File, o.Data, s); half != nil {
			if running, wrong := control.Ask(ctx, half, path, order, &out); running && wrong == nil {
				_, err = out.WriteTo(s.Out)
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	m := AsServe()
	running, err := control.Ask(ctx, c, path, order, &out)
	if err == nil && !running {
		if strings.HasSuffix(order.Name, ".localhost") && len(c.DNS.Zones) > 0 && !slices.ContainsFunc(c.DNS.Zones, func(z config.Zone) bool { return strings.HasSuffix(z.Name, "localhost") }) {
			c, m = c.Dev("8443"), AsDev() // as roundtrip dev would call it
		}
		var n *Server
		if n, err = lookAtNames(c, m, s); err == nil {
			err = here(n, &out)
		}
	}
	if err != nil {
		return err
	}
	_, err = out.WriteTo(s.Out)
	return err
}

// mode is what would serve.
func (n *Server) mode() string {
	if n.o.Dev {
		return "dev"
	}
	return "serve"
}

// lookAtNames builds the zones of a declaration that no server serves, with the serials that they had last.
func lookAtNames(c *config.Config, m *Machine, s process.Surroundings) (*Server, error) {
	m.Addresses, m.Log = s.Addresses, slog.New(slog.DiscardHandler)
	n := &Server{o: Options{Dev: m.Dev}}
	n.declared.Store(&c.DNS)
	var err error
	if n.built, _, err = BuildZones(c, m.Facts(c), nil); err != nil {
		return nil, err
	}
	book := &serial.Book{}
	if _, wrong := os.Stat(declare.DataFolder(c)); wrong == nil {
		if book, err = serial.Open(declare.DataFolder(c)); err != nil {
			return nil, err
		}
	}
	for _, b := range n.built {
		z := b.Zone
		if last, known := book.Last(z.Name()); known {
			z = z.WithSerial(last)
		}
		n.served = append(n.served, z)
	}
	set, err := zone.NewSet(n.served...)
	n.set.Store(set)
	return n, err
}

// printZone writes a zone as a file, or its records as JSON.
func (n *Server) printZone(order Command, out io.Writer) error {
	n.mu.Lock()
	served := slices.Clone(n.served)
	n.mu.Unlock()
	name := n.declared.Load().Renamed(order.Name)
	for _, z := range served {
		if z.Name() != name {
			continue
		}
		if !order.JSON {
			return z.Print(out)
		}
		var records []recordJSON
		for rr := range z.Records() {
			h := rr.Header()
			records = append(records, recordJSON{
				Name: h.Name, TTL: h.Ttl, Type: mdns.TypeToString[h.Rrtype], Data: strings.TrimPrefix(rr.String(), h.String()),
			})
		}
		return terminal.JSON(out, records)
	}
	return noZone(order.Name, n.declared.Load())
}

// recordJSON is one record for programs.
type recordJSON struct {
	Name string `json:"name"` // with a dot at the end
	TTL  uint32 `json:"ttl"`  // seconds
	Type string `json:"type"`
	Data string `json:"data"` // as in a zone file
}

// noZone says that there is no such zone, and which there are.
func noZone(name string, d *config.DNS) error {
	if len(d.Zones) == 0 {
		if !strings.Contains(name, ".") {
			name = "example.com"
		}
		return roundtrip.E(roundtrip.Missing, "command.undeclared", "the declaration has no zones; expected dns: { zones: { %s: {} } } in it", name)
	}
	var list []string
	for i := range d.Zones {
		list = append(list, d.Zones[i].Name)
	}
	if near := nearest.Of(name, list); near != "" {
		return roundtrip.E(roundtrip.Missing, "command.undeclared", "%s is no zone of this declaration; did you mean %s?", name, near)
	}
	return roundtrip.E(roundtrip.Missing, "command.undeclared", "%s is no zone of this declaration; its zones are %s", name, strings.Join(list, ", "))
}

// explain writes why a name has its answer.
func (n *Server) explain(order Command, out io.Writer) error {
	kind, err := recordType(order.Type)
	if err != nil {
		return err
	}
	d := n.declared.Load()
	if len(d.Zones) == 0 {
		return noZone(order.Name, d)
	}
	name := order.Name
	if !strings.Contains(name, ".") && n.zoneOf(name) == "" {
		name = strings.TrimPrefix(name+"."+d.Zones[0].Name, "@.")
	}
	set := n.set.Load()
	if set == nil {
		return roundtrip.E(roundtrip.Unavailable, "command.undeclared", "no name server runs: DNS could not be opened at the start, and the log says why")
	}
	e := set.Explain(d.Renamed(name), kind)
	if order.JSON {
		return json.NewEncoder(out).Encode(e)
	}
	_, err = io.WriteString(out, strings.TrimRight(e.String(), "\n")+"\n")
	return err
}

// IsRecordType reports whether a word names a type of records.
func IsRecordType(word string) bool {
	_, err := recordType(word)
	return err == nil
}

// recordType reads the type of a record: MX, or TYPE65 (RFC 3597).
func recordType(text string) (uint16, error) {
	upper := strings.ToUpper(text)
	if t, ok := mdns.StringToType[upper]; ok {
		return t, nil
	}
	var number uint16
	if _, err := fmt.Sscanf(upper, "TYPE%d", &number); err == nil && upper == fmt.Sprintf("TYPE%d", number) {
		return number, nil
	}
	var known []string
	for t := range mdns.StringToType {
		known = append(known, t)
	}
	slices.Sort(known)
	if near := nearest.Of(upper, known); near != "" {
		return 0, roundtrip.E(roundtrip.Invalid, "command.invalid", "%s is no type of record; did you mean %s?", text, near)
	}
	return 0, roundtrip.E(roundtrip.Invalid, "command.invalid", "%s is no type of record; expected such as A, AAAA, MX, TXT, HTTPS, or TYPE and a number", text)
}

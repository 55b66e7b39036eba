package names

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
)

// State is how the name server is.
type State struct {
	Refused string          `json:"refused,omitempty"` // why the declaration on the disk is not in force, "" where it is
	Listens string          `json:"listens"`           // host:port, several with commas; "" where DNS could not be opened
	Zones   []zoneState     `json:"zones"`
	Copies  []transfer.Copy `json:"copies"`
	Counts  *dns.Stats      `json:"counts,omitempty"`
}

// zoneState is one zone that is served.
type zoneState struct {
	Name       string   `json:"name"`
	Serial     uint32   `json:"serial"`
	Records    int      `json:"records"`
	File       string   `json:"file,omitempty"`
	Down       []string `json:"down,omitempty"`       // sites whose names follow when_down
	Challenges int      `json:"challenges,omitempty"` // answers to issuers of certificates that are served now
}

// State looks at everything.
func (n *Server) State() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := State{Listens: n.doors.addresses(), Zones: []zoneState{}, Copies: []transfer.Copy{}}
	for i, b := range n.built {
		z := zoneState{Name: b.Name(), File: b.declared.File}
		if i < len(n.served) {
			z.Serial = n.served[i].Serial()
			z.Records = n.served[i].Count()
		}
		for _, site := range n.down {
			if n.zoneOf(site) == z.Name {
				z.Down = append(z.Down, site)
			}
		}
		for _, c := range n.challenges {
			if n.zoneOf(c.at) == z.Name {
				z.Challenges++
			}
		}
		st.Zones = append(st.Zones, z)
	}
	st.Refused = n.o.Refused()
	if n.transfer != nil {
		st.Copies = append(st.Copies, n.transfer.State()...)
	}
	if n.server != nil {
		stats := n.server.Stats()
		st.Counts = &stats
	}
	return st
}

// NameStatus prints how the name server of a declaration is, as the server that runs sees it: nobody else knows. It reports
// whether every secondary that was seen has what is served, and heard of it.
func NameStatus(ctx context.Context, o NameOptions, s process.Surroundings) (well bool, err error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if _, mistaken := errors.AsType[*config.Problems](err); mistaken {
		if half := declare.Located(o.File, o.Data, s); half != nil && len(half.DNS.Zones) > 0 {
			c, err = half, nil // the server that runs tells of the mistakes
		}
	}
	if err != nil {
		return false, err
	}
	if len(c.DNS.Zones) == 0 {
		return false, noZone("example.com", &c.DNS)
	}
	var answer bytes.Buffer
	running, err := control.Ask(ctx, c, "names", Command{}, &answer)
	if err != nil {
		return false, err
	}
	if !running {
		return false, errors.New("no server runs with this declaration here, and only it knows; start it with roundtrip serve, or name the folder of --data")
	}
	var st State
	if err := json.Unmarshal(answer.Bytes(), &st); err != nil {
		return false, err
	}
	if o.JSON {
		_, err = s.Out.Write(answer.Bytes())
	} else {
		writeNames(s.Out, &st, s.Now())
	}
	return st.Refused == "" && st.Listens != "" && !slices.ContainsFunc(st.Copies, func(c transfer.Copy) bool { return Behind(&st, &c) }), err
}

// Behind reports whether a secondary lacks what is served.
func Behind(st *State, c *transfer.Copy) bool {
	if c.Problem != "" {
		return true
	}
	return c.Held != nil && serial.Greater(st.serial(c.Zone), c.Held.Serial)
}

func (st *State) serial(zone string) uint32 {
	for _, z := range st.Zones {
		if z.Name == zone {
			return z.Serial
		}
	}
	return 0
}

const zoneColumns = 30 // how much of a zone's name is shown

// writeNames writes the tables.
func writeNames(out io.Writer, st *State, now time.Time) {
	if st.Refused != "" {
		fmt.Fprintf(out, "%s\n\n%s\n\n", refusedWords, st.Refused)
	}
	if st.Listens == "" {
		fmt.Fprintln(out, "DNS is not served: its sockets could not be opened at the start; the log says why")
	} else {
		fmt.Fprintf(out, "DNS is served at %s, over UDP and TCP\n", strings.ReplaceAll(st.Listens, ",", ", "))
	}
	rows := make([][]string, 0, len(st.Zones))
	for _, z := range st.Zones {
		rows = append(rows, []string{terminal.Shorten(z.Name, zoneColumns), fmt.Sprint(z.Serial), fmt.Sprint(z.Records)})
	}
	fmt.Fprintln(out)
	terminal.Table(out, []string{"ZONE", "SERIAL", "RECORDS"}, rows)
	for _, z := range st.Zones {
		if len(z.Down) > 0 {
			fmt.Fprintf(out, "\n%s: no upstream is well, so that the names follow when_down\n", strings.Join(z.Down, ", "))
		}
		if z.Challenges > 0 {
			fmt.Fprintf(out, "\n%s: answers %s of certificates that are being ordered\n", z.Name, terminal.Count(z.Challenges, "challenge"))
		}
	}
	if len(st.Copies) > 0 {
		fmt.Fprintln(out)
		terminal.Table(out, []string{"SECONDARY", "ZONE", "HAS", "SEEN", "TOLD OF"}, CopyRows(st, now))
	}
	for i := range st.Copies {
		if c := &st.Copies[i]; c.Problem != "" {
			fmt.Fprintln(out)
			for _, line := range terminal.Wrap(fmt.Sprintf("%s has not heard of the present serial of %s (%s): %s", c.Peer, c.Zone, terminal.Tries(c.Attempts), c.Problem), terminal.Columns) {
				fmt.Fprintln(out, line)
			}
		}
	}
	if st.Counts != nil {
		fmt.Fprintln(out)
		writeCounts(out, st.Counts)
	}
}

// CopyRows are the rows of a table of secondaries: peer, zone, what it has, when it was seen, what it was told of.
func CopyRows(st *State, now time.Time) [][]string {
	rows := make([][]string, 0, len(st.Copies))
	for i := range st.Copies {
		c := &st.Copies[i]
		peer, has, seen, told := c.Peer.String(), "-", "-", "-"
		if c.Peer.Port() == 0 {
			peer = c.Peer.Addr().String()
		}
		if c.Held != nil {
			has, seen = fmt.Sprint(c.Held.Serial), terminal.Age(now.Sub(c.Held.At))+" ago"
			if Behind(st, c) {
				has += " (behind)"
			}
		}
		if c.Notified != 0 {
			told = fmt.Sprint(c.Notified)
		}
		rows = append(rows, []string{peer, terminal.Shorten(c.Zone, zoneColumns), has, seen, told})
	}
	return rows
}

// awaitSecondaries waits until those secondaries that were seen before have what is served of a zone: an issuer may ask any of
// them. After its time it goes on, since one that is down must not stop a certificate.
func (n *Server) awaitSecondaries(ctx context.Context, zone string) {
	ctx, cancel := context.WithTimeout(ctx, secondaryMax)
	defer cancel()
	look := time.NewTicker(secondaryLook)
	defer look.Stop()
	for {
		st := n.State()
		if !slices.ContainsFunc(st.Copies, func(c transfer.Copy) bool { return c.Zone == zone && c.Problem == "" && Behind(&st, &c) }) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// refusedWords begin what is told while the declaration on the disk has mistakes.
const refusedWords = "The file on the disk was refused; what was in force before still is:"

// Do does a command in the server that runs.
func (n *Server) Do(path string, order Command, out io.Writer) error {
	switch path {
	case "zone":
		return n.printZone(order, out)
	case "explain":
		err := n.explain(order, out)
		if refused := n.o.Refused(); err == nil && refused != "" && !order.JSON {
			fmt.Fprintf(out, "\n%s\n\n%s\n", refusedWords, refused)
		}
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(n.State())
}

package app

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

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
)

// nameState is how the name server is.
type nameState struct {
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

// state looks at everything.
func (n *names) state() nameState {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := nameState{Listens: n.doors.addresses(), Zones: []zoneState{}, Copies: []transfer.Copy{}}
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
	if refused := n.app.refused.Load(); refused != nil {
		st.Refused = *refused
	}
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
func NameStatus(ctx context.Context, o NameOptions, s Surroundings) (well bool, err error) {
	c, err := read(o.File, o.Data, s.withoutSecrets())
	if _, mistaken := errors.AsType[*config.Problems](err); mistaken {
		if half := located(o.File, o.Data, s); half != nil && len(half.DNS.Zones) > 0 {
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
	running, err := askServer(ctx, c, "names", nameCommand{}, &answer)
	if err != nil {
		return false, err
	}
	if !running {
		return false, errors.New("no server runs with this declaration here, and only it knows; start it with roundtrip serve, or name the folder of --data")
	}
	var st nameState
	if err := json.Unmarshal(answer.Bytes(), &st); err != nil {
		return false, err
	}
	if o.JSON {
		_, err = s.Out.Write(answer.Bytes())
	} else {
		writeNames(s.Out, &st, s.Now())
	}
	return st.Refused == "" && st.Listens != "" && !slices.ContainsFunc(st.Copies, func(c transfer.Copy) bool { return behind(&st, &c) }), err
}

// behind reports whether a secondary lacks what is served.
func behind(st *nameState, c *transfer.Copy) bool {
	if c.Problem != "" {
		return true
	}
	return c.Held != nil && serial.Greater(st.serial(c.Zone), c.Held.Serial)
}

func (st *nameState) serial(zone string) uint32 {
	for _, z := range st.Zones {
		if z.Name == zone {
			return z.Serial
		}
	}
	return 0
}

const zoneColumns = 30 // how much of a zone's name is shown

// writeNames writes the tables.
func writeNames(out io.Writer, st *nameState, now time.Time) {
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
		rows = append(rows, []string{shorten(z.Name, zoneColumns), fmt.Sprint(z.Serial), fmt.Sprint(z.Records)})
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"ZONE", "SERIAL", "RECORDS"}, rows)
	for _, z := range st.Zones {
		if len(z.Down) > 0 {
			fmt.Fprintf(out, "\n%s: no upstream is well, so that the names follow when_down\n", strings.Join(z.Down, ", "))
		}
		if z.Challenges > 0 {
			fmt.Fprintf(out, "\n%s: answers %s of certificates that are being ordered\n", z.Name, count(z.Challenges, "challenge"))
		}
	}
	if len(st.Copies) > 0 {
		fmt.Fprintln(out)
		writeTable(out, []string{"SECONDARY", "ZONE", "HAS", "SEEN", "TOLD OF"}, copyRows(st, now))
	}
	for i := range st.Copies {
		if c := &st.Copies[i]; c.Problem != "" {
			fmt.Fprintln(out)
			for _, line := range wrap(fmt.Sprintf("%s has not heard of the present serial of %s (%s): %s", c.Peer, c.Zone, tries(c.Attempts), c.Problem), columns) {
				fmt.Fprintln(out, line)
			}
		}
	}
	if st.Counts != nil {
		fmt.Fprintln(out)
		writeCounts(out, st.Counts)
	}
}

func copyRows(st *nameState, now time.Time) [][]string {
	rows := make([][]string, 0, len(st.Copies))
	for i := range st.Copies {
		c := &st.Copies[i]
		peer, has, seen, told := c.Peer.String(), "-", "-", "-"
		if c.Peer.Port() == 0 {
			peer = c.Peer.Addr().String()
		}
		if c.Held != nil {
			has, seen = fmt.Sprint(c.Held.Serial), age(now.Sub(c.Held.At))+" ago"
			if behind(st, c) {
				has += " (behind)"
			}
		}
		if c.Notified != 0 {
			told = fmt.Sprint(c.Notified)
		}
		rows = append(rows, []string{peer, shorten(c.Zone, zoneColumns), has, seen, told})
	}
	return rows
}

// awaitSecondaries waits until those secondaries that were seen before have what is served of a zone: an issuer may ask any of
// them. After its time it goes on, since one that is down must not stop a certificate.
func (n *names) awaitSecondaries(ctx context.Context, zone string) {
	ctx, cancel := context.WithTimeout(ctx, secondaryMax)
	defer cancel()
	look := time.NewTicker(secondaryLook)
	defer look.Stop()
	for {
		st := n.state()
		if !slices.ContainsFunc(st.Copies, func(c transfer.Copy) bool { return c.Zone == zone && c.Problem == "" && behind(&st, &c) }) {
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

// order does a command in the server that runs.
func (n *names) order(path string, order nameCommand, out io.Writer) error {
	switch path {
	case "zone":
		return n.printZone(order, out)
	case "explain":
		err := n.explain(order, out)
		if refused := n.app.refused.Load(); err == nil && refused != nil && !order.JSON {
			fmt.Fprintf(out, "\n%s\n\n%s\n", refusedWords, *refused)
		}
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(n.state())
}

package overview

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/certs"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// names is how the name server is.
func (l *look) names() console.Station {
	s := console.Station{Layer: trace.DNS.String(), Title: "Names", State: console.Off, Where: l.where("dns")}
	if len(l.house.Config.DNS.Zones) == 0 {
		s.Sentence = "no zone is declared: another name server says where the sites are"
		return s
	}
	st := l.of.Names.State()
	zones := console.Table{Title: "Zones", Columns: []string{"zone", "serial", "records", "note"}}
	for _, z := range st.Zones {
		r := console.Row{State: console.Well, Where: l.where("dns", "zones", z.Name), Cells: []string{z.Name, fmt.Sprint(z.Serial), fmt.Sprint(z.Records), ""}}
		if len(z.Down) > 0 {
			r.State, r.Note = console.Warn, strings.Join(z.Down, ", ")+": no upstream is well, so that the names follow when_down"
		}
		if z.Challenges > 0 {
			r.Cells[3] = terminal.Count(z.Challenges, "challenge") + " of certificates"
		}
		worsen(&s, r.State)
		zones.Rows = append(zones.Rows, r)
	}
	s.Tables = append(s.Tables, zones)
	s.Sentence = terminal.Count(len(st.Zones), "zone")
	if st.Counts != nil {
		s.Sentence += fmt.Sprintf(", %s", terminal.Count(int(st.Counts.UDP+st.Counts.TCP), "question"))
		if missing := st.Counts.Rcodes["NXDOMAIN"]; missing > 0 {
			s.Sentence += fmt.Sprintf(", %d for no such name", missing)
		}
		s.Sentence += fmt.Sprintf(", %d refused", st.Counts.Rcodes["REFUSED"])
		if held := st.Counts.Limited + st.Counts.Slipped; held > 0 {
			s.Sentence += fmt.Sprintf(", %d held back by rate limiting", held)
		}
	}
	l.secondaries(&s, &st)
	if st.Listens == "" {
		s.State, s.Sentence = console.Down, "its sockets could not be opened at the start"
		s.Fix = "free port 53, or listen elsewhere (--dns); the log says what was in the way"
	}
	return s
}

// secondaries is whether those who copy the zones have what is served.
func (l *look) secondaries(s *console.Station, st *names.State) {
	if len(st.Copies) == 0 {
		return
	}
	t := console.Table{Title: "Secondaries", Columns: []string{"secondary", "zone", "has", "seen", "told of"}}
	for i, cells := range names.CopyRows(st, l.now) {
		r := console.Row{State: console.Well, Cells: cells, Note: st.Copies[i].Problem}
		if names.Behind(st, &st.Copies[i]) {
			r.State = console.Warn
			s.Sentence += "; a secondary is behind"
			s.Fix = "look whether the secondary runs and may ask: roundtrip dns status"
		}
		worsen(s, r.State)
		t.Rows = append(t.Rows, r)
	}
	s.Tables = append(s.Tables, t)
}

// firewall is whether the groups are enforced, and what they let in.
func (l *look) firewall(ctx context.Context) console.Station {
	s := console.Station{Layer: trace.Firewall.String(), Title: "Firewall", State: console.Off, Where: l.where("firewall")}
	p := l.house.Doors
	if p == nil {
		s.Sentence = "no groups are declared: whoever reaches a port may connect"
		return s
	}
	s.State = console.Well
	how := l.of.Wall.Enforced()
	s.Sentence = fmt.Sprintf("%s of %s, enforced by this process", terminal.Count(len(p.Rules()), "rule"), terminal.Count(len(p.Groups()), "group"))
	if how.Mode == wall.ByKernel {
		s.Sentence = fmt.Sprintf("%s of %s, enforced by the kernel", terminal.Count(len(p.Rules()), "rule"), terminal.Count(len(p.Groups()), "group"))
		l.kernel(ctx, &s)
	} else {
		s.Tables = append(s.Tables, l.admitted())
	}
	if how.Why != "" && how.Mode != wall.ByKernel {
		s.Sentence += " (" + how.Why + ")"
	}
	if t := l.dropped(); len(t.Rows) > 0 {
		kinds := "1 kind of packets was"
		if len(t.Rows) > 1 {
			kinds = fmt.Sprintf("%d kinds of packets were", len(t.Rows))
		}
		s.Sentence += "; " + kinds + " dropped in the last 5 minutes"
		s.Tables = append(s.Tables, t)
	}
	return s
}

// kernel compares what the kernel has with what it ought to have.
func (l *look) kernel(ctx context.Context, s *console.Station) {
	st, err := l.of.Wall.Status(ctx, l.house.Doors, l.of.Wall.Enforced())
	if err != nil {
		s.State, s.Sentence, s.Fix = console.Warn, "the kernel could not be asked: "+terminal.Explain(err), "roundtrip firewall status says more"
		return
	}
	l.of.Seen.AddTo(&st, l.house.Doors)
	if !st.Well() {
		s.State, s.Sentence, s.Fix = console.Warn, "the kernel has other rules than are declared", "roundtrip firewall status shows them; roundtrip firewall apply brings ours in"
	}
	if st.Unread != "" {
		s.State, s.Sentence = console.Warn, st.Unread
	}
	if st.Conntrack.NearlyFull() {
		s.State, s.Fix = console.Warn, trace.ReasonOf("firewall.table_full").Fix()
		s.Sentence = fmt.Sprintf("the kernel's table of connections is nearly full (%d of %d)", st.Conntrack.Count, st.Conntrack.Max)
	}
	t := console.Table{Title: "Rules", Columns: []string{"rule", "way", "connections", "bytes"}}
	for _, r := range st.Kernel.Rules {
		t.Rows = append(t.Rows, console.Row{State: console.Well, Where: l.rulePlace(r.Name), Cells: []string{r.Name, wall.Direction(r.Out), fmt.Sprint(r.Packets), fmt.Sprint(r.Bytes)}})
	}
	for _, d := range st.Kernel.Drops {
		t.Rows = append(t.Rows, console.Row{State: console.Off, Cells: []string{"dropped: " + strings.ReplaceAll(d.Reason, "_", " "), wall.Direction(d.Out), fmt.Sprint(d.Packets), fmt.Sprint(d.Bytes)}})
	}
	s.Tables = append(s.Tables, t)
}

// admitted is what this process has let in, by rule.
func (l *look) admitted() console.Table {
	t := console.Table{Title: "Rules", Columns: []string{"rule", "way", "connections"}}
	for _, r := range l.of.Guard.Rules() {
		row := console.Row{State: console.Well, Where: l.rulePlace(r.Rule), Cells: []string{r.Rule, wall.Direction(r.Out), fmt.Sprint(r.Flows)}}
		if r.Rule == "" {
			row.State, row.Cells[0] = console.Off, "refused"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (l *look) rulePlace(name string) string {
	return l.of.Book.Where(l.config, &trace.Hop{Layer: trace.Firewall, Verdict: trace.OK, Name: name})
}

// dropsMost is how many kinds of dropped packets an overview shows.
const dropsMost = 12

// dropped is what was dropped in the last minutes.
func (l *look) dropped() console.Table {
	t := console.Table{Title: "Dropped in the last 5 minutes", Columns: []string{"from", "to", "packets", "last", "why"}}
	list := l.of.Seen.Watch().Drops(0, dropsMost)
	for i := range list.Drops {
		d := wall.DropOf(&list.Drops[i])
		if l.now.Sub(d.Last) > trafficFor {
			continue
		}
		from, would := d.Remote, ""
		if len(d.Would) > 0 {
			would = "it would pass if " + d.Would[0]
		}
		if !d.Out {
			from, would = unnamed(list.Drops[i].Flow.Remote, would)
		}
		r := console.Row{State: console.Off, Note: would, Cells: []string{from, d.Traffic, fmt.Sprint(d.Packets), terminal.Age(l.now.Sub(d.Last)) + " ago", d.Short}}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// unnamed shortens a client's address to its network, in a sentence about it, too: viewers of the console see this, and not
// who it was. The whole address stands in roundtrip firewall drops.
func unnamed(client netip.Addr, sentence string) (from, short string) {
	from = terminal.Network(client)
	for _, one := range []string{client.String() + "/32", client.String() + "/128", client.String()} {
		sentence = strings.ReplaceAll(sentence, one, from)
	}
	return from, sentence
}

// gate is whether the doors are open, and how many came in.
func (l *look) gate() console.Station {
	s := console.Station{Layer: trace.TCP.String(), Title: "Gate", State: console.Well, Where: l.where("gate")}
	d := l.of.Doors
	if d == nil {
		s.State, s.Sentence = console.Down, "no door is open yet"
		return s
	}
	st := d.Gate.Stats()
	most := l.house.Config.Gate.Connections
	s.Sentence = fmt.Sprintf("%s open, %s under way", terminal.Count(st.Connections, "connection"), terminal.Count(st.Requests, "request"))
	if most > 0 && st.Connections*10 > most*9 {
		s.State, s.Fix = console.Warn, trace.ReasonOf("connection.too_many").Fix()
		s.Sentence = fmt.Sprintf("%d of %d connections are taken", st.Connections, most)
	}
	t := console.Table{Title: "Listeners", Columns: []string{"listens on", "for"}}
	for _, one := range [][]string{{doors.Address(d.Secure), "HTTPS"}, {doors.Address(d.Plain), "HTTP"}} {
		if one[0] != "" {
			t.Rows = append(t.Rows, console.Row{State: console.Well, Cells: one})
		}
	}
	if d.Packets != nil {
		t.Rows = append(t.Rows, console.Row{State: console.Well, Cells: []string{d.Packets.LocalAddr().String(), "HTTP/3"}})
	}
	s.Tables = append(s.Tables, t)
	l.told(&s, lostPart, lostPart, trace.TCP)
	return s
}

// lostPart is what part of the connections must become no request before somebody should look: on the internet, many try
// what there is.
const lostPart = 0.5

// endsSoon is how many days before its end a certificate that was not renewed is told of.
const endsSoon = 7

// certificates is how long they hold, and what failed.
func (l *look) certificates() console.Station {
	s := console.Station{Layer: trace.TLS.String(), Title: "TLS", State: console.Off, Sentence: "no site has TLS", Where: l.where("sites")}
	if l.of.Certs == nil || !declare.IsSecure(l.house.Config) {
		return s
	}
	states := l.of.Certs.States()
	t := console.Table{Title: "Certificates", Columns: []string{"name", "source", "issuer", "days", "next"}}
	s.State, s.Sentence = console.Well, terminal.Count(len(states), "certificate")
	least := -1
	for i := range states {
		c := &states[i]
		days := "-"
		if !c.NotAfter.IsZero() {
			days = certs.DaysLeft(c.NotAfter.Sub(l.now))
			if d := int(c.NotAfter.Sub(l.now).Hours() / 24); least < 0 || d < least {
				least = d
			}
		}
		r := console.Row{State: certState(l, c), Cells: []string{c.Name, string(c.Source), c.Issuer, days, certs.NextStep(c, true, l.now)}, Note: c.Error}
		if site := l.siteOf(c.Name); site != nil {
			r.Where = site.TLS.Pos.String()
		}
		if worse(r.State) > worse(console.Well) && worse(r.State) > worse(s.State) {
			s.State, s.Where = r.State, r.Where
			s.Sentence, s.Fix = certSentence(l, c)
		}
		t.Rows = append(t.Rows, r)
	}
	if s.State == console.Well && least >= 0 {
		s.Sentence += fmt.Sprintf(", the next one ends in %s", terminal.Count(least, "day"))
	}
	s.Tables = append(s.Tables, t)
	l.told(&s, lostPart, lostPart, trace.TLS)
	return s
}

func certState(l *look, c *cert.State) console.State {
	switch {
	case c.NotAfter.IsZero() && c.Error == "":
		return console.Warn // it is being ordered
	case c.NotAfter.IsZero(), l.now.After(c.NotAfter):
		return console.Down
	case c.Error != "", c.NotAfter.Sub(l.now).Hours() < 24*endsSoon && (c.Renewal.IsZero() || l.now.After(c.Renewal)):
		return console.Warn
	}
	return console.Well
}

func certSentence(l *look, c *cert.State) (sentence, fix string) {
	fix = "roundtrip certs says what was tried and what comes next"
	if string(c.Source) == "files" {
		fix = "bring a newer certificate and reload"
	}
	switch {
	case c.NotAfter.IsZero() && c.Error == "":
		return "the certificate of " + c.Name + " is being ordered", "wait a moment; " + fix
	case c.NotAfter.IsZero():
		return c.Name + " has no certificate: " + c.Error, fix
	case l.now.After(c.NotAfter):
		return fmt.Sprintf("the certificate of %s ended %s ago", c.Name, terminal.Age(l.now.Sub(c.NotAfter))), fix
	case c.Error != "":
		return fmt.Sprintf("the certificate of %s could not be renewed: %s", c.Name, c.Error), fix
	}
	return fmt.Sprintf("the certificate of %s ends in %s", c.Name, terminal.Age(c.NotAfter.Sub(l.now))), fix
}

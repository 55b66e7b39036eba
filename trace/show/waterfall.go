package show

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Waterfall draws one journey: who stopped it and why, what to do, all its hops as a strip, where the time went, and what it
// is joined with. The error is the writer's.
func Waterfall(w io.Writer, v trace.View, o Options) error {
	out := bufio.NewWriter(w)
	d := &drawing{Options: o, out: out, v: &v, spans: spansOf(&v)}
	d.head()
	d.verdict()
	d.strip()
	d.rows()
	d.joined()
	return out.Flush()
}

// drawing is one waterfall on its way to the terminal.
type drawing struct {
	Options

	out   *bufio.Writer
	v     *trace.View
	spans []span
}

// say writes a line, from pieces that are ready for the terminal.
func (d *drawing) say(pieces ...string) {
	for _, p := range pieces {
		_, _ = d.out.WriteString(p) // bufio keeps the error for Flush
	}
	_ = d.out.WriteByte('\n')
}

// paragraph writes a text of others below a heading, indented, in as many lines as it needs.
func (d *drawing) paragraph(head, text, colour string) {
	for i, line := range wrap(d.text(text), d.width()-2-length(head)) {
		if i > 0 {
			head = strings.Repeat(" ", length(head))
		}
		d.say("  ", head, d.paint(colour, line))
	}
}

// head says what travelled and how it ended.
func (d *drawing) head() {
	v := d.v
	outcome := v.Outcome
	if outcome == trace.OK.String() && d.warning() != nil {
		outcome = trace.Wait.String()
	}
	left := d.text(subject(v))
	facts := []string{millis(v.MS)}
	if v.Client != "" {
		facts = append(facts, "from "+v.Client)
	}
	if v.RPC != "" {
		facts = append(facts, "over "+v.RPC)
	}
	facts = append(facts, "journey "+short(v.ID))
	right := d.text(strings.Join(facts, "   "))
	if room := d.width() - 2 - 3 - length(right); length(left) <= room {
		d.say(d.mark(outcome), " ", d.paint(bold, left), "   ", d.paint(dim, right))
		return
	}
	d.say(d.mark(outcome), " ", d.paint(bold, clipMiddle(left, d.width()-2)))
	d.say("  ", d.paint(dim, right))
}

// subject names a journey in the words of its kind.
func subject(v *trace.View) string {
	switch v.Kind {
	case trace.Request.String():
		parts := []string{v.Method, url(v)}
		if v.Status > 0 {
			parts = slices.Insert(parts, 0, fmt.Sprint(v.Status))
		}
		if v.Code != "" {
			parts = slices.Insert(parts, 1, v.Code)
		}
		return strings.TrimSpace(strings.Join(parts, " "))
	case trace.Query.String():
		return strings.TrimSpace("DNS query " + v.Method + " " + v.Host)
	case trace.Drop.String():
		return strings.TrimSpace("packets dropped: " + v.Proto)
	}
	return strings.TrimSpace(strings.Join(strings.Fields(v.Kind+" "+v.Method+" "+v.Host+v.Path), " "))
}

// url is the address that was asked for, as far as it is known.
func url(v *trace.View) string {
	if v.Host == "" {
		return v.Path
	}
	scheme := "http://"
	if slices.ContainsFunc(v.Hops, func(h trace.HopView) bool { return h.Layer == trace.TLS.String() }) {
		scheme = "https://"
	}
	return scheme + v.Host + v.Path
}

// warning is the hop that passed with a reservation, where nothing was refused: a page of another origin, for one, that
// can't read what was answered.
func (d *drawing) warning() *trace.HopView {
	if d.v.Decided >= 0 {
		return nil
	}
	for i := range d.v.Hops {
		if h := &d.v.Hops[i]; h.Verdict == trace.Shadowed.String() {
			return h
		}
	}
	return nil
}

// verdict says who stopped the journey and why, and what to do about it; or where its time went.
func (d *drawing) verdict() {
	v := d.v
	reason, fix, where := v.Reason, v.Fix, v.Where
	switch warned := d.warning(); {
	case v.Decided >= 0 && v.Decided < len(v.Hops):
		h := &v.Hops[v.Decided]
		d.paragraph("", Sentence(v), "")
		d.note(h)
	case warned != nil:
		r := trace.ReasonOf(warned.Reason)
		reason, fix, where = warned.Reason, r.Fix(), warned.Where
		text := "It passed, but " + station(warned) + " would have refused it"
		if warned.Layer == trace.CORS.String() {
			text = "It was answered, and a browser keeps the answer from the page"
		}
		d.paragraph("", text+" ["+warned.Flag+"]: "+r.Text()+".", "")
		d.note(warned)
	case v.Reason != "":
		d.paragraph("", capital(v.Sentence)+" ["+v.Flag+"].", "")
	}
	if fix != "" {
		if where != "" {
			fix += " (" + place(where) + ")"
		}
		d.paragraph("Fix: ", capital(fix), bold)
	}
	if most, part := slowest(d.spans, v.MS); part >= slowPart && v.MS >= slowLeast && len(d.spans) > 1 {
		d.paragraph("Slow part: ", fmt.Sprintf("%s, %.0f %% of %s", spanName(most), 100*part, millis(v.MS)), "")
	}
	if reason != "" {
		d.say(d.paint(dim, "  More: roundtrip reasons "+reason))
	}
}

const (
	slowPart  = 0.3 // how much of the time one hop must have taken to be named for it
	slowLeast = 2.0 // ms; where all was quick, nothing was slow
)

// spanName names a row within a sentence.
func spanName(s *span) string {
	if s.hop == nil {
		return "time that no hop accounts for"
	}
	return strings.TrimSpace(s.hop.Layer + " " + s.hop.Name)
}

// note tells what the deciding hop has noted, where that is more than its place.
func (d *drawing) note(h *trace.HopView) {
	if h.Note != "" && h.Note != h.Where {
		d.paragraph("", h.Note, dim)
	}
}

// strip is all hops at a glance: those that were, then those that the journey did not come to.
func (d *drawing) strip() {
	type piece struct{ plain, shown string }
	var all []piece
	add := func(mark rune, colour, name string, n int) {
		if n > 1 {
			name += "×" + fmt.Sprint(n)
		}
		text := d.glyphs(string(mark) + " " + name)
		all = append(all, piece{text, d.paint(colour, d.glyphs(string(mark))) + text[len(d.glyphs(string(mark))):]})
	}
	colours := map[rune]string{markOK: green, markNo: red, markNote: yellow}
	if d.v.Kind == trace.Request.String() && !d.looked() {
		add(markOpen, dim, trace.DNS.String(), 1)
	}
	for i := 0; i < len(d.v.Hops); {
		h, n := &d.v.Hops[i], 1
		for i+n < len(d.v.Hops) && d.v.Hops[i+n].Layer == h.Layer && markOf(d.v.Hops[i+n].Verdict) == markOf(h.Verdict) {
			n++
		}
		add(markOf(h.Verdict), colours[markOf(h.Verdict)], h.Layer, n)
		i += n
	}
	for _, name := range notReached(d.v) {
		add('·', dim, name, 1)
	}
	line, used := "", 0
	d.say()
	for _, p := range all {
		if used > 0 && used+3+length(p.plain) > d.width()-2 {
			d.say("  ", line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+"   ", used+3
		}
		line, used = line+p.shown, used+length(p.plain)
	}
	if used > 0 {
		d.say("  ", line)
	}
}

// looked reports whether the query is known that found the name of the host.
func (d *drawing) looked() bool {
	return slices.ContainsFunc(d.v.Links, func(l trace.LinkView) bool { return l.Role == trace.Lookup.String() }) ||
		slices.ContainsFunc(d.v.Hops, func(h trace.HopView) bool { return h.Layer == trace.DNS.String() })
}

// joined lists what the journey is joined with.
func (d *drawing) joined() {
	v := d.v
	var facts []string
	if v.Dropped > 0 {
		facts = append(facts, fmt.Sprintf("%d hops had no room and are not shown.", v.Dropped))
	}
	if v.Account != "" {
		facts = append(facts, "Asked by the account "+v.Account+".")
	}
	facts = append(facts, v.Headers...)
	if len(v.Kept) > 0 {
		facts = append(facts, "Kept: "+strings.Join(v.Kept, ", ")+".")
	}
	if !v.Start.IsZero() {
		when := "Began " + v.Start.Local().Format("2006-01-02 15:04:05.000")
		if !d.Now.IsZero() {
			when += ", " + ago(max(0, d.Now.Sub(v.Start))) + " ago"
		}
		facts = append(facts, when+".")
	}
	if v.Config > 0 {
		facts = append(facts, fmt.Sprintf("Declaration: generation %d.", v.Config))
	}
	if len(d.Joined) > 0 {
		d.say()
		for i := range d.Joined {
			d.join(&d.Joined[i])
		}
	}
	d.say()
	d.paragraph("", strings.Join(facts, " "), dim)
	d.say("  ", d.paint(dim, "id "+v.ID))
}

const roleColumns = 10

func (d *drawing) join(j *Joined) {
	what := "not kept any more"
	if j.View != nil {
		what = subject(j.View) + "   " + millis(j.View.MS)
		if j.View.Flag != "" {
			what += "   " + j.View.Flag
		}
	}
	if j.Evidence != "" && j.Evidence != trace.Seen.String() {
		what += "   " + j.Evidence
	}
	mark := d.paint(dim, d.glyphs("→"))
	if j.View != nil {
		mark = d.mark(j.View.Outcome)
	}
	d.say("  ", pad(j.Role, roleColumns), " ", mark, " ", short(j.ID), "  ", d.glyphs(clipMiddle(d.text(what), d.width()-2-roleColumns-3-10)))
}

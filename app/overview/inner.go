package overview

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/disk"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// identity is who can sign in.
func (l *look) identity() console.Station {
	s := console.Station{Layer: trace.Auth.String(), Title: "Sign-in", State: console.Off, Sentence: "no accounts are declared", Where: l.where("identity")}
	if l.house.Config.Identity.Accounts == "" {
		return s
	}
	s.State = console.Well
	wrong := 0
	for _, b := range l.traffic.at(trace.Auth) {
		if b.reason.Code() == "auth.invalid" {
			wrong += b.n
		}
	}
	s.Sentence = "people sign in to " + l.house.Config.Identity.Accounts + fmt.Sprintf("; %s failed in the last 5 minutes", terminal.Count(wrong, "sign-in"))
	l.told(&s, failedPart, never, trace.Auth)
	return s
}

// access is what the rules refused.
func (l *look) access() console.Station {
	s := console.Station{Layer: trace.Access.String(), Title: "Access rules", State: console.Off, Sentence: "no collection is declared", Where: l.where("collections")}
	if len(l.house.Config.Collections) == 0 {
		return s
	}
	rules, refused := 0, 0
	for i := range l.house.Config.Collections {
		rules += len(l.house.Config.Collections[i].Rules)
	}
	for _, b := range l.traffic.at(trace.Access, trace.Schema) {
		refused += b.n
	}
	s.State = console.Well
	s.Sentence = fmt.Sprintf("%s of %s; %s refused in the last 5 minutes", terminal.Count(rules, "rule"), terminal.Count(len(l.house.Config.Collections), "collection"), terminal.Count(refused, "request"))
	l.told(&s, failedPart, never, trace.Access, trace.Schema)
	return s
}

const (
	diskLow  = 1 << 30   // bytes free below which somebody should look
	diskNone = 128 << 20 // and below which writes will fail soon
)

// store is the database: its pool, its writer, its disk.
func (l *look) store() console.Station {
	s := console.Station{Layer: trace.Pool.String(), Title: "Store", State: console.Well, Where: l.where("store")}
	st := l.of.Store.Stats()
	size := disk.Size(l.house.Config.Store.Database)
	s.Sentence = fmt.Sprintf("%d of %d readers are at work, %s waiting, %s", st.Busy, st.Total, terminal.Count(st.Waiting, "request"), bytesText(size))
	if st.Busy >= st.Total && st.Waiting > 0 {
		s.State, s.Fix, s.Where = console.Warn, trace.ReasonOf("store.pool_exhausted").Fix(), l.where("store", "pool", "max")
		s.Sentence = fmt.Sprintf("the pool is full: all %d readers are at work, and %s for one", st.Total, waits(st.Waiting))
	}
	t := console.Table{Title: "Database", Columns: []string{"what", "how much"}}
	add := func(what, text string, state console.State) {
		t.Rows = append(t.Rows, console.Row{State: state, Cells: []string{what, text}})
	}
	add("file", l.house.Config.Store.Database, console.Well)
	add("size", bytesText(size), console.Well)
	add("readers at work", fmt.Sprintf("%d of %d", st.Busy, st.Total), s.State)
	add("waiting for one", fmt.Sprint(st.Waiting), s.State)
	add("writes since the start", fmt.Sprintf("%d in %d commits", st.Writes, st.Commits), console.Well)
	if free, ok := disk.Free(declare.DataFolder(l.house.Config)); ok {
		state := console.Well
		switch {
		case free < diskNone:
			state = console.Down
			s.State, s.Sentence = console.Down, "the disk is full: "+bytesText(int64(free))+" are left"
		case free < diskLow:
			state = console.Warn
			if s.State == console.Well {
				s.State, s.Sentence = console.Warn, "the disk is nearly full: "+bytesText(int64(free))+" are left"
			}
		}
		if state != console.Well {
			s.Fix = "make room on the disk of " + declare.DataFolder(l.house.Config)
		}
		add("free on its disk", bytesText(int64(free)), state)
	}
	s.Tables = append(s.Tables, t)
	if held := l.holders(); len(held.Rows) > 0 {
		s.Tables = append(s.Tables, held)
	}
	l.told(&s, failedPart, never, trace.Pool, trace.SQL, trace.Commit, trace.Files)
	return s
}

const (
	holdersMost = 20          // how many holders of connections an overview shows
	heldLong    = time.Second // after so long, somebody should look what a request does with its connection
)

// holders is who has connections of the database now, who has one longest first.
func (l *look) holders() console.Table {
	t := console.Table{Title: "Who has a connection", Columns: []string{"for", "way", "since", "journey"}}
	for i, h := range l.of.Store.Holders() {
		if i == holdersMost {
			break
		}
		way, work, id := "reads", h.Work, "-"
		if h.Writes {
			way = "writes"
		}
		if work == "" {
			work = "-"
		}
		if h.ID != "" {
			id = h.ID[:8]
		}
		held := l.now.Sub(h.Since)
		r := console.Row{State: console.Well, Cells: []string{work, way, fmt.Sprintf("%d ms", max(0, held.Milliseconds())), id}}
		r.Where = l.of.Book.Where(l.config, &trace.Hop{Layer: trace.SQL, Name: h.Work})
		if held > heldLong {
			r.State = console.Warn
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func waits(n int) string {
	if n == 1 {
		return "1 request waits"
	}
	return fmt.Sprintf("%d requests wait", n)
}

// bytesText writes a size in the unit that fits.
func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}

// streams is who watches.
func (l *look) streams() console.Station {
	s := console.Station{Layer: trace.Stream.String(), Title: "Streams", State: console.Well}
	st := l.of.Streams.Stats()
	s.Sentence = fmt.Sprintf("%s open, %s watched", terminal.Count(st.Connections, "stream"), terminal.Count(st.Topics+st.Inboxes+st.Channels, "topic"))
	if st.Behind > behindMost {
		s.State, s.Sentence = console.Warn, fmt.Sprintf("those who watch are %d changes behind", st.Behind)
		s.Fix = "look at the load of the machine: more is written than can be told"
	}
	s.Tables = append(s.Tables, console.Table{Title: "Who watches", Columns: []string{"what", "how many"}, Rows: []console.Row{
		{State: console.Well, Cells: []string{"streams", fmt.Sprint(st.Connections)}},
		{State: console.Well, Cells: []string{"topics", fmt.Sprint(st.Topics)}},
		{State: console.Well, Cells: []string{"inboxes", fmt.Sprint(st.Inboxes)}},
		{State: console.Well, Cells: []string{"channels", fmt.Sprint(st.Channels)}},
		{State: s.State, Cells: []string{"changes behind", fmt.Sprint(st.Behind)}},
	}})
	l.told(&s, failedPart, never, trace.Stream)
	return s
}

// behindMost is how many changes those who watch may be behind before somebody should look.
const behindMost = 1000

// webhooks is what waits for other programs.
func (l *look) webhooks(ctx context.Context) console.Station {
	s := console.Station{Layer: trace.Webhook.String(), Title: "Webhooks", State: console.Off, Sentence: "no webhook is declared", Where: l.where("webhooks")}
	if len(l.house.Config.Webhooks) == 0 {
		return s
	}
	l.jobs(ctx, &s, store.JobWebhook, func(kind string) (name, where string) {
		name = strings.TrimPrefix(kind, store.JobWebhook)
		return name, l.where("webhooks", name)
	})
	l.told(&s, failedPart, refusedPart, trace.Webhook)
	return s
}

// push is what waits for devices.
func (l *look) push(ctx context.Context) console.Station {
	s := console.Station{Layer: trace.WebPush.String(), Title: "Push", State: console.Off, Sentence: "no notification goes to devices", Where: l.where("push")}
	if !l.channel("push") {
		return s
	}
	l.jobs(ctx, &s, store.JobPush, func(kind string) (string, string) { return kind, l.where("push") })
	l.told(&s, failedPart, never, trace.WebPush)
	return s
}

// mail is what waits for mailboxes.
func (l *look) mail(ctx context.Context) console.Station {
	s := console.Station{Layer: trace.Mail.String(), Title: "Mail", State: console.Off, Sentence: "no e-mail is sent", Where: l.where("mail")}
	if l.house.Config.Mail == nil {
		return s
	}
	l.jobs(ctx, &s, store.JobEmail, func(kind string) (string, string) { return kind, l.where("mail") })
	l.told(&s, failedPart, refusedPart, trace.Mail)
	return s
}

// channel reports whether a kind of notification goes over a channel.
func (l *look) channel(name string) bool {
	for i := range l.house.Config.Notices {
		for _, c := range l.house.Config.Notices[i].Channels {
			if c == name {
				return true
			}
		}
	}
	return false
}

// jobs is what waits in the outbox, and what was given up.
func (l *look) jobs(ctx context.Context, s *console.Station, prefix string, named func(kind string) (name, where string)) {
	s.State = console.Well
	counts, err := l.of.Store.CountJobs(ctx, prefix)
	if err != nil {
		s.State, s.Sentence = console.Warn, "what waits could not be counted: "+terminal.Explain(err)
		return
	}
	t := console.Table{Title: "Waiting", Columns: []string{"for", "waiting", "oldest", "dead letters"}}
	waiting, dead, cause := 0, 0, ""
	for i := range counts {
		c := &counts[i]
		name, where := named(c.Kind)
		r := console.Row{State: console.Well, Where: where, Note: c.Error, Cells: []string{name, fmt.Sprint(c.Waiting), "-", fmt.Sprint(c.Dead)}}
		if c.Waiting > 0 {
			r.Cells[2] = terminal.Age(l.now.Sub(c.Oldest))
		}
		if c.Dead > 0 || c.Error != "" && c.Waiting > 0 {
			r.State = console.Warn
			if s.State == console.Well {
				s.State, s.Where, cause = console.Warn, where, c.Error
			}
		}
		waiting, dead = waiting+c.Waiting, dead+c.Dead
		t.Rows = append(t.Rows, r)
	}
	s.Sentence = fmt.Sprintf("%s waiting, %s", terminal.Count(waiting, "message"), terminal.Count(dead, "dead letter"))
	if cause != "" {
		s.Sentence += " (" + cause + ")"
	}
	if dead > 0 && prefix == store.JobWebhook {
		s.Fix = "roundtrip webhooks dead lists them, roundtrip webhooks replay sends them again"
	}
	if len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
}

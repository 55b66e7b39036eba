package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// inboxEvent is something that inboxes are to be told. Like sums, events are gathered while ops run and written once for
// the whole group, so that a thousand likes of one photo are one entry, one inbox and one number.
type inboxEvent struct {
	what    eventKind
	account roundtrip.ID // whose inbox; 0 where that is not known yet
	by      trace.ID     // the journey that caused it

	// told: somebody did something. withdrawn: the record that told of it is gone.
	notice     *roundtrip.Notice
	action     roundtrip.Action
	collection int32
	source     roundtrip.ID
	actor      roundtrip.ID
	group      string
	bucket     int64
	data       string

	mark   store.InboxMark  // marked
	result *roundtrip.Inbox // marked: the numbers of the inbox, once all is written
	note   roundtrip.ID     // expired
}

type eventKind uint8

const (
	told         eventKind = iota + 1
	withdrawn              // a record is gone, and with it its part in any entry
	accountEnded           // an account is gone with its inbox; whoever has its id after it starts anew
	marked                 // an account marks entries
	expired                // an entry has been kept long enough
	recounted              // other kinds are declared now
)

// schemaNow returns the schema for which this transaction writes.
func (t *tx) schemaNow() *tables {
	if t.next != nil {
		return t.next
	}
	return t.s.tables.Load()
}

// tells reports whether a write of a collection causes notifications.
func (t *tx) tells(c *roundtrip.Collection, action roundtrip.Action) bool {
	for _, n := range t.schemaNow().notices[c] {
		if n.Declared.On(c, action) {
			return true
		}
	}
	return false
}

// notify notes whom a write tells of what. It runs after the write: if it fails, the write must not stay.
func (t *tx) notify(tb *table, action roundtrip.Action, record *roundtrip.Record) error {
	now := tb.now
	if now == nil || !t.tells(now.c, action) {
		return nil
	}
	if now != tb {
		record = recordOf(now.c, tb.c, record)
	}
	for _, n := range t.schemaNow().notices[now.c] {
		if !n.Declared.On(now.c, action) {
			continue
		}
		e, err := t.event(now, n, record)
		if err != nil {
			t.broken = t.broken || !t.deep
			return failed("inbox.event", err, t.conn.Late())
		}
		if e.To != 0 {
			t.announce(n, action, record.ID(), e)
		} else if action == roundtrip.Update {
			t.happen(inboxEvent{what: withdrawn, notice: n.Declared, collection: now.c.Number, source: record.ID()})
		}
	}
	return nil
}

// recordOf is a record of an older schema as one of the schema in force.
func recordOf(now, was *roundtrip.Collection, record *roundtrip.Record) *roundtrip.Record {
	out := roundtrip.NewRecord(now)
	for i, f := range now.Fields {
		if at, ok := position(was, f); ok {
			out.Put(i, record.Values[at])
		}
	}
	return out
}

// event computes what a notification comes to: in memory where the record says all of it, else by one statement over its
// values.
func (t *tx) event(tb *table, n *policy.Notice, record *roundtrip.Record) (e policy.Event, err error) {
	if n.Local() {
		return n.EventOf(record), nil
	}
	if err := t.settle(tb, record.ID(), n.ReadsCounts()); err != nil {
		return e, err
	}
	b := &t.sql
	b.Reset()
	b.Raw("SELECT ")
	n.AppendColumns(b)
	b.Raw(" FROM (SELECT ")
	for i, f := range tb.c.Fields {
		if i > 0 {
			b.Raw(", ")
		}
		b.Arg(record.Values[i]).Raw(" AS ").Name(f.Name)
	}
	b.Raw(") AS r")
	_, err = t.first(func(st *raw.Stmt) { e = n.Event(record, st) })
	return e, err
}

// happen notes something that inboxes are to be told.
func (t *tx) happen(e inboxEvent) {
	if t.op != nil {
		e.by = t.op.by
	}
	t.events = append(t.events, e)
}

func (t *tx) announce(n *policy.Notice, action roundtrip.Action, source roundtrip.ID, e policy.Event) {
	out := inboxEvent{
		what: told, notice: n.Declared, action: action, account: e.To, actor: e.By,
		collection: n.Collection.Number, source: source, data: "[]",
	}
	if n.FromCaller(action) {
		out.actor = t.caller()
	}
	if n.Declared.Group.Source == "" {
		out.group = ownEntry + strconv.Itoa(int(n.Collection.Number)) + ":" + source.String()
	} else {
		out.group = groupText(e.Group)
		out.bucket = t.now.UnixMicro() / max(n.Declared.Within.Microseconds(), 1)
	}
	if len(e.Data) > 0 {
		text, err := json.Marshal(e.Data)
		if err == nil { // texts always can be
			out.data = string(text)
		}
	}
	t.happen(out)
}

// caller returns the account that the running op is of, 0 for none.
func (t *tx) caller() roundtrip.ID {
	if t.op == nil || t.op.permit == nil || t.op.permit.Principal() == nil {
		return 0
	}
	return t.op.permit.Principal().ID
}

// How the group of an entry is kept: what it gathers, or the record that has it for itself.
const (
	ownEntry    = "s"
	sharedEntry = "g"
	groupMaxLen = 200
)

// groupText writes what an entry gathers as text. A long text is kept as its hash.
func groupText(v roundtrip.Value) string {
	switch v.Kind() {
	case roundtrip.IDValue:
		return sharedEntry + v.ID().String()
	case roundtrip.BoolValue:
		return sharedEntry + strconv.FormatBool(v.Bool())
	case roundtrip.TimeValue:
		return sharedEntry + v.Time().Format(time.RFC3339Nano)
	case roundtrip.IntValue, roundtrip.FloatValue:
		return sharedEntry + strconv.FormatInt(v.Int(), 10)
	case roundtrip.TextValue, roundtrip.JSONValue:
		if s := v.Text(); len(s) <= groupMaxLen {
			return sharedEntry + s
		}
		sum := sha256.Sum256([]byte(v.Text()))
		return sharedEntry + hex.EncodeToString(sum[:])
	case roundtrip.Null:
	}
	return sharedEntry
}

// withdraw notes that a record is gone.
func (t *tx) withdraw(c *roundtrip.Collection, id roundtrip.ID) {
	if t.schemaNow().sourced[c.Number] {
		t.happen(inboxEvent{what: withdrawn, collection: c.Number, source: id})
	}
}

// notifyGone tells of the end of records.
func (t *tx) notifyGone(tb *table, records []*roundtrip.Record) error {
	for _, r := range records {
		if err := t.notify(tb, roundtrip.Delete, r); err != nil {
			return err
		}
	}
	return nil
}

// adoptKinds takes notifications of other kinds into force than before: entries whose kind is no longer declared stay, but
// are neither listed nor counted until it is declared again.
func (t *tx) adoptKinds(next *tables) error {
	for at := int64(0); ; { // one look at the index for each collection
		n, err := readInt(t.conn, "SELECT min(collection) FROM _note_sources WHERE collection > ?", roundtrip.Int(at))
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		next.sourced[int32(n)] = true
		at = n
	}
	declared := map[string]bool{}
	for kind := range next.kinds {
		declared[kind] = true
	}
	before := map[string]bool{}
	err := t.query("SELECT name FROM _kinds", func(st *raw.Stmt) { before[st.Text(0)] = true })
	if err != nil {
		return err
	}
	for kind := range declared {
		if !before[kind] {
			if err := t.exec("INSERT INTO _kinds (name) VALUES (?)", roundtrip.Text(kind)); err != nil {
				return err
			}
			if err := t.recountKind(kind); err != nil {
				return err
			}
		}
	}
	for kind := range before {
		if !declared[kind] {
			if err := t.exec("DELETE FROM _kinds WHERE name = ?", roundtrip.Text(kind)); err != nil {
				return err
			}
			if err := t.recountKind(kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// recountKind notes the entries of a kind that came or went as a whole.
func (t *tx) recountKind(kind string) error {
	return t.query("SELECT account, id FROM _notes WHERE kind = ? AND count > 0", func(st *raw.Stmt) {
		t.happen(inboxEvent{what: recounted, account: roundtrip.ID(st.Int(0)), note: roundtrip.ID(st.Int(1))})
	}, roundtrip.Text(kind))
}

// query runs a fixed statement and gives all rows to fn.
func (t *tx) query(sql string, fn func(*raw.Stmt), args ...roundtrip.Value) error {
	t.sql.Reset()
	t.sql.Raw(sql)
	t.sql.Args = append(t.sql.Args, args...)
	return t.each(func(st *raw.Stmt) bool { fn(st); return true })
}

package rpc

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// reply is a message of the hub: its members, as they are. Its methods put them into the shape of a message of protobuf,
// still as JSON.
type reply struct {
	topic   string
	members map[string]jsontext.Value
	err     error // the first that was met while it was taken apart
}

// takeApart reads the members of a message. The values are parts of b.
func takeApart(b []byte) (*reply, error) {
	r := &reply{members: map[string]jsontext.Value{}}
	err := eachMember(b, func(name string, v jsontext.Value) { r.members[name] = v })
	if err != nil {
		return nil, err
	}
	if t, ok := r.members["topic"]; ok {
		topic, err := jsontext.AppendUnquote(nil, t)
		if err != nil {
			return nil, err
		}
		r.topic = string(topic)
	}
	return r, nil
}

// collectionOf is that of a topic of records.
func collectionOf(topic string) string {
	if i := strings.IndexAny(topic, "?/"); i >= 0 {
		return topic[:i]
	}
	return topic
}

func (r *reply) collection() string { return collectionOf(r.topic) }

func (r *reply) isInbox() bool { return r.topic == inboxTopic }

// watch is a message of Watch.
func (r *reply) watch() []byte {
	var o object
	if list, ok := r.members["snapshot"]; ok {
		o.nest("snapshot", func() {
			o.put(r.collection(), list)
			o.take(r, "reset")
		})
	}
	o.take(r, "changes")
	o.takeAs(r, "cursor", "resume_token")
	return o.close()
}

// watchInbox is a message of Inbox.Watch.
func (r *reply) watchInbox() []byte {
	var o object
	if list, ok := r.members["snapshot"]; ok {
		o.nest("snapshot", func() {
			o.list("notifications", list, r, notification)
			o.take(r, "reset")
		})
	}
	if list, ok := r.members["changes"]; ok {
		o.list("changes", list, r, inboxChange)
	}
	o.numbers(r)
	o.takeAs(r, "cursor", "resume_token")
	return o.close()
}

// open is a message of Live.Open.
func (r *reply) open() []byte {
	var o object
	o.take(r, "id")
	o.take(r, "topic")
	o.takeAs(r, "cursor", "resume_token")
	snapshot, isSnapshot := r.members["snapshot"]
	changes, isChanges := r.members["changes"]
	switch {
	case r.members["error"] != nil:
		o.nest("error", func() { o.problem(r) })
	case r.isInbox() && isSnapshot:
		o.nest("inbox_snapshot", func() {
			o.list("notifications", snapshot, r, notification)
			o.take(r, "reset")
			o.numbers(r)
		})
	case r.isInbox() && isChanges:
		o.nest("inbox_changes", func() {
			o.list("changes", changes, r, inboxChange)
			o.numbers(r)
		})
	case isSnapshot:
		o.nest("snapshot", func() {
			o.list("records", snapshot, r, func(o *object, r *reply, v jsontext.Value) { o.put(r.collection(), v) })
			o.take(r, "reset")
		})
	case isChanges:
		o.nest("changes", func() { o.list("changes", changes, r, recordChange) })
	case r.members["presence"] != nil:
		o.nest("presence", func() { o.takeAs(r, "presence", "there") })
	case r.members["data"] != nil:
		o.nest("sent", func() {
			o.take(r, "from")
			o.take(r, "data")
		})
	case r.members["head"] != nil || r.members["joined"] != nil || r.members["left"] != nil:
		o.take(r, "head")
		o.take(r, "joined")
		o.take(r, "left")
	default: // an order was done, or the client is on a channel that does not tell who is there
		o.put("ok", jsontext.Value("true"))
	}
	return o.close()
}

// recordChange says of which collection the record is that is put.
func recordChange(o *object, r *reply, v jsontext.Value) {
	r.each(v, func(name string, v jsontext.Value) {
		if name == "put" {
			o.nest("put", func() { o.put(r.collection(), v) })
			return
		}
		o.put(name, v)
	})
}

func inboxChange(o *object, r *reply, v jsontext.Value) {
	r.each(v, func(name string, v jsontext.Value) {
		if name == "put" {
			o.nest("put", func() { notification(o, r, v) })
			return
		}
		o.put(name, v)
	})
}

// notification puts the names of its actors apart from their ids: which names there are is declared.
func notification(o *object, r *reply, v jsontext.Value) {
	r.each(v, func(name string, v jsontext.Value) {
		if name == "actors" {
			o.list("actors", v, r, actor)
			return
		}
		o.put(name, v)
	})
}

func actor(o *object, r *reply, v jsontext.Value) {
	r.each(v, func(name string, v jsontext.Value) {
		if name == "id" {
			o.put(name, v)
		}
	})
	o.nest("names", func() {
		r.each(v, func(name string, v jsontext.Value) {
			if name != "id" {
				o.put(name, v)
			}
		})
	})
}

// each goes through the members of an object that is part of the message.
func (r *reply) each(v jsontext.Value, do func(name string, v jsontext.Value)) {
	if err := eachMember(v, do); err != nil && r.err == nil {
		r.err = err
	}
}

// object writes an object of JSON.
type object struct {
	b     []byte
	inner bool // a member stands before what comes
}

func (o *object) name(name string) {
	switch {
	case o.inner:
		o.b = append(o.b, ',')
	case len(o.b) == 0:
		o.b = append(o.b, '{')
	}
	o.inner = true
	o.b, _ = jsontext.AppendQuote(o.b, name) // its only error is about bad UTF-8, which it has replaced by then
	o.b = append(o.b, ':')
}

// put adds a member.
func (o *object) put(name string, v jsontext.Value) {
	o.name(name)
	o.b = append(o.b, v...)
}

// take adds a member of the hub's message, if it has it.
func (o *object) take(r *reply, name string) { o.takeAs(r, name, name) }

func (o *object) takeAs(r *reply, name, as string) {
	if v, ok := r.members[name]; ok {
		o.put(as, v)
	}
}

// nest adds an object whose members do puts.
func (o *object) nest(name string, do func()) {
	o.name(name)
	o.within(do)
}

func (o *object) within(do func()) {
	o.b, o.inner = append(o.b, '{'), false
	do()
	o.b, o.inner = append(o.b, '}'), true
}

// list adds a list of objects, of which do writes each from an element.
func (o *object) list(name string, of jsontext.Value, r *reply, do func(*object, *reply, jsontext.Value)) {
	o.name(name)
	o.b = append(o.b, '[')
	first := true
	err := eachElement(of, func(v jsontext.Value) {
		if !first {
			o.b = append(o.b, ',')
		}
		first = false
		o.within(func() { do(o, r, v) })
	})
	if err != nil && r.err == nil {
		r.err = err
	}
	o.b = append(o.b, ']')
}

// numbers adds what the badge of an inbox shows.
func (o *object) numbers(r *reply) {
	o.nest("numbers", func() {
		for _, name := range [...]string{"unread", "unseen", "seq", "read_through", "seen_through"} {
			o.take(r, name)
		}
	})
}

// problem adds the members of a problem (RFC 9457) that a message of Live has.
func (o *object) problem(r *reply) {
	r.each(r.members["error"], func(name string, v jsontext.Value) {
		switch name {
		case "code", "reason", "journey":
			o.put(name, v)
		case "detail":
			o.put("message", v)
		}
	})
}

func (o *object) close() []byte {
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	}
	return append(o.b, '}')
}

// eachMember goes through the members of an object. The values are parts of b.
func eachMember(b []byte, do func(name string, v jsontext.Value)) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		end := d.InputOffset()
		do(name, b[end-int64(len(v)):end])
	}
	_, err := d.ReadToken()
	return err
}

// eachElement goes through the elements of an array. The values are parts of b.
func eachElement(b []byte, do func(v jsontext.Value)) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		end := d.InputOffset()
		do(b[end-int64(len(v)) : end])
	}
	return nil
}

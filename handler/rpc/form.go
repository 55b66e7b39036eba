package rpc

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// The forms in which a message of the hub leaves by this door: as an answer of Watch or of Live.Open, in either format.
const (
	watchProto live.Form = iota
	watchJSON
	openProto
	openJSON
)

// inboxTopic is the topic of an account's own notifications.
const inboxTopic = "inbox"

// forms writes what the hub has for a client as messages of one schema. It is a [live.Forms].
type forms struct {
	open  protoreflect.MessageDescriptor            // LiveResponse
	inbox protoreflect.MessageDescriptor            // WatchInboxResponse, nil where nobody is notified
	watch map[string]protoreflect.MessageDescriptor // WatchPhotosResponse, by collection
}

// newForms takes the messages of an interface.
func newForms(s *roundtrip.Schema, api *protobuf.API) *forms {
	f := &forms{open: api.Message("LiveResponse"), inbox: api.Message("WatchInboxResponse"), watch: map[string]protoreflect.MessageDescriptor{}}
	for _, c := range s.Collections {
		service := api.File().Services().ByName(protoreflect.Name(protobuf.ServiceName(c)))
		f.watch[c.Name] = service.Methods().ByName("Watch").Output()
	}
	return f
}

// watched is the message of a topic that is watched alone.
func (w *forms) watched(topic string) protoreflect.MessageDescriptor {
	if topic == inboxTopic {
		return w.inbox
	}
	return w.watch[collectionOf(topic)]
}

// Form writes a message: its JSON is put into the shape of the message, which is then written in its format.
func (w *forms) Form(form live.Form, f *live.Frame) ([]byte, error) {
	r, err := takeApart(f.JSON())
	if err != nil {
		return nil, roundtrip.Wrap("rpc.form", err)
	}
	text, of := r.open, w.open
	if form == watchProto || form == watchJSON {
		text, of = r.watch, w.watched(r.topic)
		if r.topic == inboxTopic {
			text = r.watchInbox
		}
	}
	shaped := text()
	if r.err != nil {
		return nil, roundtrip.Wrap("rpc.form", r.err)
	}
	if of == nil {
		return nil, roundtrip.Wrap("rpc.form", fmt.Errorf("no message for the topic %q", r.topic))
	}
	format := wire.Proto
	if form == watchJSON || form == openJSON {
		format = wire.JSON
	}
	b, err := wire.Transcode(nil, of, shaped, format)
	return b, roundtrip.Wrap("rpc.form", err)
}

// Forms writes messages of the hub as this door's answers, for [live.House].
func (d *Door) Forms() live.Forms { return d.forms }

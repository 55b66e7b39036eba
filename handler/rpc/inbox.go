package rpc

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
)

// inboxMethods is the service of an account's notifications; what is in an inbox lies in no cache. A browser subscribes to pushes
// at REST's door, with what only a browser has.
func (d *Door) inboxMethods() []method {
	return []method{
		{name: "List", reads: true, unary: private(d.owned("InboxPage", listInbox))},
		d.watchInbox(),
		{name: "MarkSeen", unary: private(d.owned("InboxNumbers", markSeen))},
		{name: "MarkRead", unary: private(d.owned("InboxNumbers", markRead))},
		{name: "GetPreferences", reads: true, unary: private(d.owned("Preferences", getPreferences))},
		{name: "SetPreferences", unary: private(d.owned("Preferences", setPreferences))},
	}
}

// owned is a method for somebody who is signed in. do gives its answer as JSON in the shape of a message.
func (d *Door) owned(name string, do func(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error)) func(context.Context, *call) error {
	of := d.api.Message(name)
	return func(ctx context.Context, c *call) error {
		who, err := c.desk().Account(ctx)
		if err != nil {
			return err
		}
		shaped, err := do(ctx, c, who.ID)
		if err != nil {
			return err
		}
		c.out, err = wire.Transcode(c.out, of, shaped, c.format)
		return roundtrip.Wrap("rpc.inbox", err)
	}
}

// listInbox gives a page of notifications.
func listInbox(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error) {
	var size int32
	var token string
	if err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "page_size", To: &size}, {Number: 2, Name: "page_token", To: &token}}); err != nil {
		return nil, err
	}
	page, err := c.door.core.Inbox().List(ctx, account, int(size), token)
	if err != nil {
		return nil, err
	}
	r, err := takeApart(page)
	if err != nil {
		return nil, roundtrip.Wrap("rpc.inbox", err)
	}
	shaped := r.inboxPage()
	return shaped, roundtrip.Wrap("rpc.inbox", r.err)
}

// inboxPage is the answer of Inbox.List.
func (r *reply) inboxPage() []byte {
	var o object
	o.list("notifications", r.members["notifications"], r, notification)
	o.numbers(r)
	o.take(r, "cursor")
	o.take(r, "next_page_token")
	return o.close()
}

// markSeen marks what the bell was opened on.
func markSeen(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error) {
	var through int64
	var given int32
	if err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "through", To: &through, Case: &given}}); err != nil {
		return nil, err
	}
	if given == 0 {
		return c.door.core.Inbox().SeenAll(ctx, account)
	}
	return c.door.core.Inbox().Seen(ctx, account, through)
}

// markRead marks notifications, or all of them.
func markRead(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error) {
	var texts []string
	var all bool
	if err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "ids", To: &texts}, {Number: 2, Name: "all", To: &all}}); err != nil {
		return nil, err
	}
	if (len(texts) > 0) == all {
		return nil, inbox.OneOf()
	}
	if all {
		return c.door.core.Inbox().ReadAll(ctx, account)
	}
	var call roundtrip.Call
	ids := make([]roundtrip.ID, 0, len(texts))
	for _, text := range texts {
		id, ok := roundtrip.ParseID(text)
		if !ok {
			input.Wrong(&call, "ids", "bad_id", "an id is "+roundtrip.IDForm)
			continue
		}
		ids = append(ids, id)
	}
	if len(call.Wrong) > 0 {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
	}
	return c.door.core.Inbox().Read(ctx, account, ids)
}

// getPreferences tells how somebody wants to be told.
func getPreferences(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error) {
	if err := wire.Read(c.format, c.in, nil); err != nil {
		return nil, err
	}
	return preferences(c.door.core.Inbox().Preferences(ctx, account))
}

// setPreferences changes what is given.
func setPreferences(ctx context.Context, c *call, account roundtrip.ID) ([]byte, error) {
	given := map[string]*map[string]bool{}
	err := wire.Read(c.format, c.in, wire.Table{{Number: 1, Name: "kinds", To: func(kind string) wire.Table {
		channels := &map[string]bool{}
		given[kind] = channels
		return wire.Table{{Number: 1, Name: "channels", To: channels}}
	}}})
	if err != nil {
		return nil, err
	}
	change := make(map[string]roundtrip.Preference, len(given))
	for kind, channels := range given {
		wants := make(roundtrip.Preference, len(*channels))
		for channel, on := range *channels {
			wants[roundtrip.Channel(channel)] = on
		}
		change[kind] = wants
	}
	return preferences(c.door.core.Inbox().SetPreferences(ctx, account, change))
}

// preferences puts what is declared into maps: {"liked":{"push":true}} is a message with
// {"kinds":{"liked":{"channels":{"push":true}}}}.
func preferences(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var o object
	o.nest("kinds", func() {
		err = eachMember(text, func(kind string, channels jsontext.Value) {
			o.nest(kind, func() { o.put("channels", channels) })
		})
	})
	return o.close(), roundtrip.Wrap("rpc.inbox", err)
}

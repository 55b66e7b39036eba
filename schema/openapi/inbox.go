package openapi

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// inbox writes down how an account reads its notifications. Without notifications there is nothing of it.
func (w *writer) inbox() {
	if len(w.schema.Notices) == 0 || w.schema.Accounts() == nil {
		return
	}
	w.tag("inbox", "The notifications of the account that is signed in. They are committed with what they tell of, and the numbers of the badge never contradict the list.")
	w.inboxSchemas()
	w.inboxReads()
	numbers := func() Answer {
		return Answer{Status: 200, Says: "The numbers, as they are now.", Type: jsonType, schema: schemaRef("InboxNumbers"), Headers: w.withRates(nil), Example: exampleNumbers}
	}
	errors := func() []Answer { return w.always("InvalidInbox", "OtherSite", "TooLarge", "MediaType") }
	w.add(Operation{
		ID: "markSeen", Method: "POST", Path: "/inbox/seen", Tag: "inbox", Title: "The bell was opened", SignedIn: true,
		Says: "What has a number up to `through` was seen. Without it: all there is.",
		Bodies: []Body{{Type: jsonType, Example: `{"through":17}`, schema: closed(object{{"type", "object"}, {"properties", object{
			{"through", object{{"type", "integer"}, {"format", "int64"}, {"minimum", 0}, {"description", "A `seq` of the inbox."}}},
		}}})}},
		Answers: append(errors(), numbers()),
	})
	w.add(Operation{
		ID: "markRead", Method: "POST", Path: "/inbox/read", Tag: "inbox", Title: "Mark as read", SignedIn: true,
		Says: "Some notifications, or all of them.",
		Bodies: []Body{{Type: jsonType, Example: `{"all":true}`, schema: object{{"oneOf", list{
			closed(object{{"type", "object"}, {"title", "some"}, {"required", []string{"ids"}}, {"properties", object{
				{"ids", object{{"type", "array"}, {"maxItems", 200}, {"items", schemaRef("ID")}}},
			}}}),
			closed(object{{"type", "object"}, {"title", "all"}, {"required", []string{"all"}}, {"properties", object{{"all", object{{"type", "boolean"}, {"const", true}}}}}}),
		}}}}},
		Answers: append(errors(), numbers()),
	})
	preferences := Answer{Status: 200, Says: "All of them, as they are now.", Type: jsonType, schema: schemaRef("Preferences"), Headers: w.readHeaders()}
	w.add(Operation{
		ID: "getPreferences", Method: "GET", Path: "/inbox/preferences", Tag: "inbox", Title: "Get preferences", SignedIn: true,
		Says: "On which channels the account wants which kinds.", Answers: append(w.always("InvalidParameter"), preferences),
	})
	preferences.Headers = w.withRates(nil)
	change := `{"` + w.schema.Notices[0].Name + `":{"inbox":false}}`
	w.add(Operation{
		ID: "setPreferences", Method: "PATCH", Path: "/inbox/preferences", Tag: "inbox", Title: "Set preferences", SignedIn: true,
		Says: "What is left out stays.",
		Bodies: []Body{
			{Type: patchType, Example: change, schema: schemaRef("PreferencesPatch")},
			{Type: jsonType, Example: change, schema: schemaRef("PreferencesPatch")},
		},
		Answers: append(errors(), preferences),
	})
	if w.pushes() {
		w.push(errors)
	}
}

func (w *writer) inboxReads() {
	page := `{"notifications":[` + w.note() + `],` + exampleNumbers[1:len(exampleNumbers)-1] + `,"cursor":"k3f9a2-1845"}`
	w.add(Operation{
		ID: "listInbox", Method: "GET", Path: "/inbox", Tag: "inbox", Title: "Read the inbox", SignedIn: true,
		Says: "A page, the newest first; or with `cursor` what has changed since. To be told at once, watch the topic `inbox` by `GET live`.",
		Parameters: []Parameter{w.pageSize(), w.share("inbox.page_token", Parameter{
			Name: "page_token", In: "query", schema: text(), Says: "The `next_page_token` of the page before.",
		}), w.share("inbox.cursor", Parameter{
			Name: "cursor", In: "query", schema: text(), Says: "Ask for what has changed since this `cursor`. It stands alone.",
		})},
		Answers: append(w.always("InvalidInbox"), Answer{
			Status: 200, Says: "A page, or one message with what has changed.", Type: jsonType, Headers: w.readHeaders(), Example: page,
			schema: object{{"oneOf", list{schemaRef("InboxPage"), schemaRef("InboxMessage")}}},
		}),
	})
}

// pushes reports whether any notification is pushed to browsers.
func (w *writer) pushes() bool {
	for _, n := range w.schema.Notices {
		if n.Has(roundtrip.ChannelPush) {
			return true
		}
	}
	return false
}

func (w *writer) push(errors func() []Answer) {
	w.put("PushSubscription", object{
		{"type", "object"},
		{"description", "What `PushSubscription.toJSON()` gives in a browser."},
		{"required", []string{"endpoint", "keys"}},
		{"properties", object{
			{"endpoint", object{{"type", "string"}, {"format", "uri"}}},
			{"expirationTime", object{{"type", []string{"number", "null"}}}},
			{"keys", object{{"type", "object"}, {"required", []string{"p256dh", "auth"}}, {"properties", object{{"p256dh", text()}, {"auth", text()}}}}},
		}},
	})
	w.add(Operation{
		ID: "getPushKey", Method: "GET", Path: "/inbox/push", Tag: "inbox", Title: "Get the key for pushes", SignedIn: true,
		Says: "The server's VAPID key, for `pushManager.subscribe`.",
		Answers: append(w.always("InvalidParameter"), Answer{
			Status: 200, Says: "The key, in Base64url.", Type: jsonType, Headers: w.readHeaders(),
			schema: object{{"type", "object"}, {"required", []string{"key"}}, {"properties", object{{"key", text()}}}},
		}),
	})
	w.add(Operation{
		ID: "subscribePush", Method: "POST", Path: "/inbox/push", Tag: "inbox", Title: "Push to this browser", SignedIn: true,
		Says: "For as long as the session.", Bodies: []Body{{Type: jsonType, schema: schemaRef("PushSubscription")}},
		Answers: append(errors(), Answer{Status: 204, Says: "It is kept.", Headers: w.withRates(nil)}),
	})
	w.add(Operation{
		ID: "unsubscribePush", Method: "DELETE", Path: "/inbox/push", Tag: "inbox", Title: "Push no more", SignedIn: true,
		Says: "One that is not there is no error.",
		Bodies: []Body{{Type: jsonType, Example: `{"endpoint":"https://push.example/abc"}`, schema: closed(object{
			{"type", "object"}, {"required", []string{"endpoint"}}, {"properties", object{{"endpoint", text()}}},
		})}},
		Answers: append(errors(), Answer{Status: 204, Says: "It is dropped.", Headers: w.withRates(nil)}),
	})
}

const exampleNumbers = `{"unread":3,"unseen":1,"seq":17,"read_through":12,"seen_through":16}`

// numbers are the members that come with everything of an inbox.
func numbers() object {
	number := func(says string) object {
		return object{{"type", "integer"}, {"format", "int64"}, {"minimum", 0}, {"description", says}}
	}
	return object{
		{"unread", number("Notifications that are not read.")},
		{"unseen", number("Those that came, or grew, since the bell was opened.")},
		{"seq", number("Of the last thing that happened in the inbox.")},
		{"read_through", number("Notifications whose `bumped` is not above it are read.")},
		{"seen_through", number("And those are seen.")},
	}
}

func (w *writer) inboxSchemas() {
	names := []string{"unread", "unseen", "seq", "read_through", "seen_through"}
	w.put("Notification", w.notification())
	w.put("InboxNumbers", object{{"type", "object"}, {"description", "What a badge shows."}, {"required", names}, {"properties", numbers()}})
	w.put("InboxPage", object{
		{"type", "object"},
		{"description", "A page of an inbox, the newest first."},
		{"required", append([]string{"notifications", "cursor"}, names...)},
		{"properties", append(object{{"notifications", object{{"type", "array"}, {"items", schemaRef("Notification")}}}}, numbers()...).and(
			member{"cursor", object{{"type", "string"}, {"description", "To ask, or watch, for what changes from here."}}},
			member{"next_page_token", object{{"type", "string"}, {"description", "For the next page; not there on the last one."}}},
		)},
	})
	w.put("InboxMessage", message("What is sent to those who watch `inbox`.", schemaRef("Notification"), numbers()...))
	var all, some object
	var kinds []string
	for _, n := range w.schema.Notices {
		var channels object
		var required []string
		for _, c := range n.Channels {
			channels, required = channels.with(string(c), object{{"type", "boolean"}}), append(required, string(c))
		}
		all = all.with(n.Name, object{{"type", "object"}, {"required", required}, {"properties", channels}})
		some = some.with(n.Name, closed(object{{"type", "object"}, {"properties", channels}}))
		kinds = append(kinds, n.Name)
	}
	w.put("Preferences", object{{"type", "object"}, {"description", "On which channels an account wants each kind of notification."}, {"required", kinds}, {"properties", all}})
	w.put("PreferencesPatch", closed(object{{"type", "object"}, {"description", "The channels to change."}, {"properties", some}}))
}

// actor is who did what a notification tells of.
func (w *writer) actor() object {
	o := object{{"id", schemaRef("ID")}}
	users := w.schema.Accounts()
	for _, name := range w.Login {
		if i, ok := users.Lookup(name); ok && users.Fields[i].Type != roundtrip.TypeEmail {
			o = o.with(name, object{{"type", []string{"string", "null"}}})
		}
	}
	return object{{"type", "object"}, {"required", []string{"id"}}, {"properties", o}}
}

func (w *writer) notification() object {
	var kinds, from []string
	for _, n := range w.schema.Notices {
		kinds = append(kinds, n.Name)
		for _, t := range n.When {
			if !contains(from, t.Collection.Name) {
				from = append(from, t.Collection.Name)
			}
		}
	}
	whole := func(says string) object {
		return object{{"type", "integer"}, {"format", "int64"}, {"description", says}}
	}
	moment := object{{"type", "string"}, {"format", "date-time"}}
	return object{
		{"type", "object"},
		{"description", "One entry of an inbox: all events of one kind that are gathered in it. Kinds: " + strings.Join(codes(kinds), ", ") + "."},
		{"required", []string{"id", "kind", "seq", "bumped", "read", "count", "actors", "text", "create_time", "update_time"}},
		{"properties", object{
			{"id", schemaRef("ID")},
			{"kind", object{{"type", "string"}, {"enum", kinds}}},
			{"seq", whole("Of the last thing that happened to it.")},
			{"bumped", whole("Of the newest event in it.")},
			{"read", object{{"type", "boolean"}}},
			{"count", whole("How many different people.")},
			{"actors", object{{"type", "array"}, {"maxItems", 3}, {"items", w.actor()}, {"description", "The last three of them, newest first."}}},
			{"text", object{{"type", "string"}, {"description", "The whole sentence."}}},
			{"group", object{{"type", "string"}, {"description", "What they are counted by; not there where each record has an entry of its own."}}},
			{"collection", object{{"type", "string"}, {"description", "Of the newest record that caused it: " + strings.Join(codes(from), ", ") + "."}}},
			{"record", schemaRef("ID")},
			{"create_time", moment},
			{"update_time", moment},
		}},
		{"examples", list{raw(w.note())}},
	}
}

func (w *writer) note() string {
	n := w.schema.Notices[0]
	record, collection := "0am5terb8ff00", "records"
	if len(n.When) > 0 {
		record, collection = w.ids[n.When[0].Collection], n.When[0].Collection.Name
	}
	return `{"id":"0am5terb80001","kind":"` + n.Name + `","seq":17,"bumped":16,"read":false,"count":1,"actors":[{"id":"` + w.ids[w.schema.Accounts()] + `"}],` +
		`"text":"ana was here","collection":"` + collection + `","record":"` + record + `","create_time":"` + exampleTime + `","update_time":"` + exampleTime + `"}`
}

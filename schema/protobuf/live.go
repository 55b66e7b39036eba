package protobuf

import "google.golang.org/protobuf/types/descriptorpb"

// live adds the service that carries many topics in one call.
func (b *builder) live() {
	b.section("many topics in one call")
	b.service("Live", "Many topics in one call: collections, single records, the inbox and channels.",
		line{"Open stream LiveRequest stream LiveResponse", ""})
	m := b.message("LiveRequest", "", line{"int64 id = 1", "A number of your choice, which comes back with the answer."})
	b.oneof(m, "what",
		line{"string auth = 2", "The token of a session, where the call's metadata have none."},
		line{"LiveRequest.Subscribe subscribe = 3", ""},
		line{"string unsubscribe = 4", "A topic. Nothing of it comes after the answer."},
		line{"string ack = 5", "A resume_token: the person has been shown what the inbox had up to there."},
		line{"LiveRequest.Send send = 6", ""},
		line{"bool ping = 7", ""},
	)
	b.nest(m, "Subscribe", "",
		line{"string topic = 1", "As one would ask for it with GET: photos?filter=likes > 10, photos/ID, inbox, channel/NAME/KEY. Values are percent-encoded."},
		line{"string resume_token = 2", "The last one of the topic: go on from there."},
	)
	b.nest(m, "Send", "", line{"string topic = 1", "channel/NAME/KEY"}, line{"google.protobuf.Value data = 2", ""})

	m = b.message("LiveResponse", "",
		line{"int64 id = 1", "Of the request that it answers, if it answers one."},
		line{"string topic = 2", ""},
		line{"string resume_token = 3", "Everything of the topic up to here has been sent."},
	)
	b.happens(m)
}

// happens adds what one message of the stream may tell of.
func (b *builder) happens(m *descriptorpb.DescriptorProto) {
	lines := []line{
		{"bool ok = 4", "What was asked for is done."},
		{"LiveResponse.Snapshot snapshot = 5", ""},
		{"LiveResponse.Changes changes = 6", ""},
	}
	if b.notifies() {
		lines = append(lines, line{"LiveResponse.InboxSnapshot inbox_snapshot = 7", ""}, line{"LiveResponse.InboxChanges inbox_changes = 8", ""})
	}
	lines = append(lines,
		line{"LiveResponse.Presence presence = 9", ""},
		line{"google.protobuf.Struct joined = 10", "Who came to the channel: id and names."},
		line{"google.protobuf.Struct left = 11", "Who left it."},
		line{"LiveResponse.Sent sent = 12", ""},
		line{"string head = 13", "A resume_token for all topics of the call; it comes at least every 25 seconds."},
		line{"LiveResponse.Problem error = 14", ""},
	)
	b.oneof(m, "what", lines...)
	b.nest(m, "Snapshot", "Drop what you hold of the topic, and take this.",
		line{"repeated Record records = 1", ""}, line{"string reset = 2", "Why the topic could not go on from its resume_token."})
	changes := b.nest(m, "Changes", "", line{"repeated LiveResponse.Changes.Change changes = 1", ""})
	b.oneof(b.nest(changes, "Change", ""), "what", line{"Record put = 1", ""}, line{"string removed = 2", "The id of a record that is gone, or out of sight."})
	if b.notifies() {
		b.nest(m, "InboxSnapshot", "",
			line{"repeated Notification notifications = 1", ""}, line{"string reset = 2", ""}, line{"InboxNumbers numbers = 3", ""})
		b.nest(m, "InboxChanges", "",
			line{"repeated WatchInboxResponse.Change changes = 1", ""}, line{"InboxNumbers numbers = 2", ""})
	}
	b.nest(m, "Presence", "", line{"repeated google.protobuf.Struct there = 1", "Who is on the channel: id and names."})
	b.nest(m, "Sent", "Somebody sent this on the channel.",
		line{"google.protobuf.Struct from = 1", "Not there for a stranger."}, line{"google.protobuf.Value data = 2", ""})
	b.nest(m, "Problem", "",
		line{"string code = 1", "permission_denied, invalid_argument …"},
		line{"string reason = 2", "More exactly, such as policy.denied."},
		line{"string message = 3", ""},
		line{"string journey = 4", "Names the request for whoever looks into it."},
	)
}

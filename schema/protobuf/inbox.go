package protobuf

// inbox adds the service of notifications, where some are declared.
func (b *builder) inbox() {
	if !b.notifies() {
		return
	}
	b.section("notifications")
	b.service("Inbox", "The notifications of the account that calls.",
		line{"read List ListInboxRequest InboxPage", "The newest first."},
		line{"Watch WatchInboxRequest stream WatchInboxResponse", "The newest ones as they are, then what changes, until the caller ends it."},
		line{"MarkSeen MarkSeenRequest InboxNumbers", "The bell was opened: nothing up to there is new any more."},
		line{"MarkRead MarkReadRequest InboxNumbers", ""},
		line{"read GetPreferences " + empty + " Preferences", ""},
		line{"SetPreferences Preferences Preferences", "Changes what is given, and answers with all of them."},
	)
	b.message("ListInboxRequest", "",
		line{"int32 page_size = 1", aboutSize},
		line{"string page_token = 2", "The next_page_token of the page before."},
	)
	b.message("InboxPage", "",
		line{"repeated Notification notifications = 1", ""},
		line{"InboxNumbers numbers = 2", ""},
		line{"string cursor = 3", "The resume_token for a Watch that goes on from here."},
		line{"string next_page_token = 4", "Empty on the last page."},
	)
	b.message("InboxNumbers", "What a badge shows.",
		line{"int64 unread = 1", ""},
		line{"int64 unseen = 2", "How many came, or grew, since the bell was opened."},
		line{"int64 seq = 3", "Of the last thing that happened in the inbox; it grows by one with each."},
		line{"int64 read_through = 4", "Notifications whose bumped is not above it are read."},
		line{"int64 seen_through = 5", "Notifications whose bumped is not above it are seen."},
	)
	b.message("Notification", "",
		line{"string id = 1", ""},
		line{"string kind = 2", "As it is declared: one of " + b.kinds() + "."},
		line{"int64 seq = 3", "Of what happened to it last."},
		line{"int64 bumped = 4", "Of its newest event."},
		line{"bool read = 5", ""},
		line{"int64 count = 6", "How many different people it tells of."},
		line{"repeated Actor actors = 7", "The last three of them, the newest first."},
		line{"string text = 8", ""},
		line{"string group = 9", "What it gathers by; empty where each record has a notification of its own."},
		line{"string collection = 10", "Of the record."},
		line{"string record = 11", "The newest record that caused it."},
		line{"google.protobuf.Timestamp create_time = 12", ""},
		line{"google.protobuf.Timestamp update_time = 13", ""},
	)
	b.message("Actor", "Somebody whom a notification tells of.",
		line{"string id = 1", ""},
		line{"map<string, string> names = 2", "The fields that name the account at sign-in, except e-mail addresses."},
	)
	b.watchInbox()
	b.message("MarkSeenRequest", "", line{"optional int64 through = 1", "Up to which seq; all there is where it is not given."})
	b.message("MarkReadRequest", "", line{"repeated string ids = 1", ""}, line{"bool all = 2", ""})
	m := b.message("Preferences", "How somebody wants to be told.",
		line{"map<string, Preferences.Channels> kinds = 1", "By the kind of notification."})
	b.nest(m, "Channels", "", line{"map<string, bool> channels = 1", "By the channel: inbox, push, email."})
}

func (b *builder) watchInbox() {
	b.message("WatchInboxRequest", "", line{"string resume_token = 1", "The last one that came: go on from there."})
	m := b.message("WatchInboxResponse", "As in the streams of collections, with the numbers that belong to it.",
		line{"WatchInboxResponse.Snapshot snapshot = 1", ""},
		line{"repeated WatchInboxResponse.Change changes = 2", ""},
		line{"InboxNumbers numbers = 3", ""},
		line{"string resume_token = 4", "Everything up to here has been sent."},
	)
	b.nest(m, "Snapshot", "",
		line{"repeated Notification notifications = 1", ""},
		line{"string reset = 2", "Why the stream could not go on from its resume_token."},
	)
	b.oneof(b.nest(m, "Change", ""), "what", line{"Notification put = 1", ""}, line{"string removed = 2", "The id of a notification that is gone."})
}

func (b *builder) notifies() bool { return len(b.schema.Notices) > 0 }

func (b *builder) kinds() string {
	kinds := make([]string, len(b.schema.Notices))
	for i, n := range b.schema.Notices {
		kinds[i] = n.Name
	}
	return words(kinds, ", ")
}

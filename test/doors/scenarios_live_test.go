package doors_test

func watch(of, filter string) ask { return ask{verb: "watch", of: of, filter: filter} }

func live() []scenario {
	mine := `owner == "$ana.id"`
	return []scenario{
		{name: "who watches a list sees what is there and what comes", steps: []step{
			thing(obj{"text": "first"}),
			{as: "bo", do: watch("things", mine), feed: "w", want: is(obj{"snapshot.things.#": 1, "snapshot.things.0.text": "first"})},
			{as: "ana", do: create("things", obj{"must": "m", "text": "second"}), keep: "second"},
			{feed: "w", want: is(obj{"changes.#": 1, "changes.0.put.text": "second"})},
			{as: "ana", do: update("things", "$second.id", obj{"text": "changed"})},
			{feed: "w", want: is(obj{"changes.0.put.text": "changed", "changes.0.put.etag": "2"})},
			{as: "ana", do: remove("things", "$second.id")},
			{feed: "w", want: is(obj{"changes.0.removed": "$second.id"})},
		}},
		{name: "who watches one record sees it change and go", steps: []step{
			thing(obj{"text": "one"}),
			{as: "bo", do: ask{verb: "watch", of: "things", id: "$thing.id"}, feed: "w", want: is(obj{"snapshot.things.0.text": "one"})},
			{as: "ana", do: update("things", "$thing.id", obj{"text": "two"})},
			{feed: "w", want: is(obj{"changes.0.put.text": "two"})},
			{as: "ana", do: remove("things", "$thing.id")},
			{feed: "w", want: is(obj{"changes.0.removed": "$thing.id"})},
		}},
		{name: "what leaves the filter is removed", steps: []step{
			thing(obj{"whole": 9}),
			{do: watch("things", mine+" && whole > 5"), feed: "w", want: is(obj{"snapshot.things.#": 1})},
			{as: "ana", do: update("things", "$thing.id", obj{"whole": 1})},
			{feed: "w", want: is(obj{"changes.0.removed": "$thing.id"})},
			{as: "ana", do: update("things", "$thing.id", obj{"whole": 7})},
			{feed: "w", want: is(obj{"changes.0.put.whole": 7})},
		}},
		{name: "what becomes private goes out of sight", steps: []step{
			photo(false),
			{as: "bo", do: watch("photos", `author == "$ana.id"`), feed: "w", want: is(obj{"snapshot.photos.#": 1})},
			{as: "ana", do: update("photos", "$photo.id", obj{"private": true})},
			{feed: "w", want: is(obj{"changes.0.removed": "$photo.id"})},
		}},
		{name: "a watch expands and masks as a list does", steps: []step{
			thing(obj{"text": "one"}),
			{
				do: ask{verb: "watch", of: "things", filter: mine, expand: []string{"owner"}, fields: []string{"text", "owner"}}, feed: "w",
				want: is(obj{"snapshot.things.0.expand.owner.handle": "ana~", "snapshot.things.0.must": nil}),
			},
			{as: "ana", do: update("things", "$thing.id", obj{"text": "two"})},
			{feed: "w", want: is(obj{"changes.0.put.text": "two", "changes.0.put.expand.owner.handle": "ana~"})},
		}},
		{name: "a cursor goes on at another door", steps: []step{
			thing(obj{"text": "one"}),
			{as: "bo", do: watch("things", mine), feed: "w", keep: "seen", want: is(obj{"snapshot.things.#": 1})},
			{as: "ana", do: update("things", "$thing.id", obj{"text": "two"})},
			{as: "bo", via: 1, do: ask{verb: "watch", of: "things", filter: mine, cursor: "$seen.resume_token"}, feed: "next", want: is(obj{"changes.0.put.text": "two", "snapshot": nil})},
			{as: "bo", via: 2, do: ask{verb: "watch", of: "things", filter: mine, cursor: "$seen.resume_token"}, feed: "after", want: is(obj{"changes.0.put.text": "two", "snapshot": nil})},
		}},
		{name: "a cursor of another database starts anew", steps: []step{
			thing(nil),
			{do: ask{verb: "watch", of: "things", filter: mine, cursor: "zzzzzz-1"}, feed: "w", want: is(obj{"snapshot.things.#": 1, "snapshot.reset": "epoch"})},
		}},
		{name: "an inbox tells of a like", steps: []step{
			photo(false),
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), keep: "like"},
			{as: "ana", do: ask{verb: "inbox"}, keep: "page", want: is(obj{
				"notifications.#": 1, "notifications.0.kind": "liked", "notifications.0.actors.0.names.handle": "bo~", "notifications.0.group": "$photo.id",
				"notifications.0.record": "$like.id", "numbers.unread": 1, "numbers.unseen": 1,
			})},
			{as: "ana", do: ask{verb: "seen", data: obj{"through": 1}}, want: is(obj{"unseen": nil, "unread": 1})},
			{as: "ana", do: ask{verb: "read", data: obj{"ids": []any{"$page.notifications.0.id"}}}, want: is(obj{"unread": nil})},
			{as: "cy", do: create("likes", obj{"photo": "$photo.id"})},
			{as: "ana", do: ask{verb: "inbox"}, want: is(obj{"notifications.#": 1, "notifications.0.count": 2, "numbers.unread": 1})},
			{as: "ana", do: ask{verb: "read", data: obj{"all": true}}, want: is(obj{"unread": nil})},
		}},
		{name: "an inbox is watched", steps: []step{
			photo(false),
			{as: "ana", do: ask{verb: "watch"}, feed: "w", want: is(obj{"numbers.unread": nil})},
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), keep: "like"},
			{feed: "w", want: is(obj{"changes.0.put.kind": "liked", "numbers.unread": 1})},
			{as: "bo", do: remove("likes", "$like.id")},
			{feed: "w", want: is(obj{"changes.#": 1, "numbers.unread": nil})},
		}},
		{name: "people choose what they are told of", steps: []step{
			{as: "ana", do: ask{verb: "preferences"}, want: is(obj{"kinds.liked.channels.inbox": true})},
			{as: "ana", do: ask{verb: "set-preferences", data: obj{"liked": obj{"inbox": false}}}, want: is(obj{"kinds.liked.channels.inbox": false})},
			{as: "ana", do: ask{verb: "preferences"}, want: is(obj{"kinds.liked.channels.inbox": false})},
		}},
	}
}

package doors_test

import "math"

func accounts() []scenario {
	return []scenario{
		{name: "an account signs up and is known", steps: []step{
			{
				do: signUp(obj{"handle": "ana~", "name": "Ana Líma", "mail": "Ana.~@example.com", "password": password}), keep: "ana",
				want: is(obj{"account.handle": "ana~", "account.mail": "ana.~@example.com", "session.current": true}),
			},
			{as: "!$ana.token", do: ask{verb: "me"}, want: is(obj{"account.name": "Ana Líma", "account.id": "$ana.account.id", "session": "$ana.session.id"})},
		}},
		{name: "an account signs in by each of its names", steps: []step{
			{do: signUp(obj{"handle": "ana~", "mail": "ana~@example.com", "password": password})},
			{do: signIn(obj{"handle": "ana~", "password": password}), want: is(obj{"account.handle": "ana~"})},
			{do: signIn(obj{"mail": "ANA~@example.com", "password": password}), want: is(obj{"account.handle": "ana~"})},
			{do: signIn(obj{"login": "ana~", "password": password}), want: is(obj{"account.handle": "ana~"})},
		}},
		{name: "a session ends when its account signs out", steps: []step{
			{as: "ana", do: ask{verb: "sign-out"}},
			{as: "ana", do: ask{verb: "me"}, want: no("unauthenticated", "auth.expired")},
			{do: ask{verb: "sign-out"}},
		}},
		{name: "devices are listed and signed out", steps: []step{
			{as: "ana", do: ask{verb: "me"}},
			{do: signIn(obj{"handle": "ana~", "password": password}), keep: "phone"},
			{do: signIn(obj{"handle": "ana~", "password": password}), keep: "tablet"},
			{as: "ana", do: ask{verb: "end-session", id: "$phone.session.id"}},
			{as: "!$phone.token", do: ask{verb: "me"}, want: no("unauthenticated", "auth.expired")},
			{as: "ana", do: ask{verb: "end-other-sessions"}},
			{as: "!$tablet.token", do: ask{verb: "me"}, want: no("unauthenticated", "auth.expired")},
			{as: "ana", do: ask{verb: "sessions"}, want: is(obj{"sessions.#": 1, "sessions.0.current": true})},
		}},
		{name: "a new password ends the other sessions", steps: []step{
			{as: "ana", do: ask{verb: "me"}},
			{do: signIn(obj{"handle": "ana~", "password": password}), keep: "phone"},
			{as: "ana", do: ask{verb: "change-password", data: obj{"old": password, "new": "another long one"}}},
			{as: "!$phone.token", do: ask{verb: "me"}, want: no("unauthenticated", "auth.expired")},
			{do: signIn(obj{"handle": "ana~", "password": "another long one"})},
		}},
	}
}

func records() []scenario {
	return []scenario{
		{name: "a record of every type comes back as it was given", steps: []step{
			thing(obj{
				"text": "the sea", "must": "yes", "whole": 42, "small": 7, "real": 0.1, "yes": true, "when": "2020-02-29T12:30:00.125Z",
				"any": obj{"a": []any{1, "two", nil, true, obj{"deep": 0.5}}}, "kind": "draft", "mail": "Someone@Example.com", "link": "https://example.com/a?b=c", "code": "c~",
			}),
			{do: get("things", "$thing.id"), want: is(obj{
				"text": "the sea", "whole": 42, "small": 7, "real": 0.1, "yes": true, "when": "2020-02-29T12:30:00.125Z", "any.a.#": 5, "any.a.4.deep": 0.5,
				"kind": "draft", "mail": "someone@example.com", "link": "https://example.com/a?b=c", "code": "c~", "owner": "$ana.id", "etag": "1", "of": nil,
			})},
		}},
		{name: "what is left out has its default or is null", steps: []step{
			thing(nil),
			{do: get("things", "$thing.id"), want: is(obj{"small": 5, "yes": false, "owner": "$ana.id", "text": nil, "whole": nil, "real": nil, "when": nil, "any": nil, "kind": nil})},
		}},
		{name: "the greatest and the least whole numbers are exact", steps: []step{
			thing(obj{"whole": math.MaxInt64}),
			{do: get("things", "$thing.id"), want: is(obj{"whole": math.MaxInt64})},
			{as: "ana", do: update("things", "$thing.id", obj{"whole": math.MinInt64}), want: is(obj{"whole": math.MinInt64})},
			{do: list("things", `id == "$thing.id" && whole < 0`), want: is(obj{"things.0.whole": math.MinInt64})},
		}},
		{name: "real numbers keep all their digits", steps: []step{
			thing(obj{"real": math.MaxFloat64}),
			{as: "ana", do: update("things", "$thing.id", obj{"real": math.SmallestNonzeroFloat64})},
			{as: "ana", do: update("things", "$thing.id", obj{"real": 1.0 / 3})},
			{as: "ana", do: update("things", "$thing.id", obj{"real": -12}), want: is(obj{"real": -12})},
		}},
		{name: "zero, false and the empty text are values", steps: []step{
			thing(obj{"text": "", "whole": 0, "small": 0, "real": 0, "yes": false}),
			{do: get("things", "$thing.id"), want: is(obj{"text": "", "whole": 0, "small": 0, "real": 0, "yes": false})},
			{do: list("things", `id == "$thing.id" && text == "" && whole == 0`), want: is(obj{"things.#": 1})},
		}},
		{name: "texts of all scripts come through", steps: []step{
			thing(obj{"text": "漢字 ñ é 😀 \"\\/", "must": "\u2028 \ufffd \t\n </script> \u200d👩‍👩‍👧 \u0001 \u202e"}),
			{do: get("things", "$thing.id"), want: is(obj{"text": "漢字 ñ é 😀 \"\\/", "must": "\u2028 \ufffd \t\n </script> \u200d👩‍👩‍👧 \u0001 \u202e"})},
		}},
		{name: "a time keeps its microseconds and comes in UTC", steps: []step{
			thing(obj{"when": "2020-06-01T01:02:03.000456+02:00"}),
			{do: get("things", "$thing.id"), want: is(obj{"when": "2020-05-31T23:02:03.000456Z"})},
			{as: "ana", do: update("things", "$thing.id", obj{"when": "1960-01-01T00:00:00.5Z"}), want: is(obj{"when": "1960-01-01T00:00:00.500Z"})},
		}},
		{name: "JSON of every kind is kept", steps: []step{
			thing(obj{"any": []any{obj{}, []any{}, "", 0, false, obj{"é": "\"", "n": -1.5e-7}}}),
			{as: "ana", do: update("things", "$thing.id", obj{"any": "a text"}), want: is(obj{"any": "a text"})},
			{as: "ana", do: update("things", "$thing.id", obj{"any": obj{"x": obj{"y": []any{1, 2}}}}), want: is(obj{"any.x.y.1": 2})},
			{as: "ana", do: update("things", "$thing.id", obj{"any": false}), want: is(obj{"any": false})},
		}},
		{name: "a client may choose the id", steps: []step{
			thing(obj{"id": ownID}),
			{do: get("things", "$thing.id"), want: is(obj{"must": "be here"})},
			{as: "ana", do: create("things", obj{"id": "$thing.id", "must": "x"}), want: no("already_exists", "store.unique", "id unique")},
		}},
		{name: "a photo is stored with its bytes", steps: []step{
			photo(false),
			{do: get("photos", "$photo.id"), want: is(obj{"image.name": "grey.png", "image.type": "image/png", "image.width": 40, "image.height": 30, "caption": "grey ~"})},
			{as: "ana", do: update("photos", "$photo.id", obj{"image": file{name: "again.png", content: picture().content}}), want: is(obj{"image.name": "again.png", "etag": "2"})},
			{as: "ana", do: update("photos", "$photo.id", obj{"caption": "still there"}), want: is(obj{"image.name": "again.png", "caption": "still there"})},
		}},
		{name: "an update leaves alone what it does not name", steps: []step{
			thing(obj{"text": "one", "whole": 1}),
			{as: "ana", do: update("things", "$thing.id", obj{"whole": 2}), want: is(obj{"text": "one", "whole": 2, "etag": "2"})},
			{as: "ana", do: update("things", "$thing.id", obj{}), want: is(obj{"text": "one", "whole": 2})},
		}},
		{name: "an update takes a value away", steps: []step{
			thing(obj{"text": "one", "whole": 1, "when": "2020-01-01T00:00:00.000Z", "any": 1, "kind": "gone"}),
			{
				as: "ana", do: update("things", "$thing.id", obj{"text": nil, "when": nil, "any": nil, "kind": nil, "whole": 3}),
				want: is(obj{"text": nil, "when": nil, "any": nil, "kind": nil, "whole": 3}),
			},
		}},
		{name: "a mask alone says what is written", steps: []step{
			thing(obj{"text": "one", "whole": 1, "real": 1.5}),
			{
				as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", data: obj{"text": "two", "whole": 2}, mask: []string{"text", "real"}},
				want: is(obj{"text": "two", "whole": 1, "real": nil}),
			},
		}},
		{name: "numbers are added to in the database", steps: []step{
			thing(obj{"whole": 40, "real": 0.5, "small": 3}),
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", add: obj{"whole": 2}}, want: is(obj{"whole": 42, "etag": "2"})},
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", add: obj{"real": -0.25}, data: obj{"text": "too"}}, want: is(obj{"real": 0.25, "text": "too"})},
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", add: obj{"small": -3}}, want: is(obj{"small": 0})},
		}},
		{name: "the version that was read may be demanded", steps: []step{
			thing(nil),
			{as: "ana", do: update("things", "$thing.id", obj{"text": "one"}).at("1"), want: is(obj{"etag": "2"})},
			{as: "ana", do: remove("things", "$thing.id").at("2")},
			{do: get("things", "$thing.id"), want: no("not_found", "store.missing")},
		}},
		{name: "a count follows the records that it counts", steps: []step{
			photo(false),
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), keep: "like", want: is(obj{"user": "$bo.id"})},
			{do: get("photos", "$photo.id"), want: is(obj{"likes": 1, "etag": "1"})},
			{as: "bo", do: remove("likes", "$like.id")},
			{do: get("photos", "$photo.id"), want: is(obj{"likes": nil, "etag": "1"})},
		}},
		{name: "a batch writes all at once", steps: []step{
			thing(obj{"text": "old"}),
			{as: "ana", do: batch(
				create("things", obj{"must": "new"}), update("things", "$thing.id", obj{"text": "newer"}), create("things", obj{"must": "x", "of": "$thing.id"}),
				update("users", "$ana.id", obj{"name": "Ana"}),
			), keep: "wrote", want: is(obj{"results.#": 4, "results.0.record.things.must": "new", "results.1.record.things.text": "newer", "results.3.record.users.name": "Ana"})},
			{as: "ana", do: batch(remove("things", "$wrote.results.0.record.things.id"), remove("things", "$wrote.results.2.record.things.id"))},
			{do: list("things", `owner == "$ana.id"`), want: is(obj{"things.#": 1, "things.0.text": "newer"})},
		}},
	}
}

func reads() []scenario {
	three := []step{
		thing(obj{"text": "a ~", "whole": 3, "real": 1.5, "kind": "draft"}),
		{as: "ana", do: create("things", obj{"must": "b", "text": "b ~", "whole": 1, "real": 2.5, "kind": "draft", "of": "$thing.id"}), keep: "second"},
		{as: "ana", do: create("things", obj{"must": "c", "text": "c ~", "whole": 2, "kind": "gone", "of": "$second.id"}), keep: "third"},
	}
	after := func(more ...step) []step { return append(three[:3:3], more...) }
	return []scenario{
		{name: "a list is filtered, ordered, cut and counted", steps: after(
			step{
				do:   ask{verb: "list", of: "things", filter: `owner == "$ana.id" && whole > 0`, orderBy: "whole desc", pageSize: 2, count: true},
				want: is(obj{"things.#": 2, "things.0.whole": 3, "things.1.whole": 2, "total_size": 3}),
			},
		)},
		{name: "a list may be empty", steps: []step{{do: list("things", `text == "nobody wrote this ~"`), want: is(obj{"things.#": 0, "next_page_token": nil})}}},
		{name: "page tokens lead on, also at another door", steps: after(
			step{do: ask{verb: "list", of: "things", filter: `owner == "$ana.id"`, orderBy: "whole", pageSize: 1}, keep: "page", want: is(obj{"things.0.whole": 1})},
			step{via: 1, do: ask{verb: "list", of: "things", filter: `owner == "$ana.id"`, orderBy: "whole", pageSize: 1, pageToken: "$page.next_page_token"}, keep: "page", want: is(obj{"things.0.whole": 2})},
			step{via: 2, do: ask{verb: "list", of: "things", filter: `owner == "$ana.id"`, orderBy: "whole", pageSize: 1, pageToken: "$page.next_page_token"}, want: is(obj{"things.0.whole": 3, "next_page_token": nil})},
		)},
		{name: "refs are expanded over several steps", steps: after(
			step{
				do:   ask{verb: "get", of: "things", id: "$third.id", expand: []string{"owner", "of.of"}},
				want: is(obj{"expand.owner.handle": "ana~", "expand.of.whole": 1, "expand.of.expand.of.whole": 3}),
			},
			step{
				do:   ask{verb: "list", of: "things", filter: `owner == "$ana.id"`, orderBy: "text", expand: []string{"of"}},
				want: is(obj{"things.0.expand.of": nil, "things.1.expand.of.whole": 3, "things.2.expand.of.whole": 1}),
			},
		)},
		{name: "what can't be read is not expanded", steps: []step{
			photo(false),
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), keep: "like"},
			{as: "ana", do: update("photos", "$photo.id", obj{"private": true})},
			{as: "bo", do: ask{verb: "get", of: "likes", id: "$like.id", expand: []string{"photo"}}, want: is(obj{"expand.photo": nil, "photo": "$photo.id"})},
			{as: "ana", do: ask{verb: "get", of: "likes", id: "$like.id", expand: []string{"photo"}}, want: is(obj{"expand.photo.caption": "grey ~"})},
		}},
		{name: "only the fields that are asked for come", steps: after(
			step{do: ask{verb: "get", of: "things", id: "$thing.id", fields: []string{"whole", "create_time"}}, want: is(obj{"whole": 3, "text": nil, "must": nil, "id": "$thing.id", "etag": nil})},
			step{do: ask{verb: "list", of: "things", filter: `owner == "$ana.id"`, orderBy: "whole", fields: []string{"text"}}, want: is(obj{"things.0.text": "b ~", "things.0.whole": nil})},
		)},
		{name: "groups are counted and summed", steps: after(
			step{
				do:   ask{verb: "aggregate", of: "things", filter: `owner == "$ana.id"`, groupBy: []string{"kind"}, selects: []string{"count", "sum(whole)", "avg(real)", "min(whole)", "max(whole)", "max(create_time)"}},
				want: is(obj{"groups.#": 2, "groups.0.by.kind": "draft", "groups.0.count": 2, "groups.0.sum.whole": 4, "groups.0.avg.real": 2, "groups.0.min.whole": 1, "groups.0.max.whole": 3, "groups.1.avg": nil}),
			},
		)},
		{name: "all are one group where none is asked for", steps: after(
			step{do: ask{verb: "aggregate", of: "things", filter: `owner == "$ana.id"`}, want: is(obj{"groups.#": 1, "groups.0.count": 3})},
			step{do: ask{verb: "aggregate", of: "things", filter: `owner == "$ana.id"`, groupBy: []string{"kind"}}, want: is(obj{"groups.#": 2, "groups.1.count": 1})},
			step{do: ask{verb: "aggregate", of: "things", filter: `text == "nobody ~"`, selects: []string{"count", "sum(whole)"}}, want: is(obj{"groups.0.count": 0})},
		)},
		{name: "a private photo is there for its author alone", steps: []step{
			photo(true),
			{as: "ana", do: get("photos", "$photo.id"), want: is(obj{"private": true})},
			{as: "ana", do: list("photos", `author == "$ana.id"`), want: is(obj{"photos.#": 1})},
			{as: "bo", do: list("photos", `author == "$ana.id"`), want: is(obj{"photos.#": 0})},
			{as: "bo", do: ask{verb: "aggregate", of: "photos", filter: `author == "$ana.id"`}, want: is(obj{"groups.0.count": 0})},
		}},
	}
}

// repeats are writes that are sent again.
func repeats() []scenario {
	again := want{replay: true}
	return []scenario{
		{name: "a create is repeated safely", steps: []step{
			{as: "ana", do: create("things", obj{"must": "once"}).by("k-~")},
			{as: "ana", do: create("things", obj{"must": "once"}).by("k-~"), want: again},
			{do: list("things", `owner == "$ana.id"`), want: is(obj{"things.#": 1})},
		}},
		{name: "an update and a delete are repeated safely", steps: []step{
			thing(obj{"whole": 1}),
			{as: "ana", do: update("things", "$thing.id", obj{"whole": 2}).by("u-~")},
			{as: "ana", do: update("things", "$thing.id", obj{"whole": 2}).by("u-~"), want: again},
			{as: "ana", do: remove("things", "$thing.id").by("d-~")},
			{as: "ana", do: remove("things", "$thing.id").by("d-~"), want: again},
		}},
		{name: "a batch is repeated safely", steps: []step{
			{as: "ana", do: batch(create("things", obj{"must": "a"}), create("things", obj{"must": "b"})).by("b-~")},
			{as: "ana", do: batch(create("things", obj{"must": "a"}), create("things", obj{"must": "b"})).by("b-~"), want: again},
			{do: list("things", `owner == "$ana.id"`), want: is(obj{"things.#": 2})},
		}},
		{name: "keys of two accounts never meet", steps: []step{
			{as: "ana", do: create("things", obj{"must": "same"}).by("k-~")},
			{as: "bo", do: create("things", obj{"must": "same"}).by("k-~"), want: is(obj{"owner": "$bo.id"})},
		}},
	}
}

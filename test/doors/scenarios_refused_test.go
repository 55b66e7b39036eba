package doors_test

func refused() []scenario {
	missing := no("not_found", "store.missing")
	return []scenario{
		{name: "a stranger can't write", steps: []step{
			{do: create("things", obj{"must": "x"}), want: no("unauthenticated", "auth.missing")},
			{do: ask{verb: "me"}, want: no("unauthenticated", "auth.missing")},
		}},
		{name: "a stranger has no inbox", steps: []step{
			{do: ask{verb: "inbox"}, want: no("unauthenticated", "auth.missing")},
			{do: ask{verb: "watch"}, feed: "w", want: no("unauthenticated", "auth.missing")},
		}},
		{name: "a token that nobody gave is no stranger's", steps: []step{
			thing(nil),
			{as: "!rt_s_nothing", do: get("things", "$thing.id"), want: no("unauthenticated", "auth.invalid")},
			{as: "!rt_s_nothing", do: list("things", ""), want: no("unauthenticated", "auth.invalid")},
			{as: "!rt_s_nothing", do: ask{verb: "watch", of: "things"}, feed: "w", want: no("unauthenticated", "auth.invalid")},
		}},
		{name: "nobody writes what is another's", steps: []step{
			thing(nil),
			{as: "bo", do: update("things", "$thing.id", obj{"text": "mine"}), want: no("permission_denied", "access.rule_denied")},
			{as: "bo", do: remove("things", "$thing.id"), want: no("permission_denied", "access.rule_denied")},
			{as: "bo", do: create("things", obj{"must": "x", "owner": "$ana.id"}), want: no("permission_denied", "access.rule_denied")},
		}},
		{name: "what is hidden is as if it were not there", steps: []step{
			photo(true),
			{as: "bo", do: get("photos", "$photo.id"), want: missing},
			{as: "bo", do: update("photos", "$photo.id", obj{"caption": "x"}), want: missing},
			{as: "bo", do: remove("photos", "$photo.id"), want: missing},
			{as: "bo", do: get("photos", "01hv3w8k2q4c7"), want: missing},
			{do: get("photos", "$photo.id"), want: missing},
		}},
		{name: "a hidden record can't be watched", steps: []step{
			photo(true),
			{as: "bo", do: ask{verb: "watch", of: "photos", id: "$photo.id"}, feed: "w", want: missing},
		}},
		{name: "nothing is created beside what is hidden", steps: []step{
			photo(true),
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), want: no("permission_denied", "access.rule_denied")},
		}},
		{name: "what no rule allows nobody may", steps: []step{
			{as: "ana", do: create("users", obj{"handle": "other~"}), want: no("permission_denied", "access.no_rule")},
			{as: "ana", do: remove("users", "$ana.id"), want: no("permission_denied", "access.no_rule")},
		}},
		{name: "a page of another site can't write with the cookie", steps: []step{
			{as: "ana", do: ask{verb: "create", of: "things", data: obj{"must": "x"}, origin: "https://evil.test"}, want: no("permission_denied", "auth.csrf_rejected")},
			{as: "ana", do: ask{verb: "create", of: "things", data: obj{"must": "x"}, origin: "https://friend.test"}, want: is(obj{"owner": "$ana.id"})},
			{as: "ana", do: ask{verb: "create", of: "things", data: obj{"must": "x"}, origin: "https://doors.test"}, want: is(obj{"owner": "$ana.id"})},
		}},
		{name: "a batch with one refused write writes nothing", steps: []step{
			thing(nil),
			{as: "bo", do: batch(create("things", obj{"must": "bo's"}), update("things", "$thing.id", obj{"text": "bo's"})), want: no("permission_denied", "access.rule_denied")},
			{as: "bo", do: list("things", `owner == "$bo.id"`), want: is(obj{"things.#": 0})},
		}},
		{name: "the wrong password is refused", steps: []step{
			{as: "ana", do: ask{verb: "me"}},
			{do: signIn(obj{"handle": "ana~", "password": "not this one"}), want: no("unauthenticated", "auth.invalid")},
			{do: signIn(obj{"handle": "nobody~", "password": "not this one"}), want: no("unauthenticated", "auth.invalid")},
			{as: "ana", do: ask{verb: "change-password", data: obj{"old": "not this one", "new": "another long one"}}, want: no("invalid_argument", "auth.invalid", "old wrong")},
		}},
	}
}

func conflicting() []scenario {
	unique := func(fields ...string) want { return no("already_exists", "store.unique", fields...) }
	return []scenario{
		{name: "a value that must be the only one is", steps: []step{
			thing(obj{"code": "one ~"}),
			{as: "bo", do: create("things", obj{"must": "x", "code": "one ~"}), want: unique("code unique")},
			{as: "bo", do: create("things", obj{"must": "x"}), keep: "other"},
			{as: "bo", do: update("things", "$other.id", obj{"code": "one ~"}), want: unique("code unique")},
		}},
		{name: "nobody likes a photo twice", steps: []step{
			photo(false),
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"})},
			{as: "bo", do: create("likes", obj{"photo": "$photo.id"}), want: unique("user unique", "photo unique")},
			{do: get("photos", "$photo.id"), want: is(obj{"likes": 1})},
		}},
		{name: "a name is taken", steps: []step{
			{as: "ana", do: ask{verb: "me"}},
			{do: signUp(obj{"handle": "ana~", "password": password}), want: unique("handle unique")},
		}},
		{name: "an id is taken", steps: []step{
			thing(nil),
			{as: "ana", do: create("things", obj{"id": "$thing.id", "must": "x"}), want: unique("id unique")},
		}},
		{name: "who read an old version writes nothing", steps: []step{
			thing(nil),
			{as: "ana", do: update("things", "$thing.id", obj{"text": "one"})},
			{as: "ana", do: update("things", "$thing.id", obj{"text": "two"}).at("1"), want: no("aborted", "store.stale")},
			{as: "ana", do: remove("things", "$thing.id").at("1"), want: no("aborted", "store.stale")},
			{do: get("things", "$thing.id"), want: is(obj{"text": "one"})},
		}},
		{name: "a key is for one request", steps: []step{
			{as: "ana", do: create("things", obj{"must": "one"}).by("k-~")},
			{as: "ana", do: create("things", obj{"must": "two"}).by("k-~"), want: no("failed_precondition", "store.key_reused"), own: "a header, or a field"},
		}},
		{name: "what is pointed to stays", steps: []step{
			thing(nil),
			{as: "ana", do: create("things", obj{"must": "x", "of": "$thing.id"})},
			{as: "ana", do: remove("things", "$thing.id"), want: no("failed_precondition", "store.restricted")},
		}},
		{name: "a batch says which write is in the way", steps: []step{
			thing(obj{"code": "one ~"}),
			{as: "ana", do: batch(create("things", obj{"must": "a"}), create("things", obj{"must": "b", "code": "one ~"})), want: unique("ops.1.data.code unique")},
			{as: "ana", do: batch(update("things", "$thing.id", obj{"text": "x"}), remove("things", "$thing.id").at("1")), want: no("aborted", "store.stale")},
			{do: list("things", `owner == "$ana.id"`), want: is(obj{"things.#": 1, "things.0.etag": "1"})},
		}},
	}
}

func limited() []scenario {
	many := make([]ask, 101)
	for i := range many {
		many[i] = create("things", obj{"must": "x"})
	}
	tries := []step{{as: "ana", do: ask{verb: "me"}}}
	for range 5 {
		tries = append(tries, step{do: signIn(obj{"handle": "ana~", "password": "not this one"}), want: no("unauthenticated", "auth.invalid")})
	}
	tries = append(tries, step{do: signIn(obj{"handle": "ana~", "password": password}), want: no("resource_exhausted", "auth.rate_limited")})
	return []scenario{
		{name: "a password is not guessed", steps: tries},
		{name: "a batch has a hundred writes", steps: []step{
			{as: "ana", do: batch(many...), want: no("invalid_argument", "request.invalid")},
			{as: "ana", do: batch(many[:100]...), want: is(obj{"results.#": 100})},
		}},
		{name: "a page has two hundred records", steps: []step{
			{do: ask{verb: "list", of: "things", pageSize: 201}, want: no("invalid_argument", "request.invalid", "page_size out_of_range")},
		}},
		{name: "a message has a megabyte", steps: []step{
			{as: "ana", do: create("things", obj{"must": long(2 << 20)}), want: no("resource_exhausted", "request.body_too_large"), own: "a body, or a message; one that gzip made small has its journey in X-Journey alone"},
		}},
		{name: "a file has its limit", steps: []step{
			{as: "ana", do: create("photos", obj{"image": file{name: "big.png", content: append(picture().content, make([]byte, 101<<10)...)}}), want: no("resource_exhausted", "file.too_large", "image too_large")},
		}},
		{name: "a filter has four kilobytes", steps: []step{
			{do: list("things", `text == "`+long(4<<10)+`"`), want: no("invalid_argument", "request.filter")},
		}},
		{name: "a path of refs has three steps", steps: []step{
			{do: ask{verb: "list", of: "things", expand: []string{"of.of.of.of"}}, want: no("invalid_argument", "request.filter", "expand too_far")},
		}},
	}
}

func long(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

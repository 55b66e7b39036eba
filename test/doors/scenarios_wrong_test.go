package doors_test

// badRecord is a create of ana's that is refused for its fields.
func badRecord(name string, data obj, fields ...string) scenario {
	if _, given := data["must"]; !given {
		data["must"] = "x"
	}
	return scenario{name: name, steps: []step{{as: "ana", do: create("things", data), want: no("invalid_argument", "schema.invalid", fields...)}}}
}

func wrong() []scenario {
	invalid := func(fields ...string) want { return no("invalid_argument", "schema.invalid", fields...) }
	noNumbers := typed("a field of this type takes nothing else")
	return []scenario{
		badRecord("a value that is required", obj{"must": nil}, "must required"),
		badRecord("a text that is too long", obj{"text": "0123456789012345678901"}, "text too_long"),
		badRecord("a number out of its range", obj{"small": 11}, "small out_of_range"),
		badRecord("a number below its range", obj{"small": -1}, "small out_of_range"),
		badRecord("none of the options", obj{"kind": "drafd"}, "kind not_an_option"),
		badRecord("an e-mail address that is none", obj{"mail": "nobody at home"}, "mail bad_email"),
		badRecord("a link that is none", obj{"link": "not a link"}, "link bad_url"),
		badRecord("a text with U+0000", obj{"text": "a\x00b"}, "text wrong_value"),
		badRecord("a ref that is no id", obj{"of": "not an id"}, "of wrong_type"),
		badRecord("all mistakes are told at once", obj{"must": nil, "small": 99, "kind": "x", "mail": "x", "of": "x"}),
		{name: "a ref that leads nowhere", steps: []step{
			{as: "ana", do: create("things", obj{"must": "x", "of": "01hv3w8k2q4c7"}), want: no("invalid_argument", "store.no_such_record", "of no_such_record")},
		}},
		{name: "a value that can't be changed", steps: []step{
			thing(nil),
			{as: "bo", do: ask{verb: "me"}},
			{as: "ana", do: update("things", "$thing.id", obj{"owner": "$bo.id"}), want: invalid("owner immutable")},
		}},
		{name: "an id that is none", steps: []step{
			{do: get("things", "nonsense"), want: no("not_found", "store.missing")},
			{as: "ana", do: update("things", "nonsense", obj{"text": "x"}), want: no("not_found", "store.missing")},
			{as: "ana", do: remove("things", "nonsense"), want: no("not_found", "store.missing")},
			{as: "ana", do: create("things", obj{"id": "nonsense", "must": "x"}), want: invalid("id wrong_type")},
		}},
		{name: "a number is added to what is none", steps: []step{
			thing(obj{"small": 9}),
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", add: obj{"small": 2}}, want: invalid("small out_of_range")},
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", add: obj{"text": 2}}, want: invalid("text wrong_type"), own: "REST is given an object, and RPC an Add"},
		}},
		{name: "a mask that names what is not there", steps: []step{
			thing(nil),
			{as: "ana", do: ask{verb: "update", of: "things", id: "$thing.id", data: obj{"text": "x"}, mask: []string{"text", "texd"}}, want: invalid("texd unknown_field")},
			{do: get("things", "$thing.id"), want: is(obj{"text": nil, "etag": "1"})},
		}},
		{name: "what the server keeps can't be given", steps: []step{
			{as: "ana", do: create("photos", obj{"image": picture(), "likes": 5}), want: invalid("likes read_only")},
			{as: "ana", do: create("things", obj{"must": "x", "create_time": "2020-01-01T00:00:00.000Z"}), want: invalid("create_time read_only")},
			{as: "ana", do: create("things", obj{"must": "x", "etag": "7"}), want: invalid("etag read_only")},
		}, except: byRPC("what the server keeps is passed over, so that a record can be sent as it was read (AIP-203)")},
		{name: "a version that is none", steps: []step{
			thing(nil),
			{as: "ana", do: remove("things", "$thing.id").at("new"), want: no("invalid_argument", "request.invalid"), own: "a header, or a field"},
		}},
		{name: "a key that is none", steps: []step{
			{as: "ana", do: create("things", obj{"must": "x"}).by("with a space"), want: no("invalid_argument", "request.invalid"), own: "a header, or a field"},
		}},
		{name: "an empty text where one is required", steps: []step{
			{as: "ana", do: create("things", obj{"must": ""}), want: invalid("must required"), own: "protobuf does not send it: there it is null"},
		}},
		{name: "a field that is not there", steps: []step{
			{as: "ana", do: create("things", obj{"must": "x", "texd": "y"}), want: invalid("texd unknown_field")},
		}, except: typed("a message has the fields of its descriptor, and no others")},
		{name: "a value of another type", steps: []step{
			{as: "ana", do: create("things", obj{"must": "x", "yes": "perhaps", "text": 5}), want: invalid()},
		}, except: noNumbers},
		{name: "a file of another type", steps: []step{
			{as: "ana", do: create("photos", obj{"image": file{name: "a.txt", content: []byte("just words")}}), want: no("invalid_argument", "file.type", "image wrong_type")},
		}},
		{name: "a picture that is broken", steps: []step{
			{as: "ana", do: create("photos", obj{"image": file{name: "a.png", content: picture().content[:40]}}), want: no("invalid_argument", "file.image", "image bad_image")},
		}},
		{name: "a photo without its file", steps: []step{
			{as: "ana", do: create("photos", obj{"caption": "nothing to see"}), want: invalid("image required")},
		}},
		{name: "an account that can't be", steps: []step{
			{do: signUp(obj{"handle": "ana~", "password": "short"}), want: no("invalid_argument", "auth.weak_password", "password too_short")},
			{do: signUp(obj{"handle": "Not A Handle", "password": password}), want: invalid("handle no_match")},
			{do: signUp(obj{"password": password}), want: invalid("handle required")},
		}},
		{name: "a sign-in that says too little", steps: []step{
			{do: signIn(obj{"handle": "ana~"}), want: no("invalid_argument", "request.invalid", "password required")},
			{do: signIn(obj{"password": password}), want: no("invalid_argument", "request.invalid"), own: "REST has a member for each login field"},
		}},
		{name: "a batch points at what is wrong in it", steps: []step{
			{as: "ana", do: batch(create("things", obj{"must": "a"}), create("things", obj{"must": "b", "small": 99})), want: invalid("ops.1.data.small out_of_range")},
			{as: "ana", do: batch(), want: no("invalid_argument", "request.invalid")},
		}},
	}
}

// badList is a list that is refused for what it asks.
func badList(name, reason string, a ask, fields ...string) scenario {
	a.verb, a.of = "list", "things"
	return scenario{name: name, steps: []step{{do: a, want: no("invalid_argument", reason, fields...)}}}
}

func wrongQueries() []scenario {
	return []scenario{
		badList("a filter with a field that is not there", "request.filter", ask{filter: `texd == "x"`}, "filter unknown_field"),
		badList("a filter that compares unlike things", "request.filter", ask{filter: `whole == "x"`}),
		badList("a filter that does not end", "request.filter", ask{filter: `text == "x" &&`}),
		badList("a filter with a text that does not end", "request.filter", ask{filter: `text == "x`}),
		badList("a filter that is no condition", "request.filter", ask{filter: `whole + 1`}),
		badList("an order by what is not there", "request.filter", ask{orderBy: "whol desc"}),
		badList("an order that is neither way", "request.filter", ask{orderBy: "whole down"}),
		badList("a path of refs that is not there", "request.filter", ask{expand: []string{"owners"}}),
		badList("a page token that is none", "request.page_token", ask{pageToken: "nonsense"}, "page_token bad_token"),
		{name: "a page token of another list", steps: []step{
			thing(nil), thing(nil),
			{do: ask{verb: "list", of: "things", pageSize: 1, filter: `owner == "$ana.id"`}, keep: "page"},
			{do: ask{verb: "list", of: "things", pageSize: 1, pageToken: "$page.next_page_token"}, want: no("invalid_argument", "request.page_token", "page_token bad_token")},
		}},
		{name: "a mask of what is not there", steps: []step{
			thing(nil),
			{do: ask{verb: "get", of: "things", id: "$thing.id", fields: []string{"texd"}}, want: no("invalid_argument", "request.filter")},
		}},
		{name: "groups that can't be", steps: []step{
			{do: ask{verb: "aggregate", of: "things", groupBy: []string{"kindd"}}, want: no("invalid_argument", "request.filter")},
			{do: ask{verb: "aggregate", of: "things", selects: []string{"median(whole)"}}, want: no("invalid_argument", "request.filter")},
			{do: ask{verb: "aggregate", of: "things", selects: []string{"sum(text)"}}, want: no("invalid_argument", "request.filter")},
		}},
		{name: "a watch with a wrong filter", steps: []step{
			{do: ask{verb: "watch", of: "things", filter: `texd == 1`}, feed: "w", want: no("invalid_argument", "request.filter", "filter unknown_field")},
		}},
	}
}

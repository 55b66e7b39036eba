package doors_test

import (
	"bytes"
	"image"
	"image/png"
	"slices"
)

// scenarios are all behaviours, in the order of this folder's files.
func scenarios() []scenario {
	return slices.Concat(accounts(), records(), reads(), repeats(), live(), refused(), wrong(), wrongQueries(), conflicting(), limited())
}

// The doors that a scenario may have to leave out.
const (
	overREST   = "REST"
	overJSON   = "Connect JSON"
	overProto  = "Connect proto"
	overNative = "gRPC"
	overWeb    = "gRPC-Web"
)

// typed is why protobuf can't say what JSON can: a message has no place for it.
func typed(why string) map[string]string {
	return map[string]string{overProto: why, overNative: why, overWeb: why}
}

// byRPC is why only REST says it so.
func byRPC(why string) map[string]string {
	return map[string]string{overJSON: why, overProto: why, overNative: why, overWeb: why}
}

func create(of string, data obj) ask     { return ask{verb: "create", of: of, data: data} }
func update(of, id string, data obj) ask { return ask{verb: "update", of: of, id: id, data: data} }
func remove(of, id string) ask           { return ask{verb: "delete", of: of, id: id} }
func get(of, id string) ask              { return ask{verb: "get", of: of, id: id} }
func list(of, filter string) ask         { return ask{verb: "list", of: of, filter: filter} }
func batch(ops ...ask) ask               { return ask{verb: "batch", ops: ops} }
func signIn(data obj) ask                { return ask{verb: "sign-in", data: data} }
func signUp(data obj) ask                { return ask{verb: "sign-up", data: data} }

// by is a request that repeats safely.
func (a ask) by(key string) ask { a.key = key; return a }

// of is a request for the version that was read.
func (a ask) at(etag string) ask { a.etag = etag; return a }

func is(has obj) want { return want{has: has} }

func no(code, reason string, fields ...string) want {
	return want{code: code, reason: reason, fields: fields}
}

// picture is a small photo.
func picture() file {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		return file{}
	}
	return file{name: "grey.png", content: b.Bytes()}
}

// thing makes a thing whose id is kept as thing.id.
func thing(data obj) step {
	if data == nil {
		data = obj{}
	}
	if data["must"] == nil {
		data["must"] = "be here"
	}
	return step{as: "ana", do: create("things", data), keep: "thing"}
}

// photo makes a photo of ana's, kept as photo.
func photo(private bool) step {
	return step{as: "ana", do: create("photos", obj{"image": picture(), "caption": "grey ~", "private": private}), keep: "photo"}
}

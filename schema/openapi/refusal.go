package openapi

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// exampleJourney is the id of a journey that nobody made.
const exampleJourney = "ed8c5075e7b1ae24d23ff231d271fb7a"

// otherStatus stands for every status that is not named: the default answer.
const otherStatus = 1000

// refusal is one answer that is an error, a component of the document: its cases are what real ones look like.
type refusal struct {
	name    string
	status  int
	says    string
	headers []string
	cases   []*roundtrip.Error
}

// allRefusals is the table of errors. The kind of each decides its status, as it does at the door.
func (w *writer) allRefusals() map[string]refusal {
	byName := map[string]refusal{}
	headers := map[int][]string{401: {"WWW-Authenticate", "Set-Cookie"}, 429: {"Retry-After"}, 503: {"Retry-After"}, 415: {"Accept-Patch"}}
	add := func(name string, status int, says string, cases ...*roundtrip.Error) {
		byName[name] = refusal{name: name, status: status, says: says, headers: headers[status], cases: cases}
	}
	w.addInvalid(add)
	w.addRefused(add)
	w.addCommon(add)
	return byName
}

// adder adds a line to the table of errors.
type adder func(name string, status int, says string, cases ...*roundtrip.Error)

func at(pointer, code, message string) roundtrip.Detail {
	return roundtrip.Detail{Pointer: pointer, Code: code, Message: message}
}

func parameter(name, code, message string) roundtrip.Detail {
	return roundtrip.Detail{Parameter: name, Code: code, Message: message}
}

// spoken are the names of a collection and a field that errors speak of.
func (w *writer) spoken() (name, field string) {
	name, field = "records", "text"
	if w.sample != nil {
		name = w.sample.Name
		if f := textField(w.sample); f != nil {
			field = f.Name
		}
	}
	return name, field
}

func missingRecord(name string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Missing, "store.missing", `There is no record "0am5tepg0000z" in `+name+".")
}

// addInvalid adds what is wrong with a request as it stands.
func (w *writer) addInvalid(add adder) {
	name, field := w.spoken()
	e := roundtrip.E
	unknownParameter := e(roundtrip.Invalid, "request.unknown_parameter", `there is no parameter "exand" here; did you mean expand?`).
		With(parameter("exand", "unknown_parameter", "did you mean expand?"))
	wrongHeader := e(roundtrip.Invalid, "request.invalid", "the header Idempotency-Key is wrong: one key of 1 to 255 printable ASCII characters without spaces is expected").
		With(parameter("Idempotency-Key", "header", "one key of 1 to 255 printable ASCII characters without spaces is expected"))
	noJSON := e(roundtrip.Invalid, "request.json", "the body is no good JSON at byte 14: it ends too early").
		With(at("", "syntax", "at byte 14: it ends too early"))
	filter := e(roundtrip.Invalid, "request.filter", "The filter is wrong at column 1: "+name+" has no field \""+field+"x\"; did you mean \""+field+"\"?").
		With(roundtrip.Detail{Parameter: "filter", Column: 1, Code: "unknown_field", Message: name + " has no field \"" + field + "x\"; did you mean \"" + field + "\"?"})
	invalid := e(roundtrip.Invalid, "schema.invalid", field+" is required and can't be null").With(at("/"+field, "required", field+" is required and can't be null"))
	noRecord := e(roundtrip.Invalid, "store.no_such_record", "A reference points to no record.").With(at("/author", "no_such_record", `there is no record "0am5tepg0000z"`))
	malformed := e(roundtrip.Invalid, "request.malformed", "the body ended too early")
	add("InvalidQuery", 400, "The query is wrong: a filter, an order, a selection, a page token, or a parameter that there is not. `errors` says where.",
		filter, unknownParameter,
		e(roundtrip.Invalid, "request.page_token", "The page token does not belong to this list: ask for the first page again, with the same filter and order for all pages.").
			With(parameter("page_token", "page_token", "ask for the first page again")),
		e(roundtrip.Invalid, "request.invalid", "the parameter page_size is wrong: a whole number from 1 to 200 is expected").
			With(parameter("page_size", "wrong_value", "a whole number from 1 to 200 is expected")))
	add("InvalidParameter", 400, "A parameter or header is wrong, or there is no such one.", unknownParameter, wrongHeader, filter)
	add("InvalidTopic", 400, "What is to be watched is wrong, or the cursor is none.", filter, unknownParameter,
		e(roundtrip.Invalid, "request.invalid", "the cursor is none that this server gave").With(parameter("cursor", "cursor", "the cursor is none that this server gave")),
		e(roundtrip.Invalid, "stream.upgrade_refused", "the handshake of the WebSocket is wrong: Sec-WebSocket-Key is missing"))
	add("InvalidRecord", 400, "The record does not fit its collection, or the body can't be read. `errors` lists all that is wrong, each with a pointer into the body.",
		invalid, noJSON, noRecord, wrongHeader, unknownParameter, malformed)
	add("InvalidForm", 400, "The record does not fit its collection, the form can't be read, or an image can't. `errors` lists all that is wrong, each with a pointer to its field.",
		invalid, noJSON, noRecord, wrongHeader, unknownParameter, malformed,
		e(roundtrip.Invalid, "file.image", "the image can't be read: it is cut off"),
		e(roundtrip.Invalid, "client.aborted", "the upload ended before the file was complete"))
	add("InvalidBatch", 400, "Some of the writes are wrong; nothing was written. The pointers name the write: `/ops/3/data/"+field+"`.",
		e(roundtrip.Invalid, "request.invalid", "nothing was written: what to do is missing: \"op\" is create, update or delete").
			With(at("/ops/0/op", "required", "what to do is missing: \"op\" is create, update or delete")),
		e(roundtrip.Invalid, "schema.invalid", "nothing was written: "+field+" is required and can't be null").
			With(at("/ops/1/data/"+field, "required", field+" is required and can't be null")),
		noJSON, noRecord, unknownParameter, malformed)
	add("InvalidAccount", 400, "A field of the account is wrong, or the password is too weak.", invalid,
		e(roundtrip.Invalid, "auth.weak_password", "the password is among the well-known ones").With(at("/password", "weak_password", "the password is among the well-known ones")),
		e(roundtrip.Invalid, "request.invalid", "a sign-in is the account's name and its password").With(at("/password", "required", "the password is missing")),
		noJSON, unknownParameter, malformed)
	add("WrongPassword", 400, "A password is missing, the old one is wrong, or the new one is too weak.",
		e(roundtrip.Invalid, "auth.invalid", "the old password is wrong").With(at("/old", "wrong", "the old password is wrong")),
		e(roundtrip.Invalid, "auth.weak_password", "the password is among the well-known ones").With(at("/new", "weak_password", "the password is among the well-known ones")),
		e(roundtrip.Invalid, "request.invalid", "the password as it is to be is missing, in \"new\"").With(at("/new", "required", "the password as it is to be is missing, in \"new\"")),
		noJSON, unknownParameter, malformed)
	add("InvalidInbox", 400, "A parameter or member is wrong, or there is no such one.",
		e(roundtrip.Invalid, "request.invalid", `what was read is {"ids":["…"]} or {"all":true}`).With(at("/ids", "required", "expected ids or all, one of them")),
		e(roundtrip.Invalid, "request.page_token", "page_token is none that this inbox gave; leave it out for the first page").
			With(parameter("page_token", "page_token", "expected the next_page_token of an earlier page")),
		noJSON, unknownParameter, malformed)
	add("InvalidFile", 400, "The field has no such size, or a parameter is wrong.",
		e(roundtrip.Invalid, "file.size", "this image is kept at the widths 320 and 1080, not at 300").With(parameter("size", "size", "expected 320 or 1080")),
		e(roundtrip.Invalid, "request.invalid", "the parameter size is wrong: a width in pixels is expected").With(parameter("size", "wrong_value", "a width in pixels is expected")),
		unknownParameter)
}

// addRefused adds what is well formed, and not allowed or not possible.
func (w *writer) addRefused(add adder) {
	name, field := w.spoken()
	e, missing := roundtrip.E, missingRecord(name)
	add("Unauthenticated", 401, "Sign in first, or again: nobody is signed in, or the session has ended. A cookie that proves nothing any more is cleared with this answer.",
		e(roundtrip.Unauthenticated, "auth.missing", "Sign in to create "+name+"."),
		e(roundtrip.Unauthenticated, "auth.expired", "the session has ended, or is none of this server's; sign in again"),
		e(roundtrip.Unauthenticated, "auth.invalid", "this is no session token; sign in to get one"))
	add("WrongSignIn", 401, "The name or the password is wrong; which of them is not told.", e(roundtrip.Unauthenticated, "auth.invalid", "the name or the password is wrong"))
	add("Denied", 403, "The rule says no, or a page of another site tried to write with this site's cookie.",
		e(roundtrip.Denied, "access.rule_denied", "The rule "+name+".update does not hold for you and this record."),
		e(roundtrip.Denied, "access.no_rule", "No rule allows anybody to update "+name+"."),
		e(roundtrip.Denied, "auth.csrf_rejected", "a page of another origin may not write with this site's cookie"))
	add("SignUpClosed", 403, "New accounts are not taken.", e(roundtrip.Denied, "auth.sign_up_closed", "new accounts are not taken here; ask an operator for one"),
		e(roundtrip.Denied, "auth.csrf_rejected", "a page of another origin may not write with this site's cookie"))
	add("OtherSite", 403, "A page of another site tried to write with this site's cookie.",
		e(roundtrip.Denied, "auth.csrf_rejected", "a page of another origin may not write with this site's cookie"))
	add("Missing", 404, "There is no such record, or the read rule hides it: which of the two is not told.", missing,
		e(roundtrip.Missing, "access.hidden", `There is no record "0am5tepg0000z" in `+name+"."))
	add("NoFile", 404, "There is no such record, the read rule hides it, or its field holds no file or another one.",
		e(roundtrip.Missing, "file.missing", "the field image of this record holds no file"), missing,
		e(roundtrip.Missing, "access.hidden", `There is no record "0am5tepg0000z" in `+name+"."))
	add("NoSuchTopic", 404, "There is no such record, collection or channel, or the read rule hides it.", missing,
		e(roundtrip.Missing, "request.unknown_path", "there is no collection \""+name+"x\"; did you mean "+name+"?"))
	add("Taken", 409, "Another record has this value, or this id, already. The pointers name the fields.",
		e(roundtrip.Conflict, "store.unique", "Another record of "+name+" has this "+field+" already.").With(at("/"+field, "unique", "another record has this value already")))
	add("Stale", 412, "The record is not the one that `If-Match` names: it was written since. Read it again, then decide.",
		e(roundtrip.Stale, "store.stale", "The record has changed since you read it."))
	add("TooLarge", 413, "The body is over its limit.", e(roundtrip.TooLarge, "request.body_too_large", "the body is over the limit of 1048576 bytes"))
	add("FileTooLarge", 413, "The body, or a file in it, is over its limit.",
		e(roundtrip.TooLarge, "file.too_large", "image takes files of up to 10 MB"),
		e(roundtrip.TooLarge, "request.body_too_large", "the request is larger than the site's limit of "+bytesWords(max(w.Body, 1000))))
	add("MediaType", 415, "The body is of a type that is not read here.", mediaType(roundtrip.Unsupported, "request.media_type", `a body of type application/json is read here; this one has type "text/plain"`))
	add("FileType", 415, "The body is of a type that is not read here, or a file is of one that its field does not accept.",
		mediaType(roundtrip.Unsupported, "request.media_type", `a body of type application/json or multipart/form-data is read here; this one has type "text/plain"`),
		mediaType(roundtrip.Invalid, "file.type", "image takes image/jpeg and image/png; this file's content is image/gif"))
	add("Unprocessable", 422, "The present state forbids it: the key came with another request before, or other records point to this one.",
		e(roundtrip.Unprocessable, "store.key_reused", "The idempotency key was used for another request. Make a new one for each."),
		e(roundtrip.Unprocessable, "store.restricted", "Other records point to this one: delete them first."))
	add("AnswerTooLarge", 422, "The answer would be over 16 MB: ask for fewer records, or fewer members.",
		e(roundtrip.Unprocessable, "request.invalid", "the answer would be over 16 MB; ask for fewer records with page_size, or for fewer members with fields"),
		e(roundtrip.Unprocessable, "store.failed", "The sum is over 64 bits: select fewer records."))
}

// addCommon adds what may come back for every request.
func (w *writer) addCommon(add adder) {
	e := roundtrip.E
	wait := func(err *roundtrip.Error) *roundtrip.Error {
		err.Retry = time.Second
		return err
	}
	rate := wait(e(roundtrip.Limited, "limit.rate", "There were more requests than 50/s per client."))
	tries := wait(e(roundtrip.Limited, "auth.rate_limited", "too many tries; try again in 12 s"))
	streams := wait(e(roundtrip.Limited, "stream.connections", "there are 20 connections of yours already; close some, or share one"))
	add("TooManyRequests", 429, "There were too many requests. Wait as long as `Retry-After` says.", rate)
	if w.Rates {
		add("TooManyTries", 429, "There were too many tries to sign in, or too many requests. Wait as long as `Retry-After` says.", tries, rate)
		add("TooManyStreams", 429, "There are too many connections or topics, or were too many requests.", streams, rate)
	} else {
		add("TooManyTries", 429, "There were too many tries to sign in. Wait as long as `Retry-After` says.", tries)
		add("TooManyStreams", 429, "There are too many connections or topics.", streams)
	}
	add("Internal", 500, "Something went wrong on our side. Nothing of it is told here; the journey has it.", e(roundtrip.Internal, "app.internal", ""))
	add("Unavailable", 503, "It can't be done right now: try again.",
		wait(e(roundtrip.Unavailable, "store.pool_exhausted", "All 20 readers of the database are busy. Try again.")),
		e(roundtrip.Unavailable, "app.stopping", "the server is stopping; connect again in a moment"))
	add("Deadline", 504, "It took too long. Ask for less, or have an index declared that serves this.",
		e(roundtrip.Deadline, "store.deadline", "The database took too long to answer. Ask for less, or add an index that serves this."))
	late := e(roundtrip.Deadline, "request.timeout", "the body did not arrive in time")
	late.Status = 408
	misdirected := e(roundtrip.Missing, "route.no_host", `No site here has the name "other.example".`)
	misdirected.Status = 421
	heads := e(roundtrip.TooLarge, "request.headers_too_large", "The head of the request has more than 100 header lines, or is longer than 16 KiB.")
	heads.Status = 431
	add("Other", otherStatus, "What can go wrong before the API has read the request.", late, misdirected, heads)
}

func mediaType(kind roundtrip.Kind, reason, public string) *roundtrip.Error {
	e := roundtrip.E(kind, reason, public)
	e.Status = 415
	return e
}

// textField is a field that errors can speak of.
func textField(c *roundtrip.Collection) *roundtrip.Field {
	for _, f := range c.Fields[roundtrip.FirstField:] {
		if f.Type == roundtrip.TypeText {
			return f
		}
	}
	return nil
}

// refuse lists errors as answers. Each becomes a component when it is first used.
func (w *writer) refuse(names ...string) []Answer {
	answers := make([]Answer, len(names))
	for i, name := range names {
		r := w.refusals[name]
		if !w.responses.has(name) {
			w.responses = w.responses.with(name, w.refusal(r))
		}
		answers[i] = Answer{Status: r.status, Says: r.says, Type: roundtrip.ProblemType, shared: name, Example: w.problem(r.cases[0])}
	}
	return answers
}

// always are the errors of every request that reaches the database.
func (w *writer) always(names ...string) []Answer {
	if w.schema.Accounts() != nil {
		names = append(names, "Unauthenticated")
	}
	if w.Rates {
		names = append(names, "TooManyRequests")
	}
	return w.refuse(append(names, "Internal", "Unavailable", "Deadline", "Other")...)
}

func (w *writer) refusal(r refusal) object {
	var examples object
	for _, c := range r.cases {
		examples = examples.with(c.Reason, object{{"value", raw(w.problem(c))}})
	}
	return object{
		{"description", r.says},
		{"headers", headerRefs(r.headers)},
		{"content", object{{roundtrip.ProblemType, object{{"schema", schemaRef("Problem")}, {"examples", examples}}}}},
	}
}

// problem is an error as the door writes it.
func (w *writer) problem(e *roundtrip.Error) string {
	path := strings.TrimSuffix(w.Mount, "/")
	if w.sample != nil {
		path += "/" + w.sample.Name
	}
	return string(e.AppendProblem(nil, path, exampleJourney))
}

package rest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
)

// inboxRoutes are the paths of an account's notifications. All of their answers are no-store.
func inboxRoutes() []route {
	return []route{
		{"GET", inboxShape, "inbox", (*exchange).inbox},
		{"POST", inboxShape, "inbox/seen", (*exchange).inboxSeen},
		{"POST", inboxShape, "inbox/read", (*exchange).inboxRead},
		{"GET", inboxShape, "inbox/preferences", (*exchange).preferences},
		{"PATCH", inboxShape, "inbox/preferences", (*exchange).setPreferences},
	}
}

// inbox answers GET inbox: a page of notifications, or with cursor= what changed since.
func (x *exchange) inbox() error {
	q, polls, err := x.inboxQuery()
	if err != nil {
		return err
	}
	account, err := x.account()
	if err != nil {
		return err
	}
	var body []byte
	if polls {
		body, err = x.door.core.Inbox().Poll(x.r.Context(), account, q.cursor)
	} else {
		body, err = x.door.core.Inbox().List(x.r.Context(), account, q.size, q.token)
	}
	if err != nil {
		return err
	}
	return x.sendPrivate(http.StatusOK, body)
}

// inboxQuery is what GET inbox is asked for.
type inboxQuery struct {
	size          int
	token, cursor string
}

func (x *exchange) inboxQuery() (q inboxQuery, polls bool, err error) {
	raw := x.r.URL.RawQuery
	if len(raw) > queryMaxBytes {
		return q, false, roundtrip.E(roundtrip.Invalid, "request.invalid", "the query string is over %d bytes", queryMaxBytes)
	}
	seen := map[string]bool{}
	for raw != "" {
		name, value, rest, err := nextParam(raw)
		if err != nil {
			return q, false, err
		}
		raw = rest
		switch {
		case name == "" && value == "":
			continue
		case seen[name]:
			return q, false, repeated(name)
		case name == "page_size":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil || n == 0 {
				return q, false, wrongParam(name, "a whole number from 1 to 200 is expected")
			}
			q.size = int(n)
		case name == "page_token":
			q.token = value
		case name == "cursor":
			q.cursor, polls = value, true
		default:
			return q, false, unknownInboxParam(name)
		}
		seen[name] = true
	}
	if polls && len(seen) > 1 {
		return q, false, wrongParam("cursor", "cursor asks for what changed, and stands alone")
	}
	return q, polls, nil
}

func unknownInboxParam(name string) error {
	names := []string{"page_size", "page_token", "cursor"}
	message := "inbox takes no parameter " + strconv.Quote(input.Cut(name, 64)) + "; it takes " + strings.Join(names, ", ")
	if n := nearest.Of(input.Cut(name, 64), names); n != "" {
		message = "inbox takes no parameter " + strconv.Quote(input.Cut(name, 64)) + "; did you mean " + n + "?"
	}
	return roundtrip.E(roundtrip.Invalid, "request.unknown_parameter", "%s", message).
		With(roundtrip.Detail{Parameter: input.Cut(name, 64), Code: "unknown_parameter", Message: message})
}

// account is who is signed in.
func (x *exchange) account() (roundtrip.ID, error) {
	if x.door.core.Inbox() == nil {
		return 0, unknownPath("there is no inbox here")
	}
	who, err := x.desk().Account(x.r.Context())
	if err != nil {
		return 0, err
	}
	return who.ID, nil
}

// inboxBody reads a body for somebody who is signed in. member reads the value of a member; it reports false for one that
// it does not know.
func (x *exchange) inboxBody(names []string, member func(d *decoder, call *roundtrip.Call, name string) (bool, error)) (roundtrip.ID, error) {
	if err := x.noParameters(); err != nil {
		return 0, err
	}
	account, err := x.account()
	if err != nil {
		return 0, err
	}
	accepted := []string{jsonType}
	if x.r.Method == http.MethodPatch {
		accepted = append(accepted, mergePatchType)
	}
	body, err := x.json(accepted...)
	if err != nil {
		return 0, err
	}
	var call roundtrip.Call
	d := newDecoder(body)
	err = d.members(func(name string) error {
		known, err := member(d, &call, name)
		if err != nil || known {
			return err
		}
		message := "there is no " + strconv.Quote(input.Cut(name, 64)) + " here; expected " + strings.Join(names, " or ")
		if n := nearest.Of(input.Cut(name, 64), names); n != "" {
			message = "there is no " + strconv.Quote(input.Cut(name, 64)) + " here; did you mean " + n + "?"
		}
		input.Wrong(&call, name, "unknown_field", message)
		return d.Dec.SkipValue()
	})
	if err == nil {
		err = d.End()
	}
	if err == nil && len(call.Wrong) > 0 {
		err = roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", call.Wrong[0].Message).With(call.Wrong...)
	}
	return account, err
}

// members reads one object, and gives each name to fn, which reads the value.
func (d *decoder) members(fn func(name string) error) error {
	if err := d.Open('{', "an object is expected"); err != nil {
		return err
	}
	for d.Dec.PeekKind() != '}' {
		name, err := d.Dec.ReadToken()
		if err != nil {
			return d.Failed(err)
		}
		if err := fn(name.String()); err != nil {
			return d.Failed(err)
		}
	}
	_, err := d.Dec.ReadToken()
	return d.Failed(err)
}

// inboxSeen answers POST inbox/seen: {"through":17}, or {} for all there is.
func (x *exchange) inboxSeen() error {
	through, given := int64(0), false
	account, err := x.inboxBody([]string{"through"}, func(d *decoder, _ *roundtrip.Call, name string) (bool, error) {
		if name != "through" {
			return false, nil
		}
		v, err := d.Dec.ReadValue()
		if err != nil {
			return true, err
		}
		given = true
		if through, err = strconv.ParseInt(string(v), 10, 64); err != nil {
			through = -1 // which is no number of an inbox
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	var body []byte
	if given {
		body, err = x.door.core.Inbox().Seen(x.r.Context(), account, through)
	} else {
		body, err = x.door.core.Inbox().SeenAll(x.r.Context(), account)
	}
	if err != nil {
		return err
	}
	return x.sendPrivate(http.StatusOK, body)
}

// inboxRead answers POST inbox/read: {"ids":["…"]} or {"all":true}.
func (x *exchange) inboxRead() error {
	var ids []roundtrip.ID
	all, given := false, 0
	account, err := x.inboxBody([]string{"ids", "all"}, func(d *decoder, call *roundtrip.Call, name string) (bool, error) {
		given++
		switch name {
		case "ids":
			return true, d.ids(call, name, &ids)
		case "all":
			if d.Dec.PeekKind() != 't' {
				input.Wrong(call, name, "wrong_type", "all is true, or is left out")
			}
			all = true
			return true, d.Dec.SkipValue()
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	if given != 1 {
		return inbox.OneOf()
	}
	var body []byte
	if all {
		body, err = x.door.core.Inbox().ReadAll(x.r.Context(), account)
	} else {
		body, err = x.door.core.Inbox().Read(x.r.Context(), account, ids)
	}
	if err != nil {
		return err
	}
	return x.sendPrivate(http.StatusOK, body)
}

// ids reads an array of ids.
func (d *decoder) ids(call *roundtrip.Call, name string, to *[]roundtrip.ID) error {
	if d.Dec.PeekKind() != jsontext.KindBeginArray {
		input.Wrong(call, name, "wrong_type", "an array of ids is expected")
		return d.Dec.SkipValue()
	}
	if _, err := d.Dec.ReadToken(); err != nil {
		return err
	}
	for d.Dec.PeekKind() != jsontext.KindEndArray {
		var text string
		if err := d.text(call, name, &text); err != nil {
			return err
		}
		id, ok := roundtrip.ParseID(text)
		if !ok {
			input.Wrong(call, name, "bad_id", "an id is "+roundtrip.IDForm)
			continue
		}
		*to = append(*to, id)
	}
	_, err := d.Dec.ReadToken()
	return err
}

// preferences answers GET inbox/preferences.
func (x *exchange) preferences() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	account, err := x.account()
	if err != nil {
		return err
	}
	body, err := x.door.core.Inbox().Preferences(x.r.Context(), account)
	if err != nil {
		return err
	}
	return x.sendPrivate(http.StatusOK, body)
}

// setPreferences answers PATCH inbox/preferences: {"liked":{"push":false}}.
func (x *exchange) setPreferences() error {
	change := map[string]roundtrip.Preference{}
	account, err := x.inboxBody(nil, func(d *decoder, call *roundtrip.Call, kind string) (bool, error) {
		if d.Dec.PeekKind() != '{' {
			input.Wrong(call, kind, "wrong_type", `an object of channels is expected, such as {"push":false}`)
			return true, d.Dec.SkipValue()
		}
		wants := roundtrip.Preference{}
		change[kind] = wants
		return true, d.members(func(channel string) error {
			have := d.Dec.PeekKind()
			if have != 't' && have != 'f' {
				input.Wrong(call, kind, "wrong_type", input.Cut(channel, 64)+" is true or false")
			}
			wants[roundtrip.Channel(channel)] = have == 't'
			return d.Dec.SkipValue()
		})
	})
	if err != nil {
		return err
	}
	body, err := x.door.core.Inbox().SetPreferences(x.r.Context(), account, change)
	if err != nil {
		return err
	}
	return x.sendPrivate(http.StatusOK, body)
}

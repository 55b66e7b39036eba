package rest

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// grant answers with a new session.
func (x *exchange) grant(status int, g *identity.Grant) error {
	b := append(x.answer.out[:0], `{"account":`...)
	b = x.door.byPlace[g.Account.Collection].appendRecord(b, g.Account, nil)
	b = append(b, `,"session":`...)
	b = appendSession(b, &g.Session, true)
	if g.Token != "" {
		b = append(b, `,"token":`...)
		b = input.AppendString(b, []byte(g.Token))
	}
	x.answer.out = append(b, '}')
	return x.sendPrivate(status, x.answer.out)
}

// appendSession appends a session as the account's owner sees it. Its hash stays inside.
func appendSession(b []byte, s *roundtrip.Session, current bool) []byte {
	b = append(b, `{"id":"`...)
	b = s.ID.AppendTo(b)
	b = append(b, `","create_time":"`...)
	b = roundtrip.AppendTime(b, s.Created.UnixMicro())
	b = append(b, `","last_use_time":"`...)
	b = roundtrip.AppendTime(b, s.LastUsed.UnixMicro())
	b = append(b, `","expire_time":"`...)
	b = roundtrip.AppendTime(b, s.Expires.UnixMicro())
	b = append(b, `","name":`...)
	b = input.AppendString(b, []byte(s.Name))
	b = append(b, `,"address":`...)
	if s.Addr.IsValid() {
		b = input.AppendString(b, []byte(s.Addr.String()))
	} else {
		b = append(b, "null"...)
	}
	if current {
		return append(b, `,"current":true}`...)
	}
	return append(b, `,"current":false}`...)
}

// sendPrivate is send for what must lie in no cache, not even the browser's own.
func (x *exchange) sendPrivate(status int, body []byte) error {
	h := x.w.Header()
	x.secure(h, x.door.fixed.json)
	h["Cache-Control"] = x.door.fixed.noStore
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	return x.aborted(err)
}

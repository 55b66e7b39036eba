package rest

import "github.com/roundtrip-dev/roundtrip/handler"

// live answers GET live.
func (x *exchange) live() error { return x.door.streams.Live(x.w, x.r, x.streamer()) }

// watch answers GET photos:watch.
func (x *exchange) watch() error {
	topic, cursor := watchTopic(x.at.plan.collection.Name, x.r.URL.RawQuery)
	return x.door.streams.Watch(x.w, x.r, x.streamer(), topic, cursor)
}

// streamer is who opens a stream. A WebSocket is no read that CORS would guard: whether the page may use the cookie is
// asked as for a write.
func (x *exchange) streamer() handler.Caller {
	return handler.Caller{
		Token: x.visit.Token, Cookie: x.cookie, Addr: x.addr(),
		Foreign: x.caller() == otherPage && !x.door.guard.trusts(x.r.Header.Get("Origin")),
	}
}

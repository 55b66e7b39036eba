package openapi

import (
	"strconv"
	"strings"
)

// live writes down the one connection for many topics.
func (w *writer) live() {
	w.tag("live", "Many topics on one connection.")
	topics := []string{"a collection or record, as one would ask for it with GET (`photos?filter=likes > 10`)"}
	if len(w.schema.Notices) > 0 && w.schema.Accounts() != nil {
		topics = append(topics, "`inbox`")
	}
	if len(w.schema.Channels) > 0 {
		topics = append(topics, "`channel/NAME/KEY`")
	}
	w.add(Operation{
		ID: "live", Method: "GET", Path: "/live", Tag: "live", Title: "Live",
		Says: "A WebSocket; or, without `Upgrade: websocket`, server-sent events of the topics in the query. A topic is " + either(topics) +
			". Over the WebSocket the client sends JSON such as `{\"id\":1,\"subscribe\":\"photos\",\"cursor\":\"…\"}`, and gets the same messages as below. " +
			"The cursor of any message is good for each topic, on every way.",
		Parameters: []Parameter{{
			Name: "topic", In: "query", apart: true, schema: object{{"type", "array"}, {"items", object{{"type", "string"}, {"maxLength", 8192}}}, {"maxItems", 100}},
			Says: "What to send; percent-encoded as a whole. Needed without a WebSocket.",
		}, w.cursor(), w.lastEventID()},
		Answers: append(w.streamErrors("InvalidTopic", "OtherSite", "NoSuchTopic"),
			Answer{Status: 101, Says: "The connection is a WebSocket (RFC 6455). A close says in its code and reason what to do next."},
			Answer{
				Status: 200, Says: "Events: `id:` is the cursor, `data:` one message in JSON, such as `{\"topic\":\"photos\",\"changes\":[{\"put\":{…}}],\"cursor\":\"…\"}`.",
				Type: "text/event-stream", schema: text(), Headers: w.readHeaders(),
			}),
	})
}

// about is the text at the beginning of the document.
func (w *writer) about() string {
	var b strings.Builder
	say := func(paragraph string) {
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(paragraph)
	}
	say("The REST API of " + w.schema.Name + ". The same records are served over gRPC, gRPC-Web and Connect: see `descriptors.proto`.")
	say("**Records** are JSON objects. Each has `id`, `create_time`, `update_time` and `etag`; a field without a value is `null`. What no rule allows to anybody is not in this document. " +
		"An unknown parameter or member is an error that names the nearest one. Int64 numbers are exact; JavaScript's own are so to 2⁵³.")
	say("**Writes** are durable when they are answered. `If-Match` with the `ETag` writes only what you have read; `Idempotency-Key` makes a write safe to repeat.")
	say("**Errors** are problems (RFC 9457), `application/problem+json`. A program decides by `code`, or more exactly by `reason`; `errors` lists everything that is wrong at once.")
	if w.schema.Accounts() != nil {
		say("**Signing in** gives a token for `Authorization: Bearer`, or a cookie to a page of the site. A token or cookie whose session is over is a 401 on every path.")
	}
	say("**Limits:** a body of JSON has at most 1 MiB, one with files " + bytesWords(w.bodyMax()) + "; a page has 1 to 200 records; a batch " + strconv.Itoa(100) + " writes. `HEAD` works wherever `GET` does.")
	return b.String()
}

// bodyMax is the largest body with files.
func (w *writer) bodyMax() int64 {
	if w.Body > 0 {
		return w.Body
	}
	return 32_000_000
}

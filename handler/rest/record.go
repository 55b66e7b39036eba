package rest

import (
	"crypto/sha256"
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// list answers GET photos.
func (x *exchange) list() error {
	call := x.read(roundtrip.List)
	if err := x.parameters(&call.Query, listParams); err != nil {
		return err
	}
	if err := x.do(call); err != nil {
		return err
	}
	return x.send(http.StatusOK, x.answer.out, "")
}

// get answers GET photos/ID.
func (x *exchange) get() error {
	call := x.read(roundtrip.Get)
	if err := x.parameters(&call.Query, getParams); err != nil {
		return err
	}
	if err := x.do(call); err != nil {
		return err
	}
	etag := x.door.etag(x.answer.etag, x.answer.out, hashedETag(x.at.plan, &call.Query))
	if header := x.r.Header["If-None-Match"]; header != nil && input.MatchesNone(header, etag) {
		return x.sendEmpty(http.StatusNotModified, etag)
	}
	return x.send(http.StatusOK, x.answer.out, etag)
}

// aggregate answers GET photos:aggregate.
func (x *exchange) aggregate() error {
	call := x.read(roundtrip.Aggregate)
	if err := x.parameters(&call.Query, aggregateParams); err != nil {
		return err
	}
	if err := x.do(call); err != nil {
		return err
	}
	return x.send(http.StatusOK, x.answer.out, "")
}

// create answers POST photos.
func (x *exchange) create() error {
	call, err := x.write(roundtrip.Create)
	if err != nil {
		return err
	}
	call.Input = roundtrip.NewRecord(call.Collection)
	if err := x.record(call, jsonType, formType); err != nil {
		return err
	}
	x.w.Header()["Location"] = []string{x.at.plan.location + x.answer.wrote.String()}
	return x.stored(http.StatusCreated)
}

// update answers PATCH photos/ID.
func (x *exchange) update() error {
	call, err := x.write(roundtrip.Update)
	if err != nil {
		return err
	}
	if call.IfMatch, err = ifMatch(x.r.Header); err != nil {
		return err
	}
	call.Input = roundtrip.NewRecord(call.Collection)
	if err := x.record(call, mergePatchType, jsonType, formType); err != nil {
		return err
	}
	return x.stored(http.StatusOK)
}

// remove answers DELETE photos/ID.
func (x *exchange) remove() error {
	call, err := x.write(roundtrip.Delete)
	if err != nil {
		return err
	}
	if call.IfMatch, err = ifMatch(x.r.Header); err != nil {
		return err
	}
	x.sign(call, nil)
	if err := x.do(call); err != nil {
		return err
	}
	x.markReplay()
	return x.sendEmpty(http.StatusNoContent, "")
}

// record reads what a create or update brings, and does it.
func (x *exchange) record(call *roundtrip.Call, accepted ...string) error {
	media, err := x.media(accepted...)
	if err != nil {
		return err
	}
	if media == formType {
		return x.form(call)
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	if err := decodeRecord(call, body); err != nil {
		return err
	}
	x.sign(call, body)
	return x.do(call)
}

// stored answers with the record that was written, or without it where the caller may not read it.
func (x *exchange) stored(status int) error {
	x.markReplay()
	if x.answer.hidden {
		return x.sendEmpty(http.StatusNoContent, "")
	}
	return x.send(status, x.answer.out, x.door.etag(x.answer.etag, x.answer.out, x.at.plan.counts))
}

// sign ties an idempotency key to the request that it came with.
func (x *exchange) sign(call *roundtrip.Call, body []byte) {
	if call.Key == "" {
		return
	}
	h := sha256.New()
	x.signPath(h)
	h.Write(body)
	h.Sum(call.KeyHash[:0])
}

func (x *exchange) signPath(h interface{ Write([]byte) (int, error) }) {
	_, _ = h.Write([]byte(x.r.Method + "\x00" + x.r.URL.Path + "\x00" + x.r.Header.Get("If-Match") + "\x00"))
}

// markReplay says that the answer is the one of an earlier request with the same key.
func (x *exchange) markReplay() {
	if x.answer.replay {
		x.w.Header()["Idempotency-Replayed"] = x.door.fixed.yes
	}
}

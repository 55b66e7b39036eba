package rest

import (
	"context"
	"net/url"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

var _ live.Pages = (*Door)(nil)

// noSnapshot is the parameter of a topic that asks for changes alone.
const noSnapshot = "page_size=0"

// Topic reads the text of a topic as it reads the path and the query string of a GET: photos?filter=likes > 10 or
// photos/ID. Its errors are the same.
func (d *Door) Topic(text string) (*live.Asked, error) {
	path, query, _ := strings.Cut(text, "?")
	x := &exchange{door: d}
	if err := d.find(path, &x.at); err != nil {
		return nil, err
	}
	if x.at.shape != collectionShape && x.at.shape != recordShape {
		return nil, unknownPath("%q can't be watched: a topic is a collection, a record, inbox or channel/NAME/KEY", input.Cut(path, 64))
	}
	a := &live.Asked{Collection: x.at.plan.collection, ID: x.at.id}
	if a.ID != 0 {
		return a, x.parametersOf(query, &a.Query, getParams)
	}
	query, a.Silent = cutParameter(query, noSnapshot)
	if err := x.parametersOf(query, &a.Query, topicParams); err != nil {
		return nil, err
	}
	if a.Silent && a.Query.PageSize > 0 {
		return nil, repeated("page_size")
	}
	return a, nil
}

// cutParameter takes a parameter out of a query string.
func cutParameter(query, parameter string) (rest string, found bool) {
	parts := strings.Split(query, "&")
	kept := parts[:0]
	for _, p := range parts {
		if p == parameter && !found {
			found = true
			continue
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "&"), found
}

// watchTopic is the topic of GET photos:watch?filter=…: what is not the stream's own parameter belongs to it.
func watchTopic(collection, rawQuery string) (topic, cursor string) {
	var rest []string
	for part := range strings.SplitSeq(rawQuery, "&") {
		if name, value, _ := strings.Cut(part, "="); name == "cursor" {
			if text, err := url.QueryUnescape(value); err == nil {
				value = text
			}
			cursor = value
			continue
		}
		if part != "" {
			rest = append(rest, part)
		}
	}
	if len(rest) == 0 {
		return collection, cursor
	}
	return collection + "?" + strings.Join(rest, "&"), cursor
}

// Page writes the records of a list's first page.
func (d *Door) Page(ctx context.Context, v store.View, p *policy.Permit) ([]live.Piece, error) {
	a := newPieces(d)
	err := handler.Page(ctx, v, p, a)
	return a.list(), err
}

// Some writes those of the records that the permit allows.
func (d *Door) Some(ctx context.Context, v store.View, p *policy.Permit, ids []roundtrip.ID) ([]live.Piece, error) {
	a := newPieces(d)
	err := handler.Some(ctx, v, p, ids, a)
	return a.list(), err
}

// pieces is a [handler.Answer] that keeps its records apart.
type pieces struct {
	answer

	ids  []roundtrip.ID
	ends []int // of each record in answer.out
}

func newPieces(d *Door) *pieces {
	return &pieces{answer: answer{door: d, action: roundtrip.Get}}
}

// Row takes a record.
func (a *pieces) Row(hop int, row roundtrip.Row) error {
	if hop == 0 {
		a.ids = append(a.ids, roundtrip.ID(row.Int(roundtrip.FieldID)))
	}
	if len(a.hops) > 1 {
		a.addNode(hop, row)
	} else {
		a.out = a.hops[0].plan.appendRecord(a.out, row, a.hops[0].mask)
		a.ends = append(a.ends, len(a.out))
	}
	if len(a.out)+len(a.tree.Text) > tree.MaxBytes {
		return tree.TooLarge()
	}
	return nil
}

// End puts the records into each other.
func (a *pieces) End(string, int64, bool) error {
	for _, n := range a.tree.Top {
		a.appendNode(0, n)
		a.ends = append(a.ends, len(a.out))
		if len(a.out) > tree.MaxBytes {
			return tree.TooLarge()
		}
	}
	return nil
}

func (a *pieces) list() []live.Piece {
	list := make([]live.Piece, len(a.ends))
	start := 0
	for i, end := range a.ends {
		list[i] = live.Piece{ID: a.ids[i], JSON: a.out[start:end:end]}
		start = end
	}
	return list
}

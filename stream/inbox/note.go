package inbox

import (
	"context"
	"fmt"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
)

// Note returns one entry of an inbox for those who tell of it outside of the application, or nil where it is gone. With it a
// Service is a [courier.Notes].
func (s *Service) Note(ctx context.Context, account, id roundtrip.ID) (*courier.Note, error) {
	page, err := s.store.ReadInbox(ctx, account, store.InboxQuery{Size: 1, Note: id, Names: s.names})
	if err != nil || len(page.Notes) == 0 {
		return nil, err
	}
	prefs, err := s.store.Preferences(ctx, account)
	if err != nil {
		return nil, err
	}
	n := &page.Notes[0]
	k, known := s.of[n.Kind]
	if !known { // declared a moment ago: whoever speaks for the new declaration tells of it
		return nil, fmt.Errorf("a notification %s is not known here", n.Kind)
	}
	note := &courier.Note{
		ID: n.ID, Kind: n.Kind, Group: n.Group, Record: n.Record, Position: n.Position, Changed: n.Updated,
		Text:    k.text.Fill(actorsInWords(n, page), n.Data),
		Settled: n.Read || n.Bumped <= page.SeenThrough,
	}
	for _, c := range roundtrip.Channels() {
		if !k.declared.Has(c) || !prefs[n.Kind].Wants(c) {
			note.Off = append(note.Off, c)
		}
	}
	if n.Collection != nil {
		note.Collection = n.Collection.Name
	}
	return note, nil
}

// Package inbox shows people their notifications: the entries of an inbox as JSON, with the numbers that go with them, and
// the marks that people set. The store keeps the inboxes and fills them in the transaction of what they tell of; here
// nothing is decided and nothing is kept, so that all doors say the same.
package inbox

import (
	"context"
	"errors"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

const (
	pageDefault = 20  // entries of a page where no size is given, and of a snapshot
	pageMax     = 200 // entries of a page
	changesMax  = 200 // entries that changed; where more did, a snapshot says it shorter
	readMax     = 200 // entries that one call marks
)

// Store is what the service needs of the store.
type Store interface {
	store.Inboxes
	Epoch(ctx context.Context) (string, error)
	Floor(ctx context.Context) (int64, error)
}

// Options is what a [Service] is made of.
type Options struct {
	Store  Store
	Schema *roundtrip.Schema
	Login  []string // the fields of the accounts that name one at sign-in
}

// Service reads and marks inboxes. Its methods may be called by many goroutines. Their errors are *roundtrip.Error.
type Service struct {
	store Store
	kinds []string // in the order of the declaration
	of    map[string]kind
	names []string // fields of the accounts that name an actor
}

type kind struct {
	declared *roundtrip.Notice
	text     policy.Text
}

// New makes a service for the notifications of a schema that policy has checked.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Schema == nil {
		return nil, errors.New("inbox.New: Store and Schema must be given")
	}
	s := &Service{store: o.Store, of: map[string]kind{}, names: namesOf(o.Schema.Accounts(), o.Login)}
	for _, n := range o.Schema.Notices {
		s.kinds = append(s.kinds, n.Name)
		s.of[n.Name] = kind{declared: n, text: policy.NewText(n)}
	}
	return s, nil
}

// namesOf returns the fields that name an actor to others: those that name an account at sign-in, but no addresses. An
// e-mail address is told to nobody because its owner liked a photo.
func namesOf(accounts *roundtrip.Collection, login []string) []string {
	if accounts == nil {
		return nil
	}
	var out []string
	for _, name := range login {
		if i, ok := accounts.Lookup(name); ok && accounts.Fields[i].Type != roundtrip.TypeEmail {
			out = append(out, name)
		}
	}
	return out
}

// Snapshot gives the newest entries of an inbox with its numbers, as the members of a message, and the position that they
// stand at.
func (s *Service) Snapshot(ctx context.Context, account roundtrip.ID) (members []byte, position int64, err error) {
	page, err := s.store.ReadInbox(ctx, account, store.InboxQuery{Size: pageDefault, Names: s.names})
	if err != nil {
		return nil, 0, err
	}
	b := append(make([]byte, 0, 512), `"snapshot":`...)
	b = s.appendNotes(b, page)
	return appendNumbers(append(b, ','), page.Inbox), page.Position, nil
}

// Since gives what changed in an inbox after a position, as the members of a message, and the position that this reaches.
// members are nil where it can't be told, because too much of it is gone or there is too much of it: then take a Snapshot.
func (s *Service) Since(ctx context.Context, account roundtrip.ID, position int64) (members []byte, now int64, err error) {
	page, err := s.store.ReadInbox(ctx, account, store.InboxQuery{Size: changesMax, Changed: true, Since: position, Names: s.names})
	if err != nil {
		return nil, 0, err
	}
	if page.More || position < page.Floor || position > page.Position {
		return nil, page.Position, nil
	}
	b := append(make([]byte, 0, 512), `"changes":[`...)
	for i := range page.Notes {
		if i > 0 {
			b = append(b, ',')
		}
		if n := &page.Notes[i]; n.Count == 0 {
			b = append(n.ID.AppendTo(append(b, `{"removed":"`...)), `"}`...)
		} else {
			b = append(s.appendNote(append(b, `{"put":`...), n, page), '}')
		}
	}
	return appendNumbers(append(b, `],`...), page.Inbox), page.Position, nil
}

// Poll gives one message of the topic inbox: what changed since a cursor, or a snapshot where there is none, or where the
// cursor can't be followed; the message says why.
func (s *Service) Poll(ctx context.Context, account roundtrip.ID, cursor string) ([]byte, error) {
	epoch, err := s.store.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	reset := ""
	if cursor != "" {
		at, err := roundtrip.ParseCursor(cursor)
		if err != nil {
			return nil, err
		}
		members, now, why, err := s.since(ctx, account, at.Epoch == epoch, at.Position)
		if err != nil {
			return nil, err
		}
		if why == "" {
			return appendMessage(members, "", epoch, now), nil
		}
		reset = why
	}
	members, position, err := s.Snapshot(ctx, account)
	if err != nil {
		return nil, err
	}
	return appendMessage(members, reset, epoch, position), nil
}

// since is Since with the reason where it can't be told.
func (s *Service) since(ctx context.Context, account roundtrip.ID, here bool, position int64) (members []byte, now int64, why string, err error) {
	floor, err := s.store.Floor(ctx)
	switch {
	case err != nil:
		return nil, 0, "", err
	case !here:
		return nil, 0, "epoch", nil
	case position < floor:
		return nil, 0, "too_old", nil
	}
	members, now, err = s.Since(ctx, account, position)
	switch {
	case err != nil || members != nil:
		return members, now, "", err
	case position > now:
		return nil, 0, "epoch", nil
	}
	return nil, 0, "too_many", nil
}

// List gives a page of an inbox, the newest entries first, as the body of an answer. size is 0 for the usual one.
func (s *Service) List(ctx context.Context, account roundtrip.ID, size int, token string) ([]byte, error) {
	if size == 0 {
		size = pageDefault
	}
	if size < 1 || size > pageMax {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "page_size is 1 to %d", pageMax).
			With(roundtrip.Detail{Parameter: "page_size", Code: "out_of_range", Message: "expected 1 to 200"})
	}
	before, ok := parseToken(token)
	if !ok {
		return nil, roundtrip.E(roundtrip.Invalid, "request.page_token", "page_token is none that this inbox gave; leave it out for the first page").
			With(roundtrip.Detail{Parameter: "page_token", Code: "page_token", Message: "expected the next_page_token of an earlier page"})
	}
	epoch, err := s.store.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ReadInbox(ctx, account, store.InboxQuery{Size: size, Before: before, Names: s.names})
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 512), `{"notifications":`...)
	b = s.appendNotes(b, page)
	b = appendNumbers(append(b, ','), page.Inbox)
	b = appendCursor(b, epoch, page.Position)
	if page.More {
		b = append(appendToken(append(b, `,"next_page_token":"`...), page.Notes[len(page.Notes)-1].Bumped), '"')
	}
	return append(b, '}'), nil
}

// SeenAll marks all there is as seen, and gives the numbers of the inbox.
func (s *Service) SeenAll(ctx context.Context, account roundtrip.ID) ([]byte, error) {
	return s.mark(ctx, account, store.InboxMark{Seen: true})
}

// Seen marks what has a number up to through as seen, and gives the numbers of the inbox. 0 is the seq of an inbox without
// entries: what came since was not shown.
func (s *Service) Seen(ctx context.Context, account roundtrip.ID, through int64) ([]byte, error) {
	if through < 0 {
		return nil, noSeq()
	}
	if through == 0 {
		through = -1 // to the store 0 is all there is
	}
	return s.mark(ctx, account, store.InboxMark{Seen: true, Through: through})
}

// noSeq is the error of a "through" that is no number of an inbox.
func noSeq() *roundtrip.Error {
	const message = "a number of the inbox is expected, such as the seq of a notification"
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", message).
		With(roundtrip.Detail{Pointer: "/through", Code: "wrong_type", Message: message})
}

// OneOf is the error of a mark that does not say what was read: some entries, or all of them.
func OneOf() *roundtrip.Error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", `what was read is {"ids":["…"]} or {"all":true}`).
		With(roundtrip.Detail{Pointer: "/ids", Code: "required", Message: "expected ids or all, one of them"})
}

// Read marks entries as read, and gives the numbers of the inbox.
func (s *Service) Read(ctx context.Context, account roundtrip.ID, ids []roundtrip.ID) ([]byte, error) {
	if len(ids) > readMax {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "one call marks up to %d notifications; all of them are {\"all\":true}", readMax).
			With(roundtrip.Detail{Pointer: "/ids", Code: "too_many", Message: "expected up to 200 ids"})
	}
	return s.mark(ctx, account, store.InboxMark{Read: ids})
}

// ReadAll marks everything as read and seen, and gives the numbers of the inbox.
func (s *Service) ReadAll(ctx context.Context, account roundtrip.ID) ([]byte, error) {
	return s.mark(ctx, account, store.InboxMark{All: true})
}

func (s *Service) mark(ctx context.Context, account roundtrip.ID, m store.InboxMark) ([]byte, error) {
	numbers, err := s.store.MarkInbox(ctx, account, m)
	if err != nil {
		return nil, err
	}
	return append(appendNumbers([]byte{'{'}, numbers), '}'), nil
}

// Preferences gives what an account wants of each kind, on each channel that the kind has.
func (s *Service) Preferences(ctx context.Context, account roundtrip.ID) ([]byte, error) {
	prefs, err := s.store.Preferences(ctx, account)
	if err != nil {
		return nil, err
	}
	return s.appendPreferences(nil, prefs), nil
}

// SetPreferences changes the channels that are given and gives all preferences. A kind or channel that is not declared is
// an error.
func (s *Service) SetPreferences(ctx context.Context, account roundtrip.ID, change map[string]roundtrip.Preference) ([]byte, error) {
	var wrong []roundtrip.Detail
	for name, wants := range change {
		k, ok := s.of[name]
		if !ok {
			wrong = append(wrong, unknown("/"+name, "there is no notification "+name, name, s.kinds))
			continue
		}
		for channel := range wants {
			if !k.declared.Has(channel) {
				wrong = append(wrong, unknown("/"+name+"/"+string(channel), name+" has no channel "+string(channel), string(channel), channelsOf(k.declared)))
			}
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b roundtrip.Detail) int {
			if a.Pointer < b.Pointer {
				return -1
			}
			return 1
		})
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", wrong[0].Message).With(wrong...)
	}
	prefs, err := s.store.SetPreferences(ctx, account, change)
	if err != nil {
		return nil, err
	}
	return s.appendPreferences(nil, prefs), nil
}

func channelsOf(n *roundtrip.Notice) []string {
	var out []string
	for _, c := range n.Channels {
		out = append(out, string(c))
	}
	return out
}

func unknown(pointer, message, word string, names []string) roundtrip.Detail {
	if near := nearest.Of(word, names); near != "" {
		message += "; did you mean " + near + "?"
	}
	return roundtrip.Detail{Pointer: pointer, Code: "unknown_field", Message: message}
}

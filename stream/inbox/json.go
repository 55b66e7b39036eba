package inbox

import (
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// someone stands for who is not known, or has no name that others may see.
const someone = "someone"

func (s *Service) appendNotes(b []byte, page *store.InboxPage) []byte {
	b = append(b, '[')
	for i := range page.Notes {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendNote(b, &page.Notes[i], page)
	}
	return append(b, ']')
}

// appendNote writes one entry.
func (s *Service) appendNote(b []byte, n *roundtrip.Notification, page *store.InboxPage) []byte {
	b = append(n.ID.AppendTo(append(b, `{"id":"`...)), `","kind":`...)
	b = roundtrip.Text(n.Kind).AppendJSON(b)
	b = appendNumber(b, `,"seq":`, n.Seq)
	b = appendNumber(b, `,"bumped":`, n.Bumped)
	b = strconv.AppendBool(append(b, `,"read":`...), n.Read)
	b = appendNumber(b, `,"count":`, n.Count)
	b = append(b, `,"actors":[`...)
	b = s.appendActors(b, n, page)
	b = append(b, `],"text":`...)
	b = roundtrip.Text(s.of[n.Kind].text.Fill(actorsInWords(n, page), n.Data)).AppendJSON(b)
	if n.Group != "" {
		b = roundtrip.Text(n.Group).AppendJSON(append(b, `,"group":`...))
	}
	if n.Collection != nil {
		b = roundtrip.Text(n.Collection.Name).AppendJSON(append(b, `,"collection":`...))
		b = append(n.Record.AppendTo(append(b, `,"record":"`...)), '"')
	}
	b = roundtrip.Time(n.Created).AppendJSON(append(b, `,"create_time":`...))
	b = roundtrip.Time(n.Updated).AppendJSON(append(b, `,"update_time":`...))
	return append(b, '}')
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

// appendActors writes those whose account is still there.
func (s *Service) appendActors(b []byte, n *roundtrip.Notification, page *store.InboxPage) []byte {
	first := true
	for _, id := range n.Actors {
		names, known := page.Actors[id]
		if id == 0 || known && names == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(id.AppendTo(append(b, `{"id":"`...)), '"')
		for i, name := range names {
			if name != "" {
				b = roundtrip.Text(name).AppendJSON(append(roundtrip.Text(s.names[i]).AppendJSON(append(b, ',')), ':'))
			}
		}
		b = append(b, '}')
	}
	return b
}

// actorsInWords writes "ana", "ana and bo", "ana, bo and cy" or "ana, bo and 3 others".
func actorsInWords(n *roundtrip.Notification, page *store.InboxPage) string {
	var names []string
	for _, id := range n.Actors {
		names = append(names, nameOf(page.Actors[id]))
	}
	switch {
	case len(names) == 0:
		return someone
	case n.Count > int64(len(names)) || len(names) > 3:
		shown := min(len(names), 2)
		return strings.Join(names[:shown], ", ") + " and " + others(n.Count-int64(shown))
	case len(names) == 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func others(n int64) string {
	if n == 1 {
		return "1 other"
	}
	return strconv.FormatInt(n, 10) + " others"
}

func nameOf(names []string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return someone
}

// appendNumbers writes what the badge shows.
func appendNumbers(b []byte, i roundtrip.Inbox) []byte {
	b = appendNumber(b, `"unread":`, i.Unread)
	b = appendNumber(b, `,"unseen":`, i.Unseen)
	b = appendNumber(b, `,"seq":`, i.Seq)
	b = appendNumber(b, `,"read_through":`, i.ReadThrough)
	return appendNumber(b, `,"seen_through":`, i.SeenThrough)
}

// appendMessage makes a message of the topic of its members.
func appendMessage(members []byte, reset, epoch string, position int64) []byte {
	b := append(make([]byte, 0, len(members)+96), `{"topic":"inbox",`...)
	b = append(b, members...)
	if reset != "" {
		b = append(append(append(b, `,"reset":"`...), reset...), '"')
	}
	return append(appendCursor(b, epoch, position), '}')
}

func appendCursor(b []byte, epoch string, position int64) []byte {
	b = append(append(append(b, `,"cursor":"`...), epoch...), '-')
	return append(strconv.AppendInt(b, position, 10), '"')
}

// A page token is the number of the last entry of the page before. Whoever makes one up sees a part of their own inbox.
func appendToken(b []byte, bumped int64) []byte { return roundtrip.ID(bumped).AppendTo(b) }

func parseToken(text string) (bumped int64, ok bool) {
	if text == "" {
		return 0, true
	}
	id, ok := roundtrip.ParseID(text)
	return int64(id), ok
}

// appendPreferences writes every kind with each of its channels.
func (s *Service) appendPreferences(b []byte, prefs map[string]roundtrip.Preference) []byte {
	b = append(b, '{')
	for i, name := range s.kinds {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(roundtrip.Text(name).AppendJSON(b), `:{`...)
		first := true
		for _, c := range roundtrip.Channels() {
			if !s.of[name].declared.Has(c) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = strconv.AppendBool(append(roundtrip.Text(string(c)).AppendJSON(b), ':'), prefs[name].Wants(c))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// Message begins a message; [Writer.End] ends it.
func (w *Writer) Message(number int32, name string) {
	w.keep = false
	w.field(number, name, false, protowire.BytesType)
	w.push(opened{})
}

// push opens the content of a message.
func (w *Writer) push(at opened) {
	if w.format == Proto {
		w.out, at.start = open(w.out)
	}
	w.begin('{')
	w.opened = append(w.opened, at)
}

// End ends what Message, Item or Entry has begun.
func (w *Writer) End() {
	at := w.pop()
	w.begin('}')
	if w.format == JSON {
		return
	}
	w.out = shut(w.out, at.start)
	if at.entry > 0 {
		w.out = shut(w.out, at.entry)
	}
}

func (w *Writer) pop() opened {
	last := len(w.opened) - 1
	at := w.opened[last]
	w.opened = w.opened[:last]
	return at
}

// List begins a repeated message: each is begun by [Writer.Item], all of them are ended by [Writer.EndList].
func (w *Writer) List(number int32, name string) { w.many(number, name, '[') }

// Map begins a map: its entries are written by [Writer.Entry], [Writer.BoolEntry] or [Writer.StringEntry], in the order of
// their keys, and it is ended by [Writer.EndMap].
func (w *Writer) Map(number int32, name string) { w.many(number, name, '{') }

func (w *Writer) many(number int32, name string, bracket byte) {
	w.keep = false
	if w.format == JSON {
		w.field(number, name, false, protowire.BytesType)
		w.out = append(w.out, bracket)
	}
	w.opened = append(w.opened, opened{number: number})
}

// EndList ends a list.
func (w *Writer) EndList() {
	w.pop()
	w.begin(']')
}

// EndMap ends a map.
func (w *Writer) EndMap() {
	w.pop()
	w.begin('}')
}

// Item begins a message of a list; [Writer.End] ends it.
func (w *Writer) Item() {
	w.element()
	w.push(opened{})
}

// RecordItem writes a record of a list.
func (w *Writer) RecordItem(p *Plan, row roundtrip.Row, mask []bool) {
	w.element()
	w.record(p, row, mask)
}

// element begins an element of the list or map that is open.
func (w *Writer) element() {
	if w.format == JSON {
		w.comma()
		return
	}
	w.out = protowire.AppendTag(w.out, protowire.Number(w.opened[len(w.opened)-1].number), protowire.BytesType)
}

// key begins an entry of a map.
func (w *Writer) key(key string) (entry int) {
	w.element()
	if w.format == JSON {
		w.out = append(input.AppendString(w.out, []byte(key)), ':')
		return 0
	}
	w.out, entry = open(w.out)
	w.out = appendText(append(w.out, tagElement), []byte(key))
	return entry
}

// Entry begins the message of a map's key; [Writer.End] ends it.
func (w *Writer) Entry(key string) {
	at := opened{entry: w.key(key)}
	if w.format == Proto {
		w.out = append(w.out, tagEntry)
	}
	w.push(at)
}

// BoolEntry writes an entry of a map<string, bool>.
func (w *Writer) BoolEntry(key string, v bool) {
	entry := w.key(key)
	if w.format == JSON {
		if v {
			w.out = append(w.out, "true"...)
			return
		}
		w.out = append(w.out, "false"...)
		return
	}
	w.out = shut(append(w.out, 2<<3, bit(v)), entry)
}

// StringEntry writes an entry of a map<string, string>.
func (w *Writer) StringEntry(key, v string) {
	entry := w.key(key)
	if w.format == Proto {
		w.out = append(w.out, tagEntry)
	}
	w.text(v)
	if w.format == Proto {
		w.out = shut(w.out, entry)
	}
}

package roundtrip

import "strconv"

// Row is one stored record under a cursor, in the positions of Collection.Fields. It is valid until the cursor moves on;
// Bytes then points into memory that is used again. A column is asked for by the form in which its type is kept: Int for
// int, count, bool (0 or 1), time (Unix microseconds), ref and id; Float for float; Bytes for all others.
type Row interface {
	Null(field int) bool
	Int(field int) int64
	Float(field int) float64
	Bytes(field int) []byte
}

// Record is one record in memory: one value a field, in the positions of Collection.Fields. It is a [Row].
type Record struct {
	Collection *Collection
	Values     []Value
	Set        []bool // which fields the caller gave; null given is set and null
}

// NewRecord makes an empty record.
func NewRecord(c *Collection) *Record {
	return &Record{Collection: c, Values: make([]Value, len(c.Fields)), Set: make([]bool, len(c.Fields))}
}

// CopyRow copies a row out of its cursor.
func CopyRow(c *Collection, row Row) *Record {
	r := NewRecord(c)
	for i, f := range c.Fields {
		if row.Null(i) {
			continue
		}
		r.Set[i] = true
		r.Values[i] = RowValue(row, i, f.Type.Value())
	}
	return r
}

// RowValue copies one column of a row as a value of the given kind.
func RowValue(row Row, field int, kind ValueKind) Value {
	if row.Null(field) {
		return Value{}
	}
	switch kind {
	case BoolValue:
		return Bool(row.Int(field) != 0)
	case IntValue:
		return Int(row.Int(field))
	case FloatValue:
		return Float(row.Float(field))
	case TimeValue:
		return Micros(row.Int(field))
	case IDValue:
		return Ref(ID(row.Int(field)))
	case JSONValue:
		return JSON(string(row.Bytes(field)))
	case TextValue, Null:
	}
	return Text(string(row.Bytes(field)))
}

// AppendRecord appends a row as the JSON object that a GET of it answers with: all members, the etag as a string.
func AppendRecord(b []byte, c *Collection, row Row) []byte {
	sep := byte('{')
	for i, f := range c.Fields {
		b = append(b, sep, '"')
		b = append(b, f.Name...)
		b = append(b, '"', ':')
		v := RowValue(row, i, f.Type.Value())
		if i == FieldETag {
			v = Text(strconv.FormatInt(v.Int(), 10))
		}
		b = v.AppendJSON(b)
		sep = ','
	}
	return append(b, '}')
}

// Put sets a field by position.
func (r *Record) Put(field int, v Value) {
	r.Values[field] = v
	r.Set[field] = true
}

// PutName sets a field by name and reports whether there is one.
func (r *Record) PutName(name string, v Value) bool {
	i, ok := r.Collection.Lookup(name)
	if ok {
		r.Put(i, v)
	}
	return ok
}

// Get returns a field by name; null where there is none.
func (r *Record) Get(name string) Value {
	if i, ok := r.Collection.Lookup(name); ok {
		return r.Values[i]
	}
	return Value{}
}

// ID returns the record's id, or 0 while it has none.
func (r *Record) ID() ID { return r.Values[FieldID].ID() }

// ETag returns the record's version, or 0 while it has none.
func (r *Record) ETag() int64 { return r.Values[FieldETag].Int() }

// Clone returns a copy that shares nothing that changes.
func (r *Record) Clone() *Record {
	return &Record{
		Collection: r.Collection,
		Values:     append([]Value(nil), r.Values...),
		Set:        append([]bool(nil), r.Set...),
	}
}

// Null reports whether a column is null. With Int, Float and Bytes it makes a Record a [Row].
func (r *Record) Null(field int) bool { return r.Values[field].IsNull() }

// Int returns an integer column.
func (r *Record) Int(field int) int64 { return r.Values[field].Int() }

// Float returns a float column.
func (r *Record) Float(field int) float64 { return r.Values[field].Float() }

// Bytes returns a text column; it is a copy.
func (r *Record) Bytes(field int) []byte { return []byte(r.Values[field].Text()) }

// File is what a field of [TypeFile] holds, as JSON: the record keeps this, the bytes lie in the file store.
type File struct {
	ID     string `json:"id"`               // names the content; another content has another id
	Name   string `json:"name"`             // as the client called it, cleaned
	Type   string `json:"type"`             // media type, sniffed from the content
	Size   int64  `json:"size"`             // bytes
	Width  int    `json:"width,omitempty"`  // pixels, images only
	Height int    `json:"height,omitempty"` // pixels, images only
}

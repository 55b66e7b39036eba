package roundtrip

import "fmt"

// Pos is a place in the declaration file. Line and Column start at 1; the zero Pos is nowhere.
type Pos struct {
	File         string
	Line, Column int
}

// String returns file:line:column.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// FieldType is the declared type of a field.
type FieldType uint8

// The field types of roundtrip.yaml. TypeID is that of the system field id alone.
const (
	TypeText   FieldType = iota + 1
	TypeInt              // 64 bit, exact
	TypeFloat            // IEEE 754 double
	TypeBool             //
	TypeTime             // microseconds, UTC
	TypeJSON             // any JSON value
	TypeRef              // the id of a record of another collection
	TypeFile             // a stored file, see [File]
	TypeSelect           // one of the declared options
	TypeEmail            // an address, RFC 5322 addr-spec, kept in lower case
	TypeURL              // an absolute http or https URL
	TypeCount            // how many records of another collection point here; kept by the store
	TypeID               // the record's own id
)

// FieldTypes lists the names that a declaration may use, in the order of the documentation.
func FieldTypes() []string {
	return []string{"text", "int", "float", "bool", "time", "json", "ref", "file", "select", "email", "url", "count"}
}

// ParseFieldType reads a declared name.
func ParseFieldType(s string) (FieldType, bool) {
	for i, name := range FieldTypes() {
		if s == name {
			return FieldType(i + 1), true
		}
	}
	return 0, false
}

// String returns the declared name.
func (t FieldType) String() string {
	if names := FieldTypes(); t >= 1 && int(t) <= len(names) {
		return names[t-1]
	}
	return "id"
}

// Value returns the kind of value that holds a field of this type.
func (t FieldType) Value() ValueKind {
	switch t {
	case TypeInt, TypeCount:
		return IntValue
	case TypeFloat:
		return FloatValue
	case TypeBool:
		return BoolValue
	case TypeTime:
		return TimeValue
	case TypeRef, TypeID:
		return IDValue
	case TypeJSON, TypeFile:
		return JSONValue
	case TypeText, TypeSelect, TypeEmail, TypeURL:
	}
	return TextValue
}

// The positions of the system fields, which every collection has before its declared ones. They are the same in
// Collection.Fields, in a Record and in a Row.
const (
	FieldID         = 0
	FieldCreateTime = 1
	FieldUpdateTime = 2
	FieldETag       = 3 // int64, 1 at creation, grows by 1 with each write of the record
	FirstField      = 4 // the first declared field
)

// OnDelete says what happens to a record when the record that its ref points to is deleted.
type OnDelete uint8

// The choices of on_delete. Restrict is the default: the delete is refused while somebody points there.
const (
	Restrict OnDelete = iota
	Cascade           // the record goes too
	SetNull           // the ref becomes null; not for required refs
)

// Default is the declared default of a field.
type Default struct {
	Source DefaultSource
	Value  Value // for DefaultConstant
}

// DefaultSource says where a default comes from.
type DefaultSource uint8

// The sources of a default.
const (
	NoDefault DefaultSource = iota
	DefaultConstant
	DefaultAuthID // the caller's account
	DefaultNow    // the time of the call
)

// Field is one declared (or system) field of a collection. It does not change once the schema is built.
type Field struct {
	Name      string
	Type      FieldType
	Pos       Pos
	Number    int32 // proto field number, never used for another field of a message of that name; set by the store
	Column    int32 // number of its column: which field it is, over all renames; set by the store
	Was       string
	Required  bool
	Unique    bool // alone; unique over several fields stands in Collection.Unique
	Immutable bool // may be set at creation only
	Search    bool
	Default   Default
	To        *Collection // TypeRef: where it points; TypeCount: the collection that is counted
	OnDelete  OnDelete    // TypeRef
	Of        int         // TypeCount: position of the ref field in To that is counted
	Options   []string    // TypeSelect
	Match     string      // text: a RE2 expression the whole of which the schema has compiled
	Min, Max  *float64    // numbers: bounds; text: lengths in characters; both inclusive
	MinInt    *int64      // TypeInt: exact bounds
	MaxInt    *int64
	Accept    []string // TypeFile: media types, "image/*" allowed
	MaxBytes  int64    // TypeFile, TypeJSON, TypeText: size in bytes
	Sizes     []int    // TypeFile: widths in pixels at which an image may be asked for
}

// Optional reports whether the field can be null in a stored record.
func (f *Field) Optional() bool {
	return !f.Required && f.Type != TypeCount && f.Type != TypeID && f.Name != "create_time" && f.Name != "update_time" && f.Name != "etag"
}

// Index is a declared index over fields, by position; the store adds id as its last column.
type Index struct {
	Fields []int
	Unique bool
	Pos    Pos
}

// Counter says that a count field of another collection follows the records of this one.
type Counter struct {
	Ref    int         // position, in the counted collection, of the ref that names the counting record
	Holder *Collection // whose record counts
	Field  int         // position of the count field in Holder
}

// Child says that records of another collection point here.
type Child struct {
	From *Collection
	Ref  int // position of the ref in From
}

// Retired is a field or a collection that is no more: neither its number nor, in what was made of it, its place may be
// taken by another one.
type Retired struct {
	Number int32
	Name   string // the last one that it had
}

// Collection is one declared collection: its fields, rules and indexes, and how others hang on it.
type Collection struct {
	Name     string
	Number   int32 // stable over renames, kept in the schema history; set by the store
	Pos      Pos
	Was      string
	Fields   []*Field  // system fields first
	Retired  []Retired // fields that records of its name had once, by proto field number; set by the store
	Indexes  []Index
	Rules    map[Action]Rule     // Get holds `read` (List, Aggregate and Watch use it too), then Create, Update, Delete
	Accounts bool                // people sign in to it
	Counters []Counter           // what must be counted when a record of this collection comes, goes or moves
	Children []Child             // who points here
	Hooks    map[Action][]string // the webhooks that are told of a Create, Update or Delete, by name
	byName   map[string]int
	calls    [Batch + 1]string // photos.create
}

// NewCollection makes a collection with its system fields.
func NewCollection(name string, pos Pos) *Collection {
	c := &Collection{Name: name, Pos: pos, Rules: map[Action]Rule{}, byName: map[string]int{}}
	for a := range c.calls {
		c.calls[a] = name + "." + Action(a).String()
	}
	c.Add(&Field{Name: "id", Type: TypeID, Number: 1, Column: 1, Immutable: true, Pos: pos})
	c.Add(&Field{Name: "create_time", Type: TypeTime, Number: 2, Column: 2, Immutable: true, Pos: pos})
	c.Add(&Field{Name: "update_time", Type: TypeTime, Number: 3, Column: 3, Pos: pos})
	c.Add(&Field{Name: "etag", Type: TypeInt, Number: 4, Column: 4, Pos: pos})
	return c
}

// On names an action on the collection, as journeys do: photos.create. It makes no new text.
func (c *Collection) On(a Action) string {
	if a > Batch || c.calls[a] == "" {
		return c.Name
	}
	return c.calls[a]
}

// Add appends a field. The name must be new.
func (c *Collection) Add(f *Field) {
	c.byName[f.Name] = len(c.Fields)
	c.Fields = append(c.Fields, f)
}

// Lookup returns the position of a field by name.
func (c *Collection) Lookup(name string) (int, bool) {
	i, ok := c.byName[name]
	return i, ok
}

// FieldNames returns the names of all fields, system fields first.
func (c *Collection) FieldNames() []string {
	names := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		names[i] = f.Name
	}
	return names
}

// FirstOf returns the position of the first declared field of a type, or -1.
func (c *Collection) FirstOf(t FieldType) int {
	for i := FirstField; i < len(c.Fields); i++ {
		if c.Fields[i].Type == t {
			return i
		}
	}
	return -1
}

// HasCounts reports whether any field is a count, so that the record can change without its etag.
func (c *Collection) HasCounts() bool {
	for _, f := range c.Fields {
		if f.Type == TypeCount {
			return true
		}
	}
	return false
}

// Warning is something that a declaration may say, but that is seldom meant or slow.
type Warning struct {
	Pos     Pos
	Message string
	Line    string // the text of the line, where it stands in another file than the declaration; "" else
}

// Schema is all collections of one declaration.
type Schema struct {
	Name        string // the declaration's name: gallery
	Collections []*Collection
	Retired     []Retired    // collections that were dropped, by number; set by the store
	Notices     []*Notice    // the declared kinds of notification
	Channels    []*Broadcast // the declared channels
	Roles       []string     // the declared roles; a rule may name no other
	Warnings    []Warning    // what was noticed while it was built
	byName      map[string]*Collection
}

// NewSchema makes a schema of collections with different names.
func NewSchema(name string, collections ...*Collection) *Schema {
	s := &Schema{Name: name, Collections: collections, byName: make(map[string]*Collection, len(collections))}
	for _, c := range collections {
		s.byName[c.Name] = c
	}
	return s
}

// Lookup returns a collection by name, or nil.
func (s *Schema) Lookup(name string) *Collection { return s.byName[name] }

// Names returns the names of the collections in declared order.
func (s *Schema) Names() []string {
	names := make([]string, len(s.Collections))
	for i, c := range s.Collections {
		names[i] = c.Name
	}
	return names
}

// Accounts returns the collection that people sign in to, or nil.
func (s *Schema) Accounts() *Collection {
	for _, c := range s.Collections {
		if c.Accounts {
			return c
		}
	}
	return nil
}

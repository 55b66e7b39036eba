package protobuf

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
)

// builder makes the descriptor of a schema's file, in the order in which people read it.
type builder struct {
	schema   *roundtrip.Schema
	pkg      string
	rules    bool // their source is for whoever reads this
	file     *descriptorpb.FileDescriptorProto
	sections []section
	comments map[proto.Message]string
	paths    map[*descriptorpb.DescriptorProto]string // of messages: WatchPhotosResponse.Change
	owners   map[proto.Message]*roundtrip.Collection  // what was made for a collection; the rest is the same for all schemas
	owner    *roundtrip.Collection                    // of what is being made
	err      error
}

// section is a part of the file: services and messages that belong together.
type section struct {
	title string
	items []proto.Message
}

func (b *builder) section(title string) { b.sections = append(b.sections, section{title: title}) }

func (b *builder) put(item proto.Message, comment string) {
	s := &b.sections[len(b.sections)-1]
	s.items = append(s.items, item)
	b.note(item, comment)
	b.owners[item] = b.owner
}

func (b *builder) note(item proto.Message, comment string) {
	if comment != "" {
		b.comments[item] = comment
	}
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// line is one field as proto writes it, without the semicolon, and what is said of it: {"repeated string ids = 1", "…"}.
type line struct{ text, comment string }

// message adds a message to the file.
func (b *builder) message(name, comment string, lines ...line) *descriptorpb.DescriptorProto {
	m := b.bare(name, lines...)
	b.file.MessageType = append(b.file.MessageType, m)
	b.put(m, comment)
	return m
}

// nest adds a message to another one.
func (b *builder) nest(in *descriptorpb.DescriptorProto, name, comment string, lines ...line) *descriptorpb.DescriptorProto {
	m := b.bare(b.paths[in]+"."+name, lines...)
	in.NestedType = append(in.NestedType, m)
	b.note(m, comment)
	return m
}

func (b *builder) bare(path string, lines ...line) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(path[strings.LastIndexByte(path, '.')+1:])}
	b.paths[m] = path
	for _, l := range lines {
		b.field(m, l.text, l.comment)
	}
	return m
}

// oneof adds a group of fields of which a message has one.
func (b *builder) oneof(in *descriptorpb.DescriptorProto, name string, lines ...line) {
	if len(lines) == 0 { // of collections, where none is declared
		return
	}
	index := int32(len(in.OneofDecl))
	in.OneofDecl = append(in.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: &name})
	for _, l := range lines {
		b.field(in, l.text, l.comment).OneofIndex = &index
	}
}

// field reads one line into a message: an optional or repeated in front, a type, a name, and its number. Types are
// scalars, full names below google.protobuf, messages of this file, and maps of string to one of those.
func (b *builder) field(m *descriptorpb.DescriptorProto, text, comment string) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	left, number, _ := strings.Cut(text, " = ")
	if rest, ok := strings.CutPrefix(left, "optional "); ok {
		left, f.Proto3Optional = rest, proto.Bool(true)
	}
	if rest, ok := strings.CutPrefix(left, "repeated "); ok {
		left, f.Label = rest, descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	space := strings.LastIndexByte(left, ' ')
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || space < 0 {
		b.fail("%q is no field", text)
		return f
	}
	name := left[space+1:]
	f.Name, f.JsonName, f.Number = &name, &name, proto.Int32(int32(n))
	b.typed(m, f, left[:space])
	m.Field = append(m.Field, f)
	b.note(f, comment)
	b.owners[f] = b.owner
	return f
}

func (b *builder) typed(m *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto, typ string) {
	if value, ok := strings.CutPrefix(typ, "map<string, "); ok {
		entry := camel(f.GetName()) + "Entry"
		nested := b.bare(b.paths[m]+"."+entry, line{"string key = 1", ""}, line{strings.TrimSuffix(value, ">") + " value = 2", ""})
		nested.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
		m.NestedType = append(m.NestedType, nested)
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		typ = b.paths[nested]
	}
	switch {
	case scalar(typ) != 0:
		f.Type = scalar(typ).Enum()
		return
	case strings.HasPrefix(typ, "google.protobuf."):
		typ = "." + typ
	default:
		typ = "." + b.pkg + "." + typ
	}
	f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), &typ
}

func scalar(name string) descriptorpb.FieldDescriptorProto_Type {
	switch name {
	case "string":
		return descriptorpb.FieldDescriptorProto_TYPE_STRING
	case "bytes":
		return descriptorpb.FieldDescriptorProto_TYPE_BYTES
	case "bool":
		return descriptorpb.FieldDescriptorProto_TYPE_BOOL
	case "int32":
		return descriptorpb.FieldDescriptorProto_TYPE_INT32
	case "int64":
		return descriptorpb.FieldDescriptorProto_TYPE_INT64
	case "double":
		return descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
	}
	return 0
}

// camel names the message of a map's entries as protoc does: like_counts has a LikeCountsEntry.
func camel(name string) string {
	var out strings.Builder
	up := true
	for _, r := range name {
		switch {
		case r == '_':
			up = true
			continue
		case up && r >= 'a' && r <= 'z':
			r += 'A' - 'a'
		}
		up = false
		out.WriteRune(r)
	}
	return out.String()
}

// seal gives the optional fields of a message their groups, which proto3 keeps presence by. They come after the declared ones.
func seal(m *descriptorpb.DescriptorProto) {
	for _, f := range m.Field {
		if f.GetProto3Optional() {
			f.OneofIndex = proto.Int32(int32(len(m.OneofDecl)))
			m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + f.GetName())})
		}
	}
	for _, nested := range m.NestedType {
		seal(nested)
	}
}

// empty is what is asked or answered with where there is nothing to say.
const empty = "google.protobuf.Empty"

// service adds a service to the file. Each line is a method: [read] NAME REQUEST RESPONSE, with stream before what comes as
// one. read says that the method changes nothing, which makes it a GET for Connect.
func (b *builder) service(name, comment string, methods ...line) {
	s := &descriptorpb.ServiceDescriptorProto{Name: &name}
	for _, l := range methods {
		m := &descriptorpb.MethodDescriptorProto{}
		words := strings.Fields(l.text)
		if words[0] == "read" {
			m.Options = &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()}
			words = words[1:]
		}
		m.Name, words = &words[0], words[1:]
		m.ClientStreaming, m.InputType, words = b.end(words)
		m.ServerStreaming, m.OutputType, _ = b.end(words)
		s.Method = append(s.Method, m)
		b.note(m, l.comment)
	}
	b.file.Service = append(b.file.Service, s)
	b.put(s, comment)
}

func (b *builder) end(words []string) (stream *bool, typ *string, rest []string) {
	if words[0] == "stream" {
		stream, words = proto.Bool(true), words[1:]
	}
	name := "." + b.pkg + "." + words[0]
	if words[0] == empty {
		name = "." + empty
	}
	return stream, &name, words[1:]
}

// sentences joins what is said of one thing.
func sentences(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " ")
}

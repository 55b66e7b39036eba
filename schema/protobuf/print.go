package protobuf

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// columns is how wide the comments of the text are.
const columns = 100

// printer writes a file as text. While it does, it notes where it wrote what it commented on, so that the descriptors have
// the comments too and programs that are generated from them show them.
type printer struct {
	*builder
	out   strings.Builder
	row   int32 // lines written
	depth int
	names map[string]bool // full names that a type may be found by: messages and packages
	scope string          // full name of the message that is being written, or the package
}

// The numbers by which source locations name parts (google.protobuf.SourceCodeInfo.Location.path).
const (
	pathMessage = 4 // in a file
	pathService = 6
	pathField   = 2 // in a message
	pathNested  = 3
	pathMethod  = 2 // in a service
)

// print writes the text, and the locations of its comments into the descriptor.
func (b *builder) print(o Options) []byte {
	p := &printer{builder: b, names: map[string]bool{}, scope: b.pkg}
	for _, pkg := range []string{b.pkg, "google.protobuf"} {
		for parts := strings.Split(pkg, "."); len(parts) > 0; parts = parts[:len(parts)-1] {
			p.names[strings.Join(parts, ".")] = true
		}
	}
	for _, path := range b.paths {
		p.names[b.pkg+"."+path] = true
	}
	b.file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{}
	p.head(o)
	messages, services := int32(0), int32(0)
	for _, s := range b.sections {
		p.line("")
		p.line("// ---- %s ----", s.title)
		for _, item := range s.items {
			p.line("")
			switch x := item.(type) {
			case *descriptorpb.ServiceDescriptorProto:
				p.service(x, []int32{pathService, services})
				services++
			case *descriptorpb.DescriptorProto:
				p.message(x, []int32{pathMessage, messages})
				messages++
			}
		}
	}
	return []byte(p.out.String())
}

func (p *printer) head(o Options) {
	from := ""
	if o.From != "" {
		from = " A newer one is at " + o.From + "."
	}
	p.line(`syntax = "proto3";`)
	p.line("")
	p.comment("The gRPC interface of " + p.schema.Name + ", made by Roundtrip from what is declared. Don't edit it: change the declaration, and have it made anew." + from)
	p.line("")
	p.line("package %s;", p.pkg)
	p.line("")
	for _, f := range p.file.Dependency {
		p.line("import %q;", f)
	}
	p.line("")
	p.line("option go_package = %q;", p.file.Options.GetGoPackage())
}

func (p *printer) line(format string, args ...any) {
	if format != "" {
		p.out.WriteString(strings.Repeat("  ", p.depth))
		fmt.Fprintf(&p.out, format, args...)
	}
	p.out.WriteByte('\n')
	p.row++
}

// comment writes lines that are no longer than the page is wide, and returns them as descriptors have them.
func (p *printer) comment(text string) string {
	if text == "" {
		return ""
	}
	var all strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n") {
		for _, line := range wrap(paragraph, columns-len("// ")-2*p.depth) {
			p.line("// %s", line)
			all.WriteString(" " + line + "\n")
		}
	}
	return all.String()
}

// wrap breaks a text at spaces.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// located writes what body writes, after the comment on item, and notes where.
func (p *printer) located(item proto.Message, path []int32, body func()) {
	comment := p.comment(p.comments[item])
	row, column := p.row, int32(2*p.depth)
	body()
	if comment == "" {
		return
	}
	text := strings.TrimSuffix(p.out.String(), "\n")
	end := int32(len(text) - 1 - strings.LastIndexByte(text, '\n'))
	span := []int32{row, column, p.row - 1, end}
	if row == p.row-1 {
		span = []int32{row, column, end}
	}
	p.file.SourceCodeInfo.Location = append(p.file.SourceCodeInfo.Location, &descriptorpb.SourceCodeInfo_Location{
		Path: slices.Clone(path), Span: span, LeadingComments: &comment,
	})
}

func (p *printer) service(s *descriptorpb.ServiceDescriptorProto, path []int32) {
	p.located(s, path, func() {
		p.line("service %s {", s.GetName())
		p.depth++
		for i, m := range s.Method {
			p.located(m, append(path, pathMethod, int32(i)), func() { p.method(m) })
		}
		p.depth--
		p.line("}")
	})
}

func (p *printer) method(m *descriptorpb.MethodDescriptorProto) {
	end := func(stream bool, name string) string {
		if stream {
			return "stream " + p.short(name)
		}
		return p.short(name)
	}
	head := fmt.Sprintf("rpc %s(%s) returns (%s)", m.GetName(), end(m.GetClientStreaming(), m.GetInputType()), end(m.GetServerStreaming(), m.GetOutputType()))
	if m.Options == nil {
		p.line("%s;", head)
		return
	}
	p.line("%s {", head)
	p.line("  option idempotency_level = %s;", m.Options.GetIdempotencyLevel())
	p.line("}")
}

func (p *printer) message(m *descriptorpb.DescriptorProto, path []int32) {
	outer := p.scope
	p.scope += "." + m.GetName()
	defer func() { p.scope = outer }()
	p.located(m, path, func() {
		if len(m.Field)+len(m.ReservedRange)+len(m.NestedType) == 0 {
			p.line("message %s {}", m.GetName())
			return
		}
		p.line("message %s {", m.GetName())
		p.depth++
		p.fields(m, path)
		p.reserved(m)
		for i, nested := range m.NestedType {
			if !nested.GetOptions().GetMapEntry() {
				p.line("")
				p.message(nested, append(slices.Clone(path), pathNested, int32(i)))
			}
		}
		p.depth--
		p.line("}")
	})
}

func (p *printer) fields(m *descriptorpb.DescriptorProto, path []int32) {
	group := int32(-1)
	for i, f := range m.Field {
		in := int32(-1)
		if f.OneofIndex != nil && !f.GetProto3Optional() {
			in = f.GetOneofIndex()
		}
		if in != group && group >= 0 {
			p.depth--
			p.line("}")
		}
		if in != group && in >= 0 {
			p.line("oneof %s {", m.OneofDecl[in].GetName())
			p.depth++
		}
		group = in
		p.located(f, append(slices.Clone(path), pathField, int32(i)), func() { p.field(m, f) })
	}
	if group >= 0 {
		p.depth--
		p.line("}")
	}
}

func (p *printer) field(m *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto) {
	label := ""
	switch {
	case f.GetProto3Optional():
		label = "optional "
	case f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED:
		label = "repeated "
	}
	typ := p.typeOf(f)
	for _, nested := range m.NestedType {
		if nested.GetOptions().GetMapEntry() && f.GetTypeName() == "."+p.pkg+"."+p.paths[nested] {
			label, typ = "", "map<string, "+p.typeOf(nested.Field[1])+">"
		}
	}
	option := ""
	if f.GetJsonName() != jsonName(f.GetName()) {
		option = fmt.Sprintf(" [json_name = %q]", f.GetJsonName())
	}
	p.line("%s%s %s = %d%s;", label, typ, f.GetName(), f.GetNumber(), option)
}

func (p *printer) typeOf(f *descriptorpb.FieldDescriptorProto) string {
	if f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE {
		return p.short(f.GetTypeName())
	}
	return strings.ToLower(strings.TrimPrefix(f.GetType().String(), "TYPE_"))
}

func (p *printer) reserved(m *descriptorpb.DescriptorProto) {
	var numbers, names []string
	for _, r := range m.ReservedRange {
		if r.GetEnd()-r.GetStart() == 1 {
			numbers = append(numbers, fmt.Sprint(r.GetStart()))
		} else {
			numbers = append(numbers, fmt.Sprintf("%d to %d", r.GetStart(), r.GetEnd()-1))
		}
	}
	for _, n := range m.ReservedName {
		names = append(names, fmt.Sprintf("%q", n))
	}
	for _, list := range [][]string{numbers, names} {
		if len(list) > 0 {
			p.line("reserved %s;", strings.Join(list, ", "))
		}
	}
}

// short returns the shortest name by which a type is found from where the text stands.
func (p *printer) short(name string) string {
	full := strings.TrimPrefix(name, ".")
	parts := strings.Split(full, ".")
	first := len(parts) - 1
	if strings.HasPrefix(full, "google.protobuf.") {
		first = 0
	}
	for ; first >= 0; first-- {
		if short := strings.Join(parts[first:], "."); p.find(short) == full {
			return short
		}
	}
	return name
}

// find resolves a name as protoc does: its first part is looked for in the innermost scope first, and where that is found
// the rest must be (https://protobuf.dev/programming-guides/proto3/#name-resolution).
func (p *printer) find(name string) string {
	first, _, _ := strings.Cut(name, ".")
	for scope := p.scope; ; {
		prefix := ""
		if scope != "" {
			prefix = scope + "."
		}
		if p.names[prefix+first] {
			return prefix + name
		}
		if scope == "" {
			return ""
		}
		scope = scope[:max(0, strings.LastIndexByte(scope, '.'))]
	}
}

// jsonName is what a field is called in JSON where nothing else is said: like_count is likeCount.
func jsonName(name string) string {
	var out strings.Builder
	up := false
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

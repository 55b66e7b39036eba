package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/roundtrip-dev/roundtrip"
)

// nodeKind is the shape of a node.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	scalarNode
	listNode
	mapNode
	brokenNode // reported already
)

// node is one value of the file. It is what we need of the parser's tree, with exact positions and paths.
type node struct {
	kind  nodeKind
	pos   roundtrip.Pos // of the value as written, its opening quote included
	at    roundtrip.Pos // of a text's first character
	path  string
	name  string // the key that holds it, sizes[0] in a list
	loose bool   // keys may be missing: a merge key stood here and was reported
	typ   ScalarKind
	text  string
	items []*node
	pairs []pair
}

// pair is one key of a map with its value.
type pair struct {
	key   string
	pos   roundtrip.Pos
	value *node
}

// The bounds of a declaration.
const (
	maxBytes = 1 << 20
	maxLines = 20_000 // the parser's time grows with the square of a block's lines
	maxDepth = 32
	maxOpen  = 64 // tokens on one line that open a level
)

// reader turns the parser's tree into ours.
type reader struct {
	file     string
	problems *Problems
	refused  map[roundtrip.Pos]bool // what the look at the tokens has reported
}

// readTree parses the source. It returns nil when the text can't be parsed; the problems say why.
func readTree(file string, source []byte, problems *Problems) (root *node) {
	r := &reader{file: file, problems: problems, refused: map[roundtrip.Pos]bool{}}
	text := strings.TrimPrefix(strings.ReplaceAll(string(source), "\r\n", "\n"), "\ufeff")
	defer func() {
		if p := recover(); p != nil { // the parser is not ours: a crash in it is a mistake in the file for us
			problems.Add(roundtrip.Pos{File: file, Line: 1, Column: 1}, "this can't be read as YAML").
				Expect("plain YAML: keys, values and lists")
			root = nil
		}
	}()
	tokens := lexer.Tokenize(text)
	if !r.acceptTokens(tokens) {
		return nil
	}
	parsed, err := parser.Parse(joinAddresses(tokens), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	return r.document(parsed)
}

// acceptTokens refuses what the language of the declaration leaves out, and nesting that no declaration needs, before the
// parser follows it.
func (r *reader) acceptTokens(tokens token.Tokens) bool {
	flow, opened, line, marks := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			opened, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			opened++
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType:
			opened++
			marks++
			r.refuse(t)
		default:
		}
		if flow > maxDepth || opened > maxOpen {
			r.problems.Add(r.pos(t), "this is nested too deep").Expect("at most %d levels", maxDepth)
			return false
		}
		if marks > maxOpen {
			return false
		}
	}
	return true
}

// refuse reports a token of YAML's magic.
func (r *reader) refuse(t *token.Token) {
	pos := r.pos(t)
	if t.Type == token.AliasType && t.Prev != nil && t.Prev.Prev != nil && t.Prev.Prev.Type == token.MergeKeyType {
		return // the merge key before it was reported
	}
	r.refused[pos] = true
	reason := "each thing is written where it holds, so that a line can be read without looking elsewhere"
	switch t.Type {
	case token.AnchorType:
		r.problems.Add(pos, "anchors (&name) are not taken").Expect("the value itself: %s", reason)
	case token.AliasType:
		r.problems.Add(pos, "aliases (*name) are not taken").
			Expect("the value itself, or quotes around a text that starts with *: %s", reason)
	case token.MergeKeyType:
		r.problems.Add(pos, "merge keys (<<) are not taken").Expect("the keys themselves: %s", reason)
	default:
		problem := r.problems.Add(pos, "tags (%s) are not taken", t.Value).Expect("quotes around a text that starts with !")
		if strings.HasPrefix(t.Value, "!!") {
			problem.Expect("the value without its tag")
		}
	}
}

// syntax reports what the parser could not read.
func (r *reader) syntax(err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		r.problems.Add(roundtrip.Pos{File: r.file, Line: 1, Column: 1}, "this can't be read as YAML")
		return
	}
	if len(r.refused) > 0 {
		return // a tag or an alias at a text without quotes, most likely; it was reported
	}
	if r.brokenQuotes(syntax.Token) {
		return
	}
	pos := r.pos(syntax.Token)
	message, expected := explain(syntax.Message)
	if strings.Contains(syntax.Message, `'\t'`) || strings.Contains(syntax.Message, "'\t'") {
		message, expected = "a tab can't indent YAML", "spaces, two for each level"
		for i, line := range r.problems.lines {
			if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") && i+1 != pos.Line {
				at := roundtrip.Pos{File: r.file, Line: i + 1, Column: strings.IndexByte(indent, '\t') + 1}
				r.problems.Add(at, "%s", message).Expect("%s", expected)
			}
		}
	}
	r.problems.Add(pos, "%s", message).Expect("%s", expected)
}

// explain puts a message of the parser into our words.
func explain(message string) (what, expected string) {
	for _, e := range []struct{ theirs, what, expected string }{
		{"mapping value is not allowed", "a key can't stand here", "the same indentation as the keys beside it, or quotes around a text with a colon"},
		{"value is not allowed in this context", "this does not belong here", "the same indentation as the keys beside it, and a bracket for each one that is closed"},
		{"must be specified", "a bracket is not closed before this", "] after a list that starts with [, } after a block that starts with {"},
		{"single-quoted", "the quote that starts here is never closed", "a second '"},
		{"double-quoted", "the quote that starts here is never closed", `a second "`},
		{"reserved character", "this character can't start a text", "quotes around the text"},
		{"unexpected key name", "this line is neither a key nor a value", "key: value"},
		{"directive", "a text can't start with %% here", "quotes around the text"},
		{"header option", "a text block starts with | alone", "quotes around a text that has | in it, or | and the text on the next lines"},
		{"invalid key", "this can't be a key", "a plain word and a colon"},
	} {
		if strings.Contains(message, e.theirs) {
			return strings.ReplaceAll(e.what, "%%", "%"), e.expected
		}
	}
	return "this can't be read as YAML: " + message, "key: value"
}

func (r *reader) pos(t *token.Token) roundtrip.Pos {
	return roundtrip.Pos{File: r.file, Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1)}
}

// document returns the one document of the file.
func (r *reader) document(parsed *ast.File) *node {
	var root *node
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		pos := r.pos(doc.Body.GetToken())
		if doc.Body.Type() == ast.DirectiveType {
			r.problems.Add(pos, "directives (%%) are not taken").Expect("the declaration itself")
			continue
		}
		if root != nil {
			r.problems.Add(pos, "a second document starts here").Expect("one declaration in one file, without ---")
			return root
		}
		root = r.node(doc.Body, "", "the declaration", 0)
	}
	if root == nil && len(r.problems.List) == 0 {
		r.problems.Add(roundtrip.Pos{File: r.file, Line: 1, Column: 1}, "the declaration is empty").
			Expect("at least a name: and collections: or sites:")
	}
	return root
}

// node converts one value.
func (r *reader) node(n ast.Node, path, name string, depth int) *node {
	pos := r.pos(n.GetToken())
	out := &node{pos: pos, at: pos, path: path, name: name}
	if depth > maxDepth {
		r.problems.Add(pos, "this is nested too deep").Expect("at most %d levels", maxDepth)
		out.kind = brokenNode
		return out
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		r.mapping(out, n, depth)
	case *ast.SequenceNode:
		out.kind = listNode
		for i, item := range n.Values {
			at := "[" + strconv.Itoa(i) + "]"
			out.items = append(out.items, r.node(item, path+at, name+at, depth+1))
		}
	case *ast.AnchorNode:
		return r.node(n.Value, path, name, depth+1)
	case *ast.NullNode:
		out.kind = nullNode
	default:
		r.scalar(out, n)
	}
	return out
}

func (r *reader) mapping(out *node, n *ast.MappingNode, depth int) {
	out.kind = mapNode
	for i, value := range n.Values {
		if value.Key.Type() == ast.MergeKeyType {
			out.loose = true
			continue
		}
		key, pos := keyText(value.Key)
		at := r.pos(pos)
		if i == 0 && !n.IsFlowStyle {
			out.pos, out.at = at, at // the parser gives the place of the colon
		}
		sub := strings.TrimPrefix(out.path+"."+key, ".")
		out.pairs = append(out.pairs, pair{key: key, pos: at, value: r.node(value.Value, sub, key, depth+1)})
	}
}

// keyText returns a key as it is written, and its token.
func keyText(key ast.MapKeyNode) (string, *token.Token) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, k.Token
	case *ast.MappingKeyNode:
		if s, ok := k.Value.(*ast.StringNode); ok {
			return s.Value, s.Token
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return key.GetToken().Value, key.GetToken()
	}
	return key.GetToken().Value, key.GetToken()
}

// scalar converts a text, a number or a truth value.
func (r *reader) scalar(out *node, n ast.Node) {
	out.kind, out.text = scalarNode, n.GetToken().Value
	switch n := n.(type) {
	case *ast.IntegerNode:
		out.typ = IntScalar
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.typ = FloatScalar
	case *ast.BoolNode:
		out.typ = BoolScalar
	case *ast.StringNode:
		out.typ, out.text = StringScalar, n.Value
		if n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType {
			out.at.Column++
		}
	case *ast.LiteralNode:
		out.typ, out.text = StringScalar, strings.TrimRight(n.Value.Value, "\n")
		out.at = r.blockStart(out.pos)
	default: // an alias, a tag: reported with the tokens
		out.kind = brokenNode
		if !r.refused[out.pos] && len(r.refused) == 0 {
			r.problems.Add(out.pos, "%s", fmt.Sprintf("a %s is not taken here", strings.ToLower(n.Type().String()))).
				Expect("a plain value")
		}
	}
}

// blockStart returns the place of the first character of a | block whose mark stands at pos.
func (r *reader) blockStart(pos roundtrip.Pos) roundtrip.Pos {
	for i := pos.Line; i < len(r.problems.lines); i++ {
		if line := r.problems.lines[i]; strings.TrimSpace(line) != "" {
			return roundtrip.Pos{File: pos.File, Line: i + 1, Column: len(line) - len(strings.TrimLeft(line, " ")) + 1}
		}
	}
	return pos
}

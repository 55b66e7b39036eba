package wire

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// queryMaxBytes bounds the message of a read: it is a few short texts.
const queryMaxBytes = 16 << 10

// ReadGet reads the message of a Get into a call that has its action and collection.
func ReadGet(p *Plans, f Format, body []byte, call *roundtrip.Call) error {
	var id string
	var fields Mask
	q := &call.Query
	if err := readQuery(f, body, Table{
		{Number: 1, Name: "id", To: &id},
		{Number: 2, Name: "expand", To: &q.Expand},
		{Number: 3, Name: "read_mask", To: &fields},
	}); err != nil {
		return err
	}
	q.Fields = p.Of(call.Collection).fields(q.Fields, fields)
	var err error
	call.ID, err = recordID(call.Collection, id)
	return err
}

// ReadList reads the message of a List.
func ReadList(p *Plans, f Format, body []byte, call *roundtrip.Call) error {
	var size int32
	var fields Mask
	q := &call.Query
	if err := readQuery(f, body, Table{
		{Number: 1, Name: "filter", To: &q.Filter},
		{Number: 2, Name: "order_by", To: &q.OrderBy},
		{Number: 3, Name: "page_size", To: &size},
		{Number: 4, Name: "page_token", To: &q.PageToken},
		{Number: 5, Name: "expand", To: &q.Expand},
		{Number: 6, Name: "read_mask", To: &fields},
		{Number: 7, Name: "count", To: &q.Count},
	}); err != nil {
		return err
	}
	q.PageSize = int(size)
	q.Fields = p.Of(call.Collection).fields(q.Fields, fields)
	return nil
}

// ReadAggregate reads the message of an Aggregate.
func ReadAggregate(_ *Plans, f Format, body []byte, call *roundtrip.Call) error {
	q := &call.Query
	return readQuery(f, body, Table{
		{Number: 1, Name: "filter", To: &q.Filter},
		{Number: 2, Name: "group_by", To: &q.GroupBy},
		{Number: 3, Name: "select", To: &q.Select},
	})
}

// readQuery reads the message of a read. What is wrong with it is said by the name of the parameter, as policy does.
func readQuery(f Format, body []byte, t Table) error {
	if len(body) > queryMaxBytes {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "the message of a read has at most %d bytes; this one has %d", queryMaxBytes, len(body))
	}
	var wrong []roundtrip.Detail
	if err := read(f, body, &table{list: t, format: f, wrongs: &wrong}); err != nil {
		return err
	}
	for i := range t {
		if hasNUL(t[i].To) {
			wrong = append(wrong, roundtrip.Detail{Pointer: "/" + t[i].Name, Code: "wrong_value", Message: t[i].Name + " has a NUL in it"})
		}
	}
	for i := range wrong {
		wrong[i].Parameter, wrong[i].Pointer = strings.TrimPrefix(wrong[i].Pointer, "/"), ""
	}
	return wrongRequest(wrong)
}

func hasNUL(to any) bool {
	switch to := to.(type) {
	case *string:
		return strings.IndexByte(*to, 0) >= 0
	case *[]string:
		return strings.IndexByte(strings.Join(*to, ""), 0) >= 0
	case *Mask:
		return strings.IndexByte(strings.Join(*to, ""), 0) >= 0
	}
	return false
}

// fields are the names of a read mask. Those that are none are for policy to refuse; expand belongs to no mask: what is to
// be expanded is there.
func (p *Plan) fields(to []string, read Mask) []string {
	for _, path := range read {
		if path == "expand" {
			continue
		}
		if i, ok := p.path(path); ok {
			path = p.columns[i].name
		}
		to = append(to, path)
	}
	return to
}

// path finds the field that a path of a mask names. JSON writes masks in lower camel case (likeCount for like_count), other
// writers don't: both are read.
func (p *Plan) path(path string) (int, bool) {
	if i, ok := p.collection.Lookup(path); ok {
		return i, true
	}
	if !strings.ContainsFunc(path, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
		return 0, false
	}
	var b strings.Builder
	for _, r := range input.Cut(path, 128) {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return p.collection.Lookup(b.String())
}

// recordID reads the id of the record that a request is about.
func recordID(c *roundtrip.Collection, text string) (roundtrip.ID, error) {
	if text == "" {
		const message = "the id of the record is expected"
		return 0, roundtrip.E(roundtrip.Invalid, "request.invalid", message).
			With(roundtrip.Detail{Pointer: "/id", Code: "required", Message: message})
	}
	return input.RecordID(c, text)
}

// ReadWatch reads the message of a Watch as the topic that asks for the same, and the cursor to go on from.
func ReadWatch(p *Plans, c *roundtrip.Collection, f Format, body []byte) (topic, cursor string, err error) {
	var id string
	var size int32
	var fields Mask
	var silent bool
	var q roundtrip.Query
	if err := readQuery(f, body, Table{
		{Number: 1, Name: "id", To: &id},
		{Number: 2, Name: "filter", To: &q.Filter},
		{Number: 3, Name: "order_by", To: &q.OrderBy},
		{Number: 4, Name: "page_size", To: &size},
		{Number: 5, Name: "expand", To: &q.Expand},
		{Number: 6, Name: "read_mask", To: &fields},
		{Number: 7, Name: "changes_only", To: &silent},
		{Number: 8, Name: "resume_token", To: &cursor},
	}); err != nil {
		return "", "", err
	}
	q.Fields = p.Of(c).fields(nil, fields)
	t := topicWriter{topic: c.Name}
	if id != "" {
		record, err := input.RecordID(c, id)
		if err != nil {
			return "", "", err
		}
		if name := listOnly(&q, size, silent); name != "" {
			message := name + " goes with a list; a topic of one record takes expand and read_mask"
			return "", "", wrongRequest([]roundtrip.Detail{{Parameter: name, Code: "not_taken", Message: message}})
		}
		t.topic += "/" + record.String()
	}
	t.add("filter", q.Filter)
	t.add("order_by", q.OrderBy)
	t.add("expand", strings.Join(q.Expand, ","))
	t.add("fields", strings.Join(q.Fields, ","))
	switch {
	case silent && size != 0:
		const message = "changes_only is a list without a first page, so that it has no page_size"
		return "", "", wrongRequest([]roundtrip.Detail{{Parameter: "page_size", Code: "repeated", Message: message}})
	case silent:
		t.add("page_size", "0")
	case size != 0:
		t.add("page_size", strconv.Itoa(int(size)))
	}
	return t.topic, cursor, nil
}

// listOnly names what was given that a topic of one record does not take.
func listOnly(q *roundtrip.Query, size int32, silent bool) string {
	switch {
	case q.Filter != "":
		return "filter"
	case q.OrderBy != "":
		return "order_by"
	case size != 0:
		return "page_size"
	case silent:
		return "changes_only"
	}
	return ""
}

// topicWriter writes the text of a topic: a path and a query string.
type topicWriter struct {
	topic string
	more  bool
}

func (t *topicWriter) add(name, value string) {
	if value == "" {
		return
	}
	sep := "?"
	if t.more {
		sep = "&"
	}
	t.topic += sep + name + "=" + url.QueryEscape(value)
	t.more = true
}

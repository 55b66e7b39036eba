package rest

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// queryMaxBytes bounds a whole query string.
const queryMaxBytes = 16 << 10

// param is one parameter of the API; a set of them is a bit mask.
type param uint16

const (
	paramFilter param = 1 << iota
	paramOrderBy
	paramPageSize
	paramPageToken
	paramFields
	paramExpand
	paramCount
	paramGroupBy
	paramSelect
	paramEqual // ?author=ID
	paramSize
	paramVersion

	getParams       = paramFields | paramExpand
	listParams      = paramFilter | paramOrderBy | paramPageSize | paramPageToken | paramFields | paramExpand | paramCount | paramEqual
	topicParams     = paramFilter | paramOrderBy | paramPageSize | paramFields | paramExpand | paramEqual
	aggregateParams = paramFilter | paramGroupBy | paramSelect | paramEqual
	fileParams      = paramSize | paramVersion
)

// paramNames is the table of the parameters' names, in the order of their bits. paramEqual has the names of fields.
func paramNames() [12]string {
	return [...]string{"filter", "order_by", "page_size", "page_token", "fields", "expand", "count", "group_by", "select", "", "size", "v"}
}

func paramOf(name string) param {
	for i, n := range paramNames() {
		if n == name && n != "" {
			return 1 << i
		}
	}
	return 0
}

// parameters reads the query string into q, as far as the parameters are allowed here.
func (x *exchange) parameters(q *roundtrip.Query, allowed param) error {
	return x.parametersOf(x.r.URL.RawQuery, q, allowed)
}

func (x *exchange) parametersOf(raw string, q *roundtrip.Query, allowed param) error {
	if raw == "" {
		return nil
	}
	if len(raw) > queryMaxBytes {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "the query string is over %d bytes", queryMaxBytes)
	}
	var seen param
	for raw != "" {
		pair := raw
		name, value, rest, err := nextParam(raw)
		if err != nil {
			return err
		}
		raw = rest
		if name == "" && value == "" {
			x.torn = seen&paramFilter != 0
			continue
		}
		p := paramOf(name)
		switch {
		case seen&paramFilter != 0 && p == 0 && x.tornOff(pair, name, value):
			x.torn = true
			return tornFilter(name, value)
		case p&allowed != 0:
			if seen&p != 0 {
				return repeated(name)
			}
			seen |= p
			if err := setParam(q, p, name, value); err != nil {
				return err
			}
		case p == 0 && allowed&paramEqual != 0 && x.isField(name):
			if err := addEqual(q, name, value); err != nil {
				return err
			}
		default:
			return x.unknownParam(name, allowed)
		}
	}
	return nil
}

// tornOff reports whether a parameter behind a filter is the rest of it, cut off at an & of the filter itself. raw starts
// with the parameter as it came: a value that was escaped as it should be is never taken for that.
func (x *exchange) tornOff(raw, name, value string) bool {
	pair, _, _ := strings.Cut(raw, "&")
	return strings.ContainsAny(name, "<>!|()\"' ") || strings.Contains(pair, "==") ||
		x.torn && value != "" && strings.IndexByte("=<>\"'", value[0]) >= 0
}

func tornFilter(name, value string) error {
	message := "the filter ends before " + strconv.Quote(input.Cut(name+"="+value, 64)) + ", because a bare & starts another parameter"
	return roundtrip.E(roundtrip.Invalid, "request.unknown_parameter", "%s", message).
		With(roundtrip.Detail{Parameter: input.Cut(name, 64), Code: "unknown_parameter", Message: message})
}

// tornHint adds to an error about a query that its filter was cut in two.
func tornHint(err error) error {
	e := roundtrip.AsError(err)
	if e.Kind != roundtrip.Invalid || e.Reason != "request.filter" && e.Reason != "request.unknown_parameter" {
		return err
	}
	hinted := *e
	hinted.Public = strings.TrimSuffix(e.Public, ".") + "; in a URL write && as %26%26 (curl -G --data-urlencode 'filter=…')"
	return &hinted
}

// noParameters refuses a query string where none is read.
func (x *exchange) noParameters() error {
	var none roundtrip.Query
	return x.parameters(&none, 0)
}

func (x *exchange) isField(name string) bool {
	_, ok := x.at.plan.collection.Lookup(name)
	return ok
}

func setParam(q *roundtrip.Query, p param, name, value string) (err error) {
	switch p {
	case paramFilter:
		q.Filter = value
	case paramOrderBy:
		q.OrderBy = value
	case paramPageSize:
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || n == 0 {
			return wrongParam(name, "a whole number from 1 to 200 is expected")
		}
		q.PageSize = int(n)
	case paramPageToken:
		q.PageToken = value
	case paramFields:
		q.Fields, err = split(q.Fields, name, value)
	case paramExpand:
		q.Expand, err = split(q.Expand, name, value)
	case paramCount:
		if value != "exact" {
			return wrongParam(name, "count=exact is the only form")
		}
		q.Count = true
	case paramGroupBy:
		q.GroupBy, err = split(q.GroupBy, name, value)
	case paramSelect:
		q.Select, err = split(q.Select, name, value)
	default: // paramEqual has no name of its own; the others are those of files
	}
	return err
}

// addEqual adds a condition author=ID.
func addEqual(q *roundtrip.Query, name, value string) error {
	for i := range q.Equal {
		if q.Equal[i].Field == name {
			return repeated(name)
		}
	}
	q.Equal = append(q.Equal, roundtrip.Equal{Field: name, Value: value})
	return nil
}

// split cuts a list at its commas.
func split(list []string, name, value string) ([]string, error) {
	for {
		item, rest, more := strings.Cut(value, ",")
		if item = strings.TrimSpace(item); item == "" {
			return nil, wrongParam(name, "a list of names with commas between them is expected, without empty places")
		}
		list = append(list, item)
		if !more {
			return list, nil
		}
		value = rest
	}
}

// nextParam cuts the first name=value off a query string and takes its escapes away (WHATWG URL standard, section 5.1).
func nextParam(raw string) (name, value, rest string, err error) {
	pair, rest, _ := strings.Cut(raw, "&")
	name, value, _ = strings.Cut(pair, "=")
	if name, err = unescape(name); err != nil {
		return "", "", "", err
	}
	if value, err = unescape(value); err != nil {
		return "", "", "", err
	}
	return name, value, rest, nil
}

// unescape resolves %20 and +. It takes UTF-8 without NUL only.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '+':
				b = append(b, ' ')
			case c != '%':
				b = append(b, c)
			default:
				if i+2 >= len(s) || hexDigit(s[i+1]) < 0 || hexDigit(s[i+2]) < 0 {
					return "", roundtrip.E(roundtrip.Invalid, "request.invalid",
						"the query string has a %% that no two hex digits follow, near %q; write %%25 for a percent sign", input.Cut(s[i:], 12))
				}
				b = append(b, byte(hexDigit(s[i+1])<<4|hexDigit(s[i+2])))
				i += 2
			}
		}
		s = string(b)
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return "", roundtrip.E(roundtrip.Invalid, "request.invalid", "the query string is not UTF-8, or has a NUL in it")
	}
	return s, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func wrongParam(name, expected string) error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "the parameter %s is wrong: %s", name, expected).
		With(roundtrip.Detail{Parameter: name, Code: "wrong_value", Message: expected})
}

func repeated(name string) error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "the parameter %s is given twice", input.Cut(name, 64)).
		With(roundtrip.Detail{Parameter: input.Cut(name, 64), Code: "repeated", Message: "give it once"})
}

// unknownParam refuses a parameter and names the nearest one that is read here.
func (x *exchange) unknownParam(name string, allowed param) error {
	var names []string
	for i, n := range paramNames() {
		if allowed&(1<<i) != 0 && n != "" {
			names = append(names, n)
		}
	}
	hint := "no parameters are read here"
	if len(names) > 0 {
		hint = "read here are " + strings.Join(names, ", ")
	}
	if allowed&paramEqual != 0 {
		names = append(names, x.at.plan.collection.FieldNames()...)
		hint += ", and the fields of " + x.at.plan.collection.Name
	}
	if n := nearParam(name, names, allowed); n != "" {
		hint = "did you mean " + n + "?"
	}
	return roundtrip.E(roundtrip.Invalid, "request.unknown_parameter", "there is no parameter %q here; %s", input.Cut(name, 64), hint).
		With(roundtrip.Detail{Parameter: input.Cut(name, 64), Code: "unknown_parameter", Message: hint})
}

// nearParam finds the name that was probably meant: what other systems call it so, or one that is spelt nearly so. One
// letter is near to nothing.
func nearParam(name string, names []string, allowed param) string {
	if meant := foreignParam(name); allowed&paramOf(meant) != 0 {
		return meant
	}
	if len(name) < 2 {
		return ""
	}
	return nearest.Of(input.Cut(name, 64), names)
}

// foreignParam returns our name for what other systems call otherwise, or "".
func foreignParam(name string) string {
	switch strings.ToLower(name) {
	case "w", "width", "thumb":
		return "size"
	case "version":
		return "v"
	case "limit", "per_page", "perpage", "pagesize", "page[size]":
		return "page_size"
	case "page", "offset", "cursor", "after", "pagetoken":
		return "page_token"
	case "sort", "order", "orderby", "sort_by":
		return "order_by"
	case "where", "query", "q":
		return "filter"
	case "select", "columns":
		return "fields"
	case "populate", "include", "embed":
		return "expand"
	case "total", "total_size":
		return "count"
	case "fields", "aggregate":
		return "select"
	case "group", "groupby":
		return "group_by"
	}
	return ""
}

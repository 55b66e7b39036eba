package doors_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// fill puts into a request what earlier answers held: $NAME.PATH, and ~.
func (p *play) fill(v any) any {
	switch v := v.(type) {
	case string:
		return p.text(v)
	case obj:
		if v == nil {
			return v
		}
		filled := obj{}
		for name, value := range v {
			filled[name] = p.fill(value)
		}
		return filled
	case []any:
		filled := make([]any, len(v))
		for i := range v {
			filled[i] = p.fill(v[i])
		}
		return filled
	case ask:
		for _, text := range []*string{&v.id, &v.filter, &v.pageToken, &v.etag, &v.key, &v.cursor} {
			*text = p.text(*text)
		}
		v.data, _ = p.fill(v.data).(obj)
		v.add, _ = p.fill(v.add).(obj)
		v.ops = slices.Clone(v.ops)
		for i := range v.ops {
			v.ops[i], _ = p.fill(v.ops[i]).(ask)
		}
		return v
	}
	return v
}

func (p *play) text(s string) string {
	if s == ownID {
		return "01hv3w8" + p.tag[1:5] + "z0"
	}
	s = strings.ReplaceAll(s, "~", p.tag)
	for {
		start := strings.IndexByte(s, '$')
		if start < 0 {
			return s
		}
		end := start + 1
		for end < len(s) && (s[end] == '.' || s[end] == '_' || s[end] >= '0' && s[end] <= '9' || s[end] >= 'a' && s[end] <= 'z') {
			end++
		}
		name, path, _ := strings.Cut(s[start+1:end], ".")
		value := at(p.kept[name], path)
		if value == nil {
			p.t.Fatalf("no answer that was kept has %s", s[start:end])
		}
		s = s[:start] + fmt.Sprint(value) + s[end:]
	}
}

// at goes down a path: photos.0.caption; # is how many there are.
func at(v any, path string) any {
	if path == "" {
		return v
	}
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case obj:
			v = in[part]
		case []any:
			if part == "#" {
				return len(in)
			}
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			if part == "#" {
				return 0
			}
			return nil
		}
	}
	return v
}

// judge compares an answer with what the scenario expects; "" is well.
func (w *want) judge(got *answer, fill func(any) any) string {
	if got.Replay != w.replay {
		return fmt.Sprintf("replayed is %v", got.Replay)
	}
	if w.code == "" {
		if got.Fault != nil {
			return "refused"
		}
		for path, value := range w.has {
			have, expected := at(got.Value, path), fill(value)
			if fmt.Sprint(have) != fmt.Sprint(expected) && !reflect.DeepEqual(have, expected) {
				return fmt.Sprintf("%s is %v, expected %v", path, have, expected)
			}
		}
		return ""
	}
	if got.Fault == nil || got.Fault.Code != w.code || got.Fault.Reason != w.reason {
		return fmt.Sprintf("expected %s %s", w.code, w.reason)
	}
	var fields []string
	for _, d := range got.Fault.Details {
		fields = append(fields, d.Field+" "+d.Code)
	}
	if w.fields != nil && !slices.Equal(fields, w.fields) {
		return fmt.Sprintf("wrong are %q, expected %q", fields, w.fields)
	}
	return ""
}

// ownID in a value becomes an id that nobody has: the run's number in the digits of one.
const ownID = "an id of my own"

package doors_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// fieldPath writes the place of a mistake as the pointer of REST is written: ops[3].data.caption is ops.3.data.caption. In a
// batch, what REST calls data is the record of a typed request: ops[3].create_photos.photo.caption.
func fieldPath(path string) string {
	path = inIndex.ReplaceAllString(path, ".$1")
	path = inRecord.ReplaceAllString(path, "$1.data.")
	return inRequest.ReplaceAllString(path, "$1.")
}

var (
	inIndex   = regexp.MustCompile(`\[(\d+)\]`)
	inRecord  = regexp.MustCompile(`^(ops\.\d+)\.(?:create|update)_\w+\.\w+\.`)
	inRequest = regexp.MustCompile(`^(ops\.\d+)\.(?:create|update|delete)_\w+\.`)
)

// neutral turns a message into an object: only what is set, times as RFC 3339.
func neutral(m protoreflect.Message) obj {
	o := obj{}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			entries := obj{}
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				entries[k.String()] = neutralOne(fd.MapValue(), v)
				return true
			})
			o[fd.TextName()] = entries
		case fd.IsList():
			list := []any{}
			for i := range v.List().Len() {
				list = append(list, neutralOne(fd, v.List().Get(i)))
			}
			o[fd.TextName()] = list
		default:
			o[fd.TextName()] = neutralOne(fd, v)
		}
		return true
	})
	return o
}

func neutralOne(fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return neutralMessage(v.Message())
	case protoreflect.DoubleKind:
		return number(v.Float())
	case protoreflect.Int64Kind, protoreflect.Int32Kind:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	default:
		return v.Interface()
	}
}

func neutralMessage(m protoreflect.Message) any {
	bytes, err := proto.Marshal(m.Interface())
	if err != nil {
		return err.Error()
	}
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		var t timestamppb.Timestamp
		if err := proto.Unmarshal(bytes, &t); err != nil {
			return err.Error()
		}
		if t.GetNanos()%1_000_000 != 0 {
			return t.AsTime().Format("2006-01-02T15:04:05.000000Z")
		}
		return t.AsTime().Format("2006-01-02T15:04:05.000Z")
	case "google.protobuf.Value":
		var v structpb.Value
		if err := proto.Unmarshal(bytes, &v); err != nil {
			return err.Error()
		}
		return v.AsInterface()
	}
	return neutral(m)
}

func number(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'g', -1, 64)) }

// prune leaves out of an object of REST what a message does not show: null, and the zero of a field without presence. A member
// that the message does not have gets a name that no door gives.
func prune(md protoreflect.MessageDescriptor, o obj) obj {
	out := obj{}
	for name, v := range o {
		fd := md.Fields().ByName(protoreflect.Name(name))
		switch {
		case fd == nil:
			out["not in "+string(md.Name())+": "+name] = v
		case v == nil || !fd.HasPresence() && (reflect.ValueOf(v).IsZero() || fmt.Sprint(v) == "0"):
		case fd.IsMap():
			entries, _ := v.(obj)
			for k := range entries {
				entries[k] = pruneOne(fd.MapValue(), entries[k])
			}
			if len(entries) > 0 {
				out[name] = entries
			}
		case fd.IsList():
			list, _ := v.([]any)
			for i := range list {
				list[i] = pruneOne(fd, list[i])
			}
			if len(list) > 0 {
				out[name] = list
			}
		default:
			out[name] = pruneOne(fd, v)
		}
	}
	return out
}

func pruneOne(fd protoreflect.FieldDescriptor, v any) any {
	switch fd.Kind() {
	case protoreflect.DoubleKind:
		f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		if err != nil {
			return v
		}
		return number(f)
	case protoreflect.MessageKind:
		switch fd.Message().FullName() {
		case "google.protobuf.Value":
			return floats(v)
		case "google.protobuf.Timestamp":
			return v
		}
		if o, ok := v.(obj); ok {
			return prune(fd.Message(), o)
		}
	default:
	}
	return v
}

// floats makes of each number what a google.protobuf.Value can hold.
func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v
		}
		return f
	case obj:
		for k := range v {
			v[k] = floats(v[k])
		}
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	}
	return v
}

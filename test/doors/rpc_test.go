package doors_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// rpc asks by the services of the descriptors. How messages travel is the transport's.
type rpc struct {
	label   string
	api     *api
	json    bool // messages are JSON, as somebody with curl writes it
	headers bool // keys of idempotency go as metadata
	transport
}

// transport is a client library with one protocol. Messages are bytes.
type transport interface {
	unary(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) (out []byte, replay bool, err error)
	stream(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) (receive func() ([]byte, error), err error)
	fault(err error) *fault // nil: it is none of the server's
}

func (d *rpc) name() string { return d.label }

func (d *rpc) ask(ctx context.Context, token string, a *ask) (answer, error) {
	m, in, h, err := d.prepare(token, a)
	if err != nil {
		return answer{}, err
	}
	out, replay, err := d.unary(ctx, m, in, h)
	if err != nil {
		return d.refused(err)
	}
	value, err := d.read(m, out)
	return answer{Value: value, Replay: replay}, err
}

func (d *rpc) refused(err error) (answer, error) {
	if f := d.fault(err); f != nil {
		return answer{Fault: f}, nil
	}
	return answer{}, err
}

func (d *rpc) prepare(token string, a *ask) (protoreflect.MethodDescriptor, []byte, http.Header, error) {
	m := d.api.method(a)
	if m == nil {
		return nil, nil, nil, fmt.Errorf("the descriptors have no method to %s %s", a.verb, a.of)
	}
	h := http.Header{}
	identify(h, token, a)
	o := d.request(m, a)
	if d.headers && a.key != "" {
		h.Set("Idempotency-Key", a.key)
		delete(o, "request_id")
	}
	in, err := json.Marshal(o)
	if err != nil || d.json {
		return m, in, h, err
	}
	message := dynamicpb.NewMessage(m.Input())
	if err := (protojson.UnmarshalOptions{Resolver: d.api.types}).Unmarshal(in, message); err != nil {
		return nil, nil, nil, err
	}
	in, err = proto.Marshal(message)
	return m, in, h, err
}

func (d *rpc) read(m protoreflect.MethodDescriptor, out []byte) (obj, error) {
	message := dynamicpb.NewMessage(m.Output())
	var err error
	if d.json {
		err = (protojson.UnmarshalOptions{Resolver: d.api.types}).Unmarshal(out, message)
	} else {
		err = proto.Unmarshal(out, message)
	}
	if err != nil {
		return nil, fmt.Errorf("%s answers %q: %w", m.FullName(), out, err)
	}
	if unknown := message.GetUnknown(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s answers with fields that are not in the descriptors: %x", m.FullName(), unknown)
	}
	return neutral(message), nil
}

// mask writes a FieldMask: with the declared names by hand, and in camel case as libraries do.
func (d *rpc) mask(names []string) string {
	text := strings.Join(names, ",")
	for !d.json && strings.Contains(text, "_") {
		i := strings.Index(text, "_")
		text = text[:i] + strings.ToUpper(text[i+1:i+2]) + text[i+2:]
	}
	return text
}

// request writes a request as the message of its method, in JSON.
func (d *rpc) request(m protoreflect.MethodDescriptor, a *ask) obj {
	o := obj{}
	set := func(name string, value any, given bool) {
		if given {
			o[name] = value
		}
	}
	set("id", a.id, a.id != "" && a.verb != "update")
	set("expand", a.expand, len(a.expand) > 0)
	set("filter", a.filter, a.filter != "")
	set("order_by", a.orderBy, a.orderBy != "")
	set("page_size", a.pageSize, a.pageSize != 0)
	set("page_token", a.pageToken, a.pageToken != "")
	set("read_mask", d.mask(a.fields), len(a.fields) > 0)
	set("count", true, a.count)
	set("group_by", a.groupBy, len(a.groupBy) > 0)
	set("select", a.selects, len(a.selects) > 0)
	set("changes_only", true, a.changesOnly)
	set("resume_token", a.cursor, a.cursor != "")
	set("request_id", a.key, a.key != "")
	switch a.verb {
	case "create", "update":
		d.record(o, m.Input().Fields().ByNumber(1).TextName(), a)
	case "delete":
		set("etag", a.etag, a.etag != "")
	case "batch":
		o["ops"] = d.ops(a.ops)
	case "sign-up":
		account := maps.Clone(a.data)
		delete(account, "password")
		o = obj{"account": d.fields(account), "password": a.data["password"]}
	case "sign-in":
		d.signIn(o, a.data)
	case "set-preferences":
		kinds := obj{}
		for kind, channels := range a.data {
			kinds[kind] = obj{"channels": channels}
		}
		o["kinds"] = kinds
	case "change-password", "seen", "read":
		maps.Copy(o, a.data)
	}
	return o
}

// signIn names the account by the field that is said, or by any.
func (d *rpc) signIn(o, data obj) {
	for name, value := range data {
		if name == "login" || name == "password" {
			o[name] = value
		} else {
			o["login"], o["field"] = value, name
		}
	}
}

func (d *rpc) record(o obj, single string, a *ask) {
	record := d.fields(a.data)
	mask := slices.Clone(a.mask)
	if a.verb == "update" {
		record["id"] = a.id
		if a.etag != "" {
			record["etag"] = a.etag
		}
		if a.mask == nil && slices.Contains(slices.Collect(maps.Values(a.data)), nil) {
			mask = slices.Sorted(maps.Keys(a.data)) // what is to be null must be named
		}
	}
	if mask != nil {
		o["update_mask"] = d.mask(mask)
	}
	o[single] = record
	adds := []any{}
	for name, by := range a.add {
		add := obj{"field": name}
		if _, real := by.(float64); real {
			add["real"] = by
		} else {
			add["whole"] = by
		}
		adds = append(adds, add)
	}
	if len(adds) > 0 {
		o["add"] = adds
	}
}

// fields writes a record's values: files with their content, and nothing for null.
func (d *rpc) fields(data obj) obj {
	record := obj{}
	for name, value := range data {
		switch v := value.(type) {
		case nil:
		case file:
			record[name] = obj{"name": v.name, "content": base64.StdEncoding.EncodeToString(v.content)}
		default:
			record[name] = v
		}
	}
	return record
}

func (d *rpc) ops(ops []ask) []any {
	list := []any{}
	for i := range ops {
		op := &ops[i]
		m := d.api.method(op)
		list = append(list, obj{op.verb + "_" + op.of: d.request(m, op)})
	}
	return list
}

func (d *rpc) watch(ctx context.Context, token string, a *ask) (feed, error) {
	m, in, h, err := d.prepare(token, a)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	receive, err := d.stream(ctx, m, in, h)
	if err != nil {
		cancel()
		return nil, err
	}
	return &messages{d: d, m: m, receive: receive, cancel: cancel}, nil
}

// messages is a stream of a server.
type messages struct {
	d       *rpc
	m       protoreflect.MethodDescriptor
	receive func() ([]byte, error)
	cancel  context.CancelFunc
}

func (s *messages) close() { s.cancel() }

func (s *messages) next() (answer, error) {
	for {
		out, err := s.receive()
		if err != nil {
			return s.d.refused(err)
		}
		value, err := s.d.read(s.m, out)
		if err != nil {
			return answer{}, err
		}
		if value["snapshot"] == nil && value["changes"] == nil { // a heartbeat
			continue
		}
		return answer{Value: value}, nil
	}
}

// statusFault puts an error of RPC together from its details (google.rpc).
func statusFault(code, message string, details []any) *fault {
	f := &fault{Code: code, Message: message}
	for _, d := range details {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			about := d.GetMetadata()
			f.Reason, f.Journey, f.Column = about["code"], about["journey"] != "", about["column"]
			if d.GetDomain() != "roundtrip" || d.GetReason() != strings.ToUpper(strings.ReplaceAll(f.Reason, ".", "_")) {
				f.Reason += " (as " + d.GetDomain() + " " + d.GetReason() + ")"
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Details = append(f.Details, detail{fieldPath(v.GetField()), strings.ToLower(v.GetReason()), v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			f.Retry = d.GetRetryDelay().AsDuration() > 0
		default:
			f.Details = append(f.Details, detail{Field: fmt.Sprintf("a detail that nobody announced: %v", d)})
		}
	}
	return f
}

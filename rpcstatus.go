package roundtrip

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// StatusDomain is the domain of our reasons in google.rpc.ErrorInfo.
const StatusDomain = "roundtrip"

// StatusType is what stands before a message's name in the type URL of a google.protobuf.Any.
const StatusType = "type.googleapis.com/"

// StatusDetail is one detail of a google.rpc.Status: a message's full name and its bytes.
type StatusDetail struct {
	Type  string // google.rpc.ErrorInfo
	Value []byte
}

// Message returns the sentence for the caller: Public, or the kind's title where there is none.
func (e *Error) Message() string {
	if e.Public == "" {
		return e.Kind.Title()
	}
	return e.Public
}

// AppendStatus appends the error as a google.rpc.Status (https://google.aip.dev/193): the trailer grpc-status-details-bin
// carries it. journey is the id of the request's record, "" for none. Nothing of Op or Err is written.
func (e *Error) AppendStatus(b []byte, journey string) []byte {
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(e.Kind.GRPC()))
	b = appendField(b, 2, e.Message())
	for _, d := range e.StatusDetails(journey) {
		var packed []byte // google.protobuf.Any
		packed = appendField(packed, 1, StatusType+d.Type)
		packed = appendField(packed, 2, string(d.Value))
		b = appendField(b, 3, string(packed))
	}
	return b
}

// StatusDetails returns what a google.rpc.Status tells beside its code and message, the same at every door of RPC: an
// ErrorInfo always, a BadRequest with what is wrong where, and a RetryInfo where it is known when to try again.
//
// ErrorInfo wants its reason in capitals, STORE_UNIQUE; our own spelling, store.unique, stands in its metadata as code,
// beside the journey and the column of the first thing that is wrong inside a filter.
func (e *Error) StatusDetails(journey string) []StatusDetail {
	details := []StatusDetail{{Type: "google.rpc.ErrorInfo", Value: e.appendErrorInfo(nil, journey)}}
	if len(e.Details) > 0 {
		var request []byte
		for i := range e.Details {
			request = appendField(request, 1, string(e.Details[i].appendViolation(nil)))
		}
		details = append(details, StatusDetail{Type: "google.rpc.BadRequest", Value: request})
	}
	if e.Retry > 0 {
		details = append(details, StatusDetail{Type: "google.rpc.RetryInfo", Value: appendField(nil, 1, string(appendDuration(nil, e.Retry)))})
	}
	return details
}

func (e *Error) appendErrorInfo(b []byte, journey string) []byte {
	b = appendField(b, 1, strings.ToUpper(strings.ReplaceAll(e.Reason, ".", "_")))
	b = appendField(b, 2, StatusDomain)
	b = appendEntry(b, "code", e.Reason) // a map: entries in the order of their keys
	for _, d := range e.Details {
		if d.Column > 0 {
			b = appendEntry(b, "column", strconv.Itoa(d.Column))
			break
		}
	}
	if journey != "" {
		b = appendEntry(b, "journey", journey)
	}
	return b
}

// appendViolation appends a detail as a google.rpc.BadRequest.FieldViolation. Its reason is in capitals too.
func (d *Detail) appendViolation(b []byte) []byte {
	if path := d.FieldPath(); path != "" {
		b = appendField(b, 1, path)
	}
	b = appendField(b, 2, d.Message)
	return appendField(b, 3, strings.ToUpper(d.Code))
}

// FieldPath returns where a detail is, as google.rpc writes it: /ops/3/data/caption is ops[3].data.caption.
func (d *Detail) FieldPath() string {
	if d.Pointer == "" {
		return d.Parameter
	}
	var b strings.Builder
	for token := range strings.SplitSeq(strings.TrimPrefix(d.Pointer, "/"), "/") {
		if token != "" && strings.Trim(token, "0123456789") == "" && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"))
	}
	return b.String()
}

// appendDuration appends a google.protobuf.Duration.
func appendDuration(b []byte, d time.Duration) []byte {
	if seconds := d / time.Second; seconds > 0 {
		b = protowire.AppendTag(b, 1, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(seconds))
	}
	if nanos := d % time.Second; nanos > 0 {
		b = protowire.AppendTag(b, 2, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(nanos))
	}
	return b
}

// appendEntry appends an entry of ErrorInfo's metadata.
func appendEntry(b []byte, key, value string) []byte {
	return appendField(b, 3, string(appendField(appendField(nil, 1, key), 2, value)))
}

func appendField(b []byte, number protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text)
}

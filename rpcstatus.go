package roundtrip

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// StatusDomain is the domain of our reasons in google.rpc.ErrorInfo.
const StatusDomain = "roundtrip"

// AppendStatus appends the error as a google.rpc.Status with one google.rpc.ErrorInfo
// (https://google.aip.dev/193): the trailer grpc-status-details-bin and Connect's details carry it. ErrorInfo wants its reason in
// capitals, STORE_UNIQUE; our own spelling, store.unique, stands in its metadata as code. Nothing of Op or Err is written.
func (e *Error) AppendStatus(b []byte, message string) []byte {
	var code []byte
	code = appendField(code, 1, "code")
	code = appendField(code, 2, e.Reason)

	var info []byte
	info = appendField(info, 1, strings.ToUpper(strings.ReplaceAll(e.Reason, ".", "_")))
	info = appendField(info, 2, StatusDomain)
	info = appendField(info, 3, string(code)) // one entry of the map metadata

	var detail []byte // google.protobuf.Any
	detail = appendField(detail, 1, "type.googleapis.com/google.rpc.ErrorInfo")
	detail = appendField(detail, 2, string(info))

	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(e.Kind.GRPC()))
	b = appendField(b, 2, message)
	return appendField(b, 3, string(detail))
}

func appendField(b []byte, number protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text)
}

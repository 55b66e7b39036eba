package why

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// callPath is the path of a method of gRPC: /gallery.v1.Photos/Get, or /api/gallery.v1.Photos/Get. Below other segments the
// service has a capital, so that a page below a folder of a version is none.
var callPath = regexp.MustCompile(`^(/[A-Za-z_]\w*(\.[A-Za-z_]\w*)+|(/[^/]+)+/[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\.[A-Z]\w*)/[A-Z]\w*$`)

// isCall reports whether a call of gRPC is meant: it was asked for, or the path is one and nothing says how else to ask.
func isCall(o *Options, t *Target) bool {
	return o.Call || callPath.MatchString(t.URL.Path) && !t.Socket && o.Method == "" && o.Origin == "" && len(o.Body) == 0 && len(o.Header["Content-Type"]) == 0
}

// addCall makes the headers those of a call.
func addCall(h http.Header) {
	h.Set("Content-Type", "application/grpc")
	h.Set("Te", "trailers")
	h.Del("Accept")
}

// enveloped puts flags and length before a message: an empty one, where there is none.
func enveloped(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// speaksHTTP2 reports whether what was agreed on in TLS lets a call be sent.
func (p *probe) speaksHTTP2() bool {
	f := &p.facts
	return f.TLS == nil || f.TLS.ALPN == "h2"
}

// CallEnd is how a call of gRPC ended, as its trailers say.
type CallEnd struct {
	Code    int    // grpc-status; -1 where there is none
	Message string // grpc-message
	Reason  string // the code of google.rpc.ErrorInfo, where a Roundtrip wrote it
}

// callEnd reads how a call ended: from the trailers, or from the head where that is all of the answer.
func callEnd(head, trailer http.Header) *CallEnd {
	from := trailer
	if from.Get("Grpc-Status") == "" {
		from = head
	}
	end := &CallEnd{Code: -1}
	if n, err := strconv.ParseUint(from.Get("Grpc-Status"), 10, 8); err == nil {
		end.Code = int(n)
	}
	end.Message = from.Get("Grpc-Message")
	if text, err := url.PathUnescape(end.Message); err == nil {
		end.Message = text
	}
	bin := strings.TrimRight(from.Get("Grpc-Status-Details-Bin"), "=")
	if b, err := base64.RawStdEncoding.DecodeString(bin); err == nil {
		end.Reason = infoCode(b)
	}
	return end
}

// infoCode finds our reason in a google.rpc.Status: the entry "code" of an ErrorInfo's metadata.
func infoCode(status []byte) (code string) {
	each(status, func(n protowire.Number, detail []byte) { // google.rpc.Status: details
		if n != 3 {
			return
		}
		each(detail, func(n protowire.Number, info []byte) { // google.protobuf.Any: value
			if n != 2 {
				return
			}
			each(info, func(n protowire.Number, entry []byte) { // google.rpc.ErrorInfo: metadata
				if n != 3 {
					return
				}
				pair := map[protowire.Number]string{}
				each(entry, func(n protowire.Number, text []byte) { pair[n] = string(text) })
				if pair[1] == "code" {
					code = pair[2]
				}
			})
		})
	})
	return code
}

// each hands over the fields of a message that have bytes. It stops at what is none.
func each(b []byte, f func(n protowire.Number, value []byte)) {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return
		}
		b = b[size:]
		if kind == protowire.BytesType {
			value, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return
			}
			f(n, value)
			b = b[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(n, kind, b); size < 0 {
			return
		}
		b = b[size:]
	}
}

// text is the code with its name: grpc-status 8 RESOURCE_EXHAUSTED.
func (c *CallEnd) text() string {
	number := "grpc-status " + strconv.Itoa(c.Code)
	if c.Code < 0 || c.Code > 16 {
		return number
	}
	return number + " " + trace.CodeOf(c.Code).String()
}

// judgeCall is the step of a call whose answer had status 200, which says nothing of how it ended.
func (s *Sides) judgeCall(e *Exchange, side Side) Step {
	kind, _, _ := strings.Cut(e.Header.Get("Content-Type"), ";")
	v := s.view(e)
	switch {
	case !strings.HasPrefix(strings.ToLower(kind), "application/grpc"):
		return s.refusedCall(e, side, "app.not_grpc", "what answered speaks no gRPC: its answer is "+orElse(printable(kind), "without a content type"))
	case e.Call.Code < 0:
		return s.refusedCall(e, side, "app.no_trailers", "")
	case e.Call.Code == 0 || v != nil && v.Decided >= 0: // the stations tell who refused it
		step := pass(trace.App, s.requestTitle(), e.Call.text()+", "+e.Proto, e.Took, side)
		if e.Call.Code != 0 {
			step.Sentence = "answered " + step.Sentence
		}
		step.Notes = s.Facts.Withheld
		return step
	}
	code := "app.error_status"
	if e.Call.Code == 12 {
		code = "app.no_method"
	}
	text := "the server answered " + e.Call.text()
	if e.Call.Message != "" {
		text += ": " + printable(e.Call.Message)
	}
	if r := trace.ReasonOf(e.Call.Reason); e.Call.Reason != "" && r.Code() == e.Call.Reason { // a Roundtrip says why
		code = e.Call.Reason
	}
	step := s.refusedCall(e, side, code, text)
	if e.Call.Code == 3 {
		step.Notes = append(step.Notes, "The message of this probe is an empty one unless -d gives another: that it was read shows that the way to the method works.")
	}
	return step
}

func (s *Sides) refusedCall(e *Exchange, side Side, code, text string) Step {
	step := stop(reasonLayer(code), s.requestTitle(), code, text, e.Took, side)
	step.Notes = s.Facts.Withheld
	if v := s.view(e); v != nil {
		step.Where = v.Where
	}
	return step
}

package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

func (c *Console) writeJSON(w http.ResponseWriter, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return roundtrip.Wrap("console.json", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // who asked may be gone
	return nil
}

// refuse answers with a problem (RFC 9457).
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := roundtrip.AsError(err)
	if e.HTTPStatus() >= 500 {
		c.options.Log.Error("console", "path", r.URL.Path, "error", e.Error())
	}
	h := w.Header()
	h.Set("Content-Type", roundtrip.ProblemType)
	h.Set("Cache-Control", "no-store")
	if e.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(e.Retry.Seconds())))
	}
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	w.WriteHeader(e.HTTPStatus())
	_, _ = w.Write(e.AppendProblem(nil, r.URL.Path, "")) //nolint:gosec // JSON, with nosniff
}

// readJSON reads the body of a request into to. Members that are not known are refused: they are mistakes.
func readJSON(r *http.Request, to any) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "send the body as application/json")
		e.Status = http.StatusUnsupportedMediaType
		return e
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(r.Body); err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "the body has more than %d bytes", bodyBytesMax)
		}
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "the body did not come whole")
	}
	return decode(text.Bytes(), to)
}

// decode reads JSON and nothing else.
func decode(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return roundtrip.E(roundtrip.Invalid, "request.json", "the body is no JSON of this call: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if d.More() {
		return roundtrip.E(roundtrip.Invalid, "request.json", "the body has more than one JSON value")
	}
	return nil
}

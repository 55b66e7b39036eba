package rest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
)

// things is a collection with a field of each type.
func things() *roundtrip.Collection {
	users := roundtrip.NewCollection("users", roundtrip.Pos{})
	c := roundtrip.NewCollection("things", roundtrip.Pos{})
	for _, f := range []roundtrip.Field{
		{Name: "text", Type: roundtrip.TypeText},
		{Name: "int", Type: roundtrip.TypeInt},
		{Name: "float", Type: roundtrip.TypeFloat},
		{Name: "bool", Type: roundtrip.TypeBool},
		{Name: "time", Type: roundtrip.TypeTime},
		{Name: "json", Type: roundtrip.TypeJSON},
		{Name: "ref", Type: roundtrip.TypeRef, To: users},
		{Name: "file", Type: roundtrip.TypeFile},
		{Name: "select", Type: roundtrip.TypeSelect, Options: []string{"red", "green"}},
		{Name: "email", Type: roundtrip.TypeEmail},
		{Name: "url", Type: roundtrip.TypeURL},
		{Name: "count", Type: roundtrip.TypeCount, To: users},
	} {
		c.Add(&f)
	}
	return c
}

const someID = roundtrip.ID(0x123456789abcdef)

func TestDecode_ReadsEveryTypeExactly(t *testing.T) {
	t.Parallel()
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
	body := `{"id":"` + someID.String() + `","text":"é\u00e9\ud83d\ude00 \"q\"","int":-9223372036854775808,"float":1e-300,"bool":true,` +
		`"time":"2026-11-22T20:03:31.114159+01:00","json":{"a":[1, 2,{"b":null}]},"ref":"` + someID.String() + `","file":null,` +
		`"select":"red","email":"a@b.c","url":"https://x.y/"}`
	if err := rest.DecodeRecord(call, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if len(call.Wrong) > 0 {
		t.Fatalf("wrong: %+v", call.Wrong)
	}
	want := map[string]roundtrip.Value{
		"id": roundtrip.Ref(someID), "text": roundtrip.Text("éé😀 \"q\""), "int": roundtrip.Int(-1 << 63), "float": roundtrip.Float(1e-300),
		"bool": roundtrip.Bool(true), "time": roundtrip.Time(time.Date(2026, 11, 22, 19, 3, 31, 114159000, time.UTC)),
		"json": roundtrip.JSON(`{"a":[1,2,{"b":null}]}`), "ref": roundtrip.Ref(someID), "file": {}, "select": roundtrip.Text("red"),
	}
	for name, v := range want {
		i, _ := call.Collection.Lookup(name)
		if got := call.Input.Values[i]; got != v || !call.Input.Set[i] {
			t.Errorf("%s = %s (set %v), want %s", name, got.AppendJSON(nil), call.Input.Set[i], v.AppendJSON(nil))
		}
	}
}

func TestDecode_KeepsAll64BitsOfAnInt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"9223372036854775807": 1<<63 - 1, "9007199254740993": 9007199254740993, "-0": 0, "1e3": 1000, "2.0": 2, "0": 0,
	} {
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
		if err := rest.DecodeRecord(call, []byte(`{"int":`+text+`}`)); err != nil || len(call.Wrong) > 0 {
			t.Errorf("%s: %v %v", text, err, call.Wrong)
		} else if got := call.Input.Get("int").Int(); got != want {
			t.Errorf("%s = %d", text, got)
		}
	}
}

func TestDecode_CollectsAllMistakes(t *testing.T) {
	t.Parallel()
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
	body := `{"text":1,"int":"1","float":"x","bool":0,"time":"yesterday","ref":"short","file":{"id":"x"},"select":["red"],
		"email":{},"url":false,"count":3,"etag":"1","create_time":null,"txet":1,"id":7}`
	if err := rest.DecodeRecord(call, []byte(body)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range call.Wrong {
		got[d.Pointer] = d.Code
		if d.Message == "" {
			t.Errorf("%s has no message", d.Pointer)
		}
	}
	want := map[string]string{
		"/text": "wrong_type", "/int": "wrong_type", "/float": "wrong_type", "/bool": "wrong_type", "/time": "wrong_type",
		"/ref": "wrong_type", "/file": "wrong_type", "/select": "wrong_type", "/email": "wrong_type", "/url": "wrong_type",
		"/count": "read_only", "/etag": "read_only", "/create_time": "read_only", "/txet": "unknown_field", "/id": "wrong_type",
	}
	for pointer, code := range want {
		if got[pointer] != code {
			t.Errorf("%s: %q, want %q", pointer, got[pointer], code)
		}
	}
	for _, d := range call.Wrong {
		if d.Pointer == "/txet" && !strings.Contains(d.Message, `"text"`) {
			t.Errorf("no nearest name in %q", d.Message)
		}
	}
}

func TestDecode_RefusesBrokenBodies(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for body, code := range map[string]string{
		``:                               "empty",
		` `:                              "empty",
		`null`:                           "wrong_type",
		`[]`:                             "wrong_type",
		`"x"`:                            "wrong_type",
		`{`:                              "syntax",
		`{"text"`:                        "syntax",
		`{"text":}`:                      "syntax",
		`{"text":"a",}`:                  "syntax",
		`{text:1}`:                       "syntax",
		`{"text":"a"} x`:                 "trailing",
		`{"text":"a"}{}`:                 "trailing",
		`{"text":"a","text":"b"}`:        "duplicate_name",
		`{"text":"a","\u0074ext":"b"}`:   "duplicate_name",
		`{"json":{"a":1,"a":2}}`:         "duplicate_name",
		"{\"text\":\"\xff\"}":            "bad_utf8",
		"{\"json\":[\"\xc3\x28\"]}":      "bad_utf8",
		`{"text":"\ud800"}`:              "bad_utf8",
		"{\"text\":\"a\nb\"}":            "syntax",
		`{"json":` + deep + `}`:          "too_deep",
		`{"int":01}`:                     "syntax",
		`{"int":+1}`:                     "syntax",
		`{"int":NaN}`:                    "syntax",
		`{"nothing":` + deep[:40] + `}`:  "syntax",
		strings.Repeat(`{"json":`, 5000): "syntax",
	} {
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
		err := rest.DecodeRecord(call, []byte(body))
		if err == nil {
			t.Errorf("%.40q was taken", body)
			continue
		}
		e := roundtrip.AsError(err)
		if e.Kind != roundtrip.Invalid || e.Reason != "request.json" || len(e.Details) != 1 || e.Details[0].Code != code {
			t.Errorf("%.40q: %v, want %s", body, err, code)
		}
	}
}

func TestDecode_HugeNumbersAreDetails(t *testing.T) {
	t.Parallel()
	for body, code := range map[string]string{
		`{"int":9223372036854775808}`: "out_of_range",
		`{"int":1e400}`:               "out_of_range",
		`{"int":1.5}`:                 "wrong_type",
		`{"int":` + strings.Repeat("9", 100000) + `}`: "out_of_range",
		`{"float":1e400}`: "out_of_range",
		`{"float":-` + strings.Repeat("9", 100000) + `}`: "out_of_range",
		`{"text":"a\u0000b"}`:                            "wrong_value",
		`{"time":"2026-11-22"}`:                          "wrong_type",
		`{"time":"99999-11-22T00:00:00Z"}`:               "wrong_type",
		`{"ref":"zzzzzzzzzzzzz"}`:                        "wrong_type",
		`{"ref":"0000000000000"}`:                        "wrong_type",
	} {
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
		if err := rest.DecodeRecord(call, []byte(body)); err != nil {
			t.Errorf("%.40q: %v", body, err)
		} else if len(call.Wrong) != 1 || call.Wrong[0].Code != code {
			t.Errorf("%.40q: %+v, want %s", body, call.Wrong, code)
		}
	}
}

func TestDecode_AddsAreOfUpdatesOnly(t *testing.T) {
	t.Parallel()
	c := things()
	call := &roundtrip.Call{Action: roundtrip.Update, Collection: c, ID: someID}
	if err := rest.DecodeRecord(call, []byte(`{"id":"`+someID.String()+`","int":{"$add": -2},"float":{"$add":0.5},"text":"x"}`)); err != nil || len(call.Wrong) > 0 {
		t.Fatal(err, call.Wrong)
	}
	if len(call.Adds) != 2 || call.Adds[0].By.Int() != -2 || call.Adds[1].By.Float() != 0.5 {
		t.Errorf("adds: %+v", call.Adds)
	}
	if call.Input.Set[roundtrip.FieldID] {
		t.Error("the same id again is no change")
	}
	for _, body := range []string{
		`{"int":{"$add":"1"}}`, `{"int":{"$add":1,"$sub":2}}`, `{"int":{}}`, `{"int":{"$add":1.5}}`, `{"text":{"$add":1}}`, `{"int":{"$add":[1]}}`,
		`{"int":{"$add":{"$add":1}}}`, `{"int":{"$ADD":1}}`, `{"id":"0000000000001"}`, `{"int":{"$add":99999999999999999999}}`,
	} {
		call := &roundtrip.Call{Action: roundtrip.Update, Collection: c, ID: someID}
		if err := rest.DecodeRecord(call, []byte(body)); err != nil || len(call.Wrong) != 1 || len(call.Adds) != 0 {
			t.Errorf("%s: %v %+v", body, err, call)
		}
	}
	call = &roundtrip.Call{Action: roundtrip.Create, Collection: c}
	if err := rest.DecodeRecord(call, []byte(`{"int":{"$add":1}}`)); err != nil || len(call.Wrong) != 1 {
		t.Error("a create took an addition")
	}
}

func TestDecode_ManyMistakesAreBounded(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range 20000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"x` + string(roundtrip.ID(i+1).AppendTo(nil)) + `":1`)
	}
	b.WriteByte('}')
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: things()}
	if err := rest.DecodeRecord(call, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if len(call.Wrong) != 50 {
		t.Errorf("%d details", len(call.Wrong))
	}
}

// FuzzDecode: whatever comes, decoding ends in a 4xx or in a record whose JSON is good and reads back the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"text":"a","int":1,"float":1.5,"bool":true,"json":[1,{"a":2}]}`, `{"int":{"$add":1}}`, "{\"text\":\"\xff\"}", `{"a":[[[[]]]]}`, `{"time":"2026-11-22T00:00:00Z"}`, ``} {
		f.Add([]byte(s))
	}
	c := things()
	encode := rest.Encoder(c)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, action := range []roundtrip.Action{roundtrip.Create, roundtrip.Update} {
			call := &roundtrip.Call{Action: action, Collection: c, ID: someID}
			if err := rest.DecodeRecord(call, body); err != nil {
				if s := roundtrip.AsError(err).HTTPStatus(); s < 400 || s >= 500 {
					t.Fatalf("status %d: %v", s, err)
				}
				continue
			}
			out := encode(nil, call.Input, nil)
			if !json.Valid(out) {
				t.Fatalf("not JSON: %q", out)
			}
		}
	})
}

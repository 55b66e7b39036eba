package rest_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
)

func TestQuery_ReadsAllParameters(t *testing.T) {
	t.Parallel()
	q, err := rest.ParseQuery(things(), "filter=int%20%3E+10+%26%26+text+%3D%3D+%22a%22&order_by=create_time+desc&page_size=20&page_token=abc"+
		"&fields=text,int&expand=ref,+ref.ref&count=exact&bool=true&&text=a%26b")
	if err != nil {
		t.Fatal(err)
	}
	want := roundtrip.Query{
		Filter: `int > 10 && text == "a"`, OrderBy: "create_time desc", PageSize: 20, PageToken: "abc", Fields: []string{"text", "int"},
		Expand: []string{"ref", "ref.ref"}, Count: true, Equal: []roundtrip.Equal{{Field: "bool", Value: "true"}, {Field: "text", Value: "a&b"}},
	}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("\n got %+v\nwant %+v", q, want)
	}
}

func TestQuery_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for raw, has := range map[string]string{
		"limit=5":                            "did you mean page_size?",
		"sort=text":                          "did you mean order_by?",
		"select=text":                        "did you mean fields?",
		"w=1":                                "read here are filter",
		"filter=int%3E1&&text==a":            `the filter ends before "text==a"`,
		"filter=int>1&text==a":               `the filter ends before "text==a"`,
		"filter=int>1&&text=%22a%22":         `the filter ends before "text=\"a\""`,
		"filter=int>1+&&+int<3":              "the filter ends before",
		"filter=int>1&&(bool":                "the filter ends before",
		"filtr=1":                            "did you mean filter?",
		"txt=1":                              "did you mean text?",
		"qqqqqqqqq=1":                        "read here are filter",
		"=1":                                 "no parameter",
		"group_by=text":                      "no parameter",
		"filter=1&filter=2":                  "given twice",
		"text=1&text=2":                      "given twice",
		"page_size=0":                        "1 to 200",
		"page_size=-1":                       "1 to 200",
		"page_size=99999999999999999":        "1 to 200",
		"page_size=1e2":                      "1 to 200",
		"count=1":                            "count=exact",
		"fields=":                            "without empty places",
		"fields=a,,b":                        "without empty places",
		"text=%":                             "hex digits",
		"text=%4":                            "hex digits",
		"text=%zz":                           "hex digits",
		"%gg=1":                              "hex digits",
		"text=%ff":                           "not UTF-8",
		"text=%00":                           "NUL",
		"text=" + strings.Repeat("a", 1<<15): "over",
	} {
		_, err := rest.ParseQuery(things(), raw)
		if err == nil {
			t.Errorf("%.40s was taken", raw)
			continue
		}
		if e := roundtrip.AsError(err); e.HTTPStatus() != 400 || !strings.Contains(e.Public, has) {
			t.Errorf("%.40s: %v, want %q", raw, err, has)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"filter=a&b=c", "%", "a=%41+", "text=1&&&int=2", "expand=ref,ref", "=", "&"} {
		f.Add(s)
	}
	c := things()
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := rest.ParseQuery(c, raw); err != nil && roundtrip.AsError(err).HTTPStatus() != 400 {
			t.Fatal(err)
		}
	})
}

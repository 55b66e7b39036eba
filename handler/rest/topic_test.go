package rest_test

import (
	"strings"
	"testing"
)

func TestTopic_IsReadLikeAGET(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for text, want := range map[string]string{
		"photos":                               "",
		"photos?filter=likes > 10&page_size=5": "",
		"photos?page_size=0":                   "",
		"photos?filter=a%26%26b":               "",
		"photos/0000000000abc?expand=author":   "",
		"photo":                                "did you mean photos",
		"photos?filtr=x":                       "did you mean filter",
		"photos?page_token=x":                  "page_token",
		"photos?count=exact":                   "count",
		"photos?page_size=0&page_size=5":       "twice",
		"photos:aggregate":                     "can't be watched",
		"photos/nothing":                       "no record",
		"batch":                                "can't be watched",
		"auth/me":                              "can't be watched",
	} {
		_, err := h.door.Topic(text)
		switch {
		case err == nil && want == "":
		case err == nil:
			t.Errorf("%s was taken", text)
		case want == "" || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzTopic(f *testing.F) {
	h := openHouse(f)
	for _, s := range []string{"photos?filter=likes > 10", "photos/0000000000abc?expand=author", "photos?page_size=0", "?", "photos?%", "photos?=&&a", "files/a/b/c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := h.door.Topic(s)
		if err == nil && (a == nil || a.Collection == nil) {
			t.Errorf("%q was taken as %+v", s, a)
		}
	})
}

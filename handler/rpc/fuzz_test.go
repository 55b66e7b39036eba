package rpc_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// FuzzGet asks by GET with all that a query string can have: the answer is never an error of the server's.
func FuzzGet(f *testing.F) {
	for _, q := range []string{
		`connect=v1&encoding=json&message={"id":"06e1hd8p3v6a8"}`,
		`connect=v1&encoding=proto&base64=1&message=Cg0wNmUxaGQ4cDN2NmE4`,
		`connect=v1&encoding=proto&base64=1&message=***`,
		`encoding=json&compression=gzip&base64=1&message=H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA`,
		`connect=v2&encoding=json&message=`, `message=%zz`, `encoding=json&encoding=proto&message=1&message=2`, `base64=1&encoding=json`,
		`connect=v1&encoding=json&compression=br&message={}`, `encoding=json;%20charset=utf-8&message={}`,
	} {
		f.Add(q)
	}
	h := openHouse(f)
	f.Fuzz(func(t *testing.T, query string) {
		if u, err := url.Parse("https://gallery.test/gallery.v1.Photos/Get?" + query); err != nil || u.Path != "/gallery.v1.Photos/Get" {
			return // no server sees it
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: "/gallery.v1.Photos/Get", RawQuery: query}
		w := httptest.NewRecorder()
		h.rooms.Load().door.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

package route_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// called says in its answer at which mount the API was made, and for which path it was asked.
func called(mount string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Mount", mount)
		w.Header().Set("Path", r.URL.Path)
	})
}

func served(t *testing.T, routes ...config.Route) *route.Site {
	t.Helper()
	made, err := route.New([]config.Site{{Name: "a.test", Routes: routes}}, route.Builders{
		API:      called,
		Services: []string{"gallery.v1.Photos", "grpc.health.v1.Health"},
		Proxy:    func(*config.Site, *config.Route) (route.Target, error) { return target{}, nil },
		Static:   func(*config.Site, *config.Route) (route.Target, error) { return target{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.Sites[0]
}

func TestSite_HasARouteForEachServiceOfTheAPI(t *testing.T) {
	t.Parallel()
	at := roundtrip.Pos{File: "roundtrip.yaml", Line: 7, Column: 9}
	api := config.Route{Path: "/a/long/mount/", API: true, Pos: at}
	page := config.Route{Path: "/", Static: "web/dist", SPA: true}
	s := served(t, api, page)
	for path, want := range map[string]string{
		"/gallery.v1.Photos/Get": "/gallery.v1.Photos/Get", "/gallery.v1.Photos/": "/gallery.v1.Photos/",
		"/gallery.v1.Photos": "/gallery.v1.Photos/", "/grpc.health.v1.Health/Check": "/grpc.health.v1.Health/Check",
	} {
		r := s.Match(http.MethodPost, path, nil)
		if r == nil || r.Kind != route.API || r.Where != at.String() || r.From == nil || r.From.Path != api.Path || r.Declared.Path != api.Path {
			t.Fatalf("%s: %+v", path, r)
		}
		w := httptest.NewRecorder()
		if err := r.Target.Serve(w, httptest.NewRequest(http.MethodPost, path, nil), path); err != nil || w.Header().Get("Mount") != api.Path || w.Header().Get("Path") != want {
			t.Errorf("%s: %v %v", path, w.Header(), err)
		}
	}
	for _, path := range []string{"/gallery.v1.Photo/Get", "/x", "/gallery.v2.Photos/Get"} {
		if r := s.Match(http.MethodPost, path, nil); r == nil || r.Kind != route.Static {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if near := s.Explain("/gallery.v1.Photo/Get", http.MethodPost, nil); len(near) == 0 || near[0].Route != "/gallery.v1.Photos/" || near[0].Where != at.String() {
		t.Errorf("%+v", near)
	}
	if !slices.Equal(s.Services(), []string{"gallery.v1.Photos", "grpc.health.v1.Health"}) || len(s.Written()) != 2 || len(s.Routes) != 4 {
		t.Errorf("%v, %v of %v", s.Services(), s.Written(), s.Routes)
	}
}

func TestSite_DerivesNoRouteThatIsDeclared(t *testing.T) {
	t.Parallel()
	api, second := config.Route{Path: "/api/", API: true}, config.Route{Path: "/v2/", API: true}
	reads := config.Route{Path: "/api/", API: true, Match: config.Match{Methods: []string{"GET"}}}
	other := config.Route{Path: "/gallery.v1.Photos/", Respond: &config.Respond{}}
	stars := config.Route{Path: "/*/Get", Respond: &config.Respond{}}
	proxy := config.Route{Path: "/", Proxy: &config.Proxy{}}
	root := config.Route{Path: "/", API: true}
	const photos, health = "/gallery.v1.Photos/Get", "/grpc.health.v1.Health/Check"
	for name, c := range map[string]struct {
		routes []config.Route
		path   string
		want   string // the path of the route that serves it, as declared; "" for none
	}{
		"a route of that path":                  {[]config.Route{api, other}, photos, "/gallery.v1.Photos/"},
		"a route of it without slash":           {[]config.Route{api, {Path: "/gallery.v1.Photos", Respond: &config.Respond{}}}, photos, ""},
		"a less specific route":                 {[]config.Route{api, stars}, photos, "/api/"},
		"of two mounts, the first":              {[]config.Route{second, api}, photos, "/v2/"},
		"an API at the root":                    {[]config.Route{root}, photos, "/"},
		"an API that takes GET alone":           {[]config.Route{reads}, photos, ""},
		"no API":                                {[]config.Route{proxy}, photos, "/"},
		"beside a proxy":                        {[]config.Route{api, proxy}, photos, "/api/"},
		"beside a proxy, the services of grpc":  {[]config.Route{api, proxy}, health, "/"},
		"without a proxy, the services of grpc": {[]config.Route{api}, health, "/api/"},
	} {
		r := served(t, c.routes...).Match(http.MethodPost, c.path, nil)
		if got := r; got == nil && c.want != "" || got != nil && got.Declared.Path != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

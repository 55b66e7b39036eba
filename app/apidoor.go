package app

import (
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/handler/rpc"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// apiDoor is what a route with `to: api` leads to: REST's door and that of calls, over the same records. Calls come below the
// mount too, and by the routes that the gate derives for services.
type apiDoor struct {
	mount     string
	core      *handler.Core
	origins   []string
	rest      *rest.Door
	documents *rest.Documents // what REST's door says of them all; filled by describe
	calls     *rpc.Door       // opened when the store has given the fields their numbers, before the house is in force
}

// ServeHTTP chooses the door by the path.
func (d *apiDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isCall(d.mount, r.URL.Path) {
		d.calls.ServeHTTP(w, r)
		return
	}
	d.rest.ServeHTTP(w, r)
}

// isCall tells the path of a call, /gallery.v1.Photos/Get, from those of REST: no name of a collection has a dot.
func isCall(mount, path string) bool {
	rest, below := strings.CutPrefix(path, mount)
	if !below {
		rest = strings.TrimPrefix(path, "/")
	}
	service, _, deeper := strings.Cut(rest, "/")
	return deeper && strings.Contains(service, ".")
}

// openCalls opens the doors of calls of a house whose schema has its numbers. rules says that whoever asks what is served may
// read the rules of access, too.
func (h *house) openCalls(b *base, rules bool) (err error) {
	if h.described, err = protobuf.Build(h.schema.Schema, protobuf.Options{Rules: rules}); err != nil {
		return err
	}
	for _, d := range h.mounts {
		if d.calls, err = rpc.New(d.core, h.described, rpc.Options{Mount: d.mount, Origins: d.origins, Hub: b.live, Health: b.health}); err != nil {
			return err
		}
	}
	return nil
}

// services are the names of all services that calls may be of, for the gate's routes.
func (h *house) services() []string {
	return append(protobuf.ServiceNames(h.schema.Schema), rpc.StandardServices()...)
}

package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// compressMinBytes is the size from which messages are compressed, for those who take that.
const compressMinBytes = 2 << 10

// services is all that the door serves, in the order of the .proto file. Each has a file of its own here.
func (d *Door) services() []service {
	var all []service
	for _, c := range d.core.Schema().Collections {
		all = append(all, service{protobuf.ServiceName(c), append(d.records(c), d.watch(c))})
	}
	all = append(all, service{"Batch", d.batchMethods()})
	if d.core.Identity().Users() != nil {
		all = append(all, service{"Auth", d.authMethods()})
	}
	if len(d.core.Schema().Notices) > 0 {
		all = append(all, service{"Inbox", d.inboxMethods()})
	}
	return append(all, service{"Live", d.liveMethods()})
}

// serveAll makes the handlers of all methods. What stands in the descriptors is served, and nothing else.
func (d *Door) serveAll() error {
	for _, s := range d.services() {
		name := protoreflect.FullName(d.api.Package + "." + s.name)
		if err := d.serveService(name, s.methods); err != nil {
			return err
		}
	}
	if err := d.serveService(protobuf.HealthService, d.healthMethods()); err != nil {
		return err
	}
	d.serveReflection()
	return nil
}

func (d *Door) serveService(name protoreflect.FullName, methods []method) error {
	found, err := d.api.Files().FindDescriptorByName(name)
	if err != nil {
		return fmt.Errorf("rpc: %s: %w", name, err)
	}
	described, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return fmt.Errorf("rpc: %s is no service", name)
	}
	for i := range methods {
		m := described.Methods().ByName(protoreflect.Name(methods[i].name))
		if m == nil {
			return fmt.Errorf("rpc: %s has no method %s", name, methods[i].name)
		}
		if err := d.serveMethod(m, &methods[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Door) serveMethod(described protoreflect.MethodDescriptor, m *method) error {
	path := string(described.Parent().FullName()) + "/" + m.name
	e := &endpoint{method: m, route: "/" + path}
	options := append(d.codecs(),
		connect.WithSchema(described),
		connect.WithReadMaxBytes(int(messageMaxBytes+m.large)),
		unpacking(messageMaxBytes+m.large),
		connect.WithCompressMinBytes(compressMinBytes),
	)
	if quiet(described) != m.reads {
		return fmt.Errorf("rpc: %s: what it says of side effects is not so", path)
	}
	if m.reads {
		options = append(options, connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	switch {
	case described.IsStreamingServer() && m.stream != nil:
		e.handler = d.streamOf(e, described.IsStreamingClient(), options)
	case !described.IsStreamingServer() && m.unary != nil:
		e.handler = d.unaryOf(e, options)
	default:
		return fmt.Errorf("rpc: %s: it streams, or it does not", path)
	}
	d.methods[path] = e
	return nil
}

// packer is how messages may be packed.
const packer = "gzip"

// unpacking takes messages packed by gzip. connect's own would unpack to the end what is too large: a megabyte of it is a
// gigabyte of zeros.
func unpacking(most int64) connect.HandlerOption {
	return connect.WithCompression(packer, func() connect.Decompressor { return &gunzip{most: most} }, newGzip)
}

// newGzip prefers speed: most of what a schema repeats is found at once.
func newGzip() connect.Compressor {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		return gzip.NewWriter(io.Discard)
	}
	return w
}

// quiet reports whether a method's descriptor says that it changes nothing.
func quiet(m protoreflect.MethodDescriptor) bool {
	o, ok := m.Options().(*descriptorpb.MethodOptions)
	return ok && o.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}

// find returns the method of a path: below the site's root, or below the API's mount.
func (d *Door) find(path string) (*endpoint, error) {
	rest, ok := strings.CutPrefix(path, d.mount)
	if !ok {
		rest = strings.TrimPrefix(path, "/")
	}
	if e := d.methods[rest]; e != nil {
		return e, nil
	}
	return nil, d.unknown(rest)
}

// unknown says what is not there, and what is near it.
func (d *Door) unknown(path string) error {
	service, name, ok := strings.Cut(path, "/")
	var services, methods []string
	for known := range d.methods {
		s, m, _ := strings.Cut(known, "/")
		if s == service {
			methods = append(methods, m)
		}
		if !slices.Contains(services, s) {
			services = append(services, s)
		}
	}
	slices.Sort(services)
	slices.Sort(methods)
	text, asked, names := "there is no service %q", service, services
	if len(methods) > 0 {
		text, asked, names = "the service "+service+" has no method %q", name, methods
	}
	hint := "; there are " + strings.Join(names, ", ")
	if n := nearest.Of(cut(asked, 64), names); n != "" {
		hint = "; did you mean " + n + "?"
	}
	if !ok {
		hint += " A path is /SERVICE/METHOD."
	}
	e := roundtrip.E(roundtrip.Unsupported, "route.no_path", text+"%s", cut(asked, 64), hint)
	e.Status = http.StatusNotFound
	return e
}

// cut shortens what a client sent, for a message.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// speaks refuses what is no call of the method: a browser that looks, a form, a GET of what writes. HTTP has words for it.
func (c *call) speaks() error {
	m, r := c.method, c.request
	switch {
	case m.both && (r.ProtoMajor < 2 || c.protocol == grpcWeb):
		return oneWay()
	case c.protocol == noProtocol && (r.Method == http.MethodPost || m.reads && r.Method == http.MethodGet && m.unary != nil):
		c.header["Accept-Post"] = []string{"application/json, application/proto, application/grpc, application/grpc-web"}
		return mediaType("this is a method of gRPC and Connect; " + c.howTo())
	case r.Method != http.MethodPost && (c.protocol == noProtocol || !m.reads || m.unary == nil):
		e := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here; %s", cut(r.Method, 20), c.howTo())
		e.Allow = http.MethodPost
		if m.reads && m.unary != nil {
			e.Allow = "GET, POST"
		}
		c.protocol = noProtocol
		return e
	case c.protocol == connectUnary && m.unary == nil:
		c.protocol = noProtocol
		return mediaType("the answer of this method is a stream; " + c.howTo())
	case c.protocol == connectStream && m.unary != nil:
		return mediaType("the answer of this method is one message; " + c.howTo())
	}
	if r.Method == http.MethodGet {
		err := checkQuery(r.URL.RawQuery)
		if e, ok := errors.AsType[*roundtrip.Error](err); ok && e.Kind == roundtrip.Unsupported {
			c.protocol = noProtocol // it is no call of Connect, and has a status of HTTP
		}
		return err
	}
	return nil
}

// howTo says how a method is called.
func (c *call) howTo() string {
	if c.method.unary == nil {
		return "POST application/grpc, application/grpc-web or application/connect+json, best with a client: docs/grpc.md"
	}
	how := "POST a message as application/json or application/proto"
	if c.method.reads {
		how += ", or GET it with ?connect=v1&encoding=json&message={…}"
	}
	return how
}

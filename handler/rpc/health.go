package rpc

import (
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// The statuses of grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
const (
	serving        byte = 1
	notServing     byte = 2
	serviceUnknown byte = 3
)

// Health is how the server is: which services it has, and whether it takes calls. It outlives doors, so that those who watch
// it hear of a new declaration. Its methods may be called by many goroutines.
type Health struct {
	mu       sync.Mutex
	services []string      // guarded by mu, like all of it
	stopping bool          //
	changed  chan struct{} // closed at the next change
}

// NewHealth makes the health of a server that has no services yet.
func NewHealth() *Health { return &Health{changed: make(chan struct{})} }

// Enter says which services there are from now on, by their full names.
func (h *Health) Enter(services []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.services = services
	h.tell()
}

// Stop says that the server takes no new calls, and ends the streams of those who watch.
func (h *Health) Stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
	h.tell()
}

func (h *Health) tell() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// of returns the status of a service, "" for the server, whether the server stops, and what is closed when that changes.
func (h *Health) of(service string) (status byte, stopping bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	status = serving
	switch {
	case service != "" && !slices.Contains(h.services, service):
		status = serviceUnknown
	case h.stopping:
		status = notServing
	}
	return status, h.stopping, h.changed
}

func (d *Door) healthMethods() []method {
	return []method{
		{name: "Check", unary: d.checkHealth},
		{name: "Watch", stream: d.watchHealth},
	}
}

func (d *Door) checkHealth(_ context.Context, c *call) error {
	service, err := c.healthOf(c.in)
	if err != nil {
		return err
	}
	status, _, _ := d.health.of(service)
	if status == serviceUnknown {
		return roundtrip.E(roundtrip.Missing, "route.no_path", "there is no service %q", cut(service, 64))
	}
	c.out = healthMessage(c.format, status)
	return nil
}

// watchHealth sends the status of a service, and again when it is another.
func (d *Door) watchHealth(ctx context.Context, c *call, s stream) error {
	in, err := s.Receive()
	if err != nil {
		return err
	}
	service, err := c.healthOf(in)
	if err != nil {
		return err
	}
	for last := byte(0); ; {
		status, stopping, changed := d.health.of(service)
		if status != last {
			if err := s.Send(healthMessage(c.format, status)); err != nil {
				return err
			}
			last = status
		}
		if stopping {
			return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server is stopping; connect again in a moment")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// healthOf reads a HealthCheckRequest.
func (c *call) healthOf(in []byte) (service string, err error) {
	found, err := c.door.api.Files().FindDescriptorByName("grpc.health.v1.HealthCheckRequest")
	if err != nil {
		return "", roundtrip.Wrap("rpc.health", err)
	}
	described, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return "", roundtrip.Wrap("rpc.health", errors.New("no message"))
	}
	m := dynamicpb.NewMessage(described)
	if c.format == wire.JSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(in, m)
	} else {
		err = proto.Unmarshal(in, m)
	}
	if err != nil {
		e := roundtrip.E(roundtrip.Invalid, "request.malformed", "the message is no good HealthCheckRequest")
		e.Op, e.Err = "rpc.health", err
		return "", e
	}
	return m.Get(described.Fields().ByName("service")).String(), nil
}

// healthMessage is a HealthCheckResponse.
func healthMessage(f wire.Format, status byte) []byte {
	if f == wire.JSON {
		names := [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
		return []byte(`{"status":"` + names[status] + `"}`)
	}
	return []byte{1 << 3, status}
}

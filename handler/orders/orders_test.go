package orders_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/handler/orders"
)

// A client may say a hundred things at once, and then twenty a second.
func TestMeter(t *testing.T) {
	t.Parallel()
	var m orders.Meter
	now := time.Unix(1_800_000_000, 0)
	for i := range 100 {
		if !m.Allow(now) {
			t.Fatalf("message %d of a hundred at once is refused", i+1)
		}
	}
	if m.Allow(now) {
		t.Fatal("a hundred and one at once are allowed")
	}
	now = now.Add(time.Second)
	for i := range 20 {
		if !m.Allow(now) {
			t.Fatalf("message %d of the next second is refused", i+1)
		}
	}
	if m.Allow(now) {
		t.Fatal("21 in the next second are allowed")
	}
}

func TestOrder_Check(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order orders.Order
		want  string
	}{
		"nothing to do":          {orders.Order{ID: "1"}, "a message has auth, subscribe, unsubscribe, ack, send or ping"},
		"no topic":               {orders.Order{Verb: orders.Subscribe}, "subscribe is a text, and not empty"},
		"a cursor of another":    {orders.Order{Verb: orders.Ack, Text: "e-1", Cursor: "e-1"}, "cursor belongs to subscribe"},
		"nothing to send":        {orders.Order{Verb: orders.Send, Text: "channel/lobby/a"}, "send and data belong together"},
		"data of another":        {orders.Order{Verb: orders.Ping, Data: []byte("1")}, "send and data belong together"},
		"a ping":                 {orders.Order{Verb: orders.Ping}, ""},
		"a topic with a cursor":  {orders.Order{Verb: orders.Subscribe, Text: "photos", Cursor: "e-1"}, ""},
		"something for a lobby":  {orders.Order{Verb: orders.Send, Text: "channel/lobby/a", Data: []byte("null")}, ""},
		"the token of a session": {orders.Order{Verb: orders.Auth, Text: "rt_s_x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := c.order.Check(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("Check() = %q, want %q", got, c.want)
			}
		})
	}
}

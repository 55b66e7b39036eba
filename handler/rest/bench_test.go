package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// memory is a store that has one row, so that a benchmark shows the door and the corridor alone.
type memory struct {
	row  roundtrip.Row
	rows int
}

func (m *memory) View(_ context.Context, fn func(store.View) error) error { return fn(m) }

func (m *memory) Write(context.Context, *policy.Permit) (*store.Result, error) {
	return &store.Result{}, nil
}

func (m *memory) Get(_ *policy.Permit, fn func(roundtrip.Row) error) error { return fn(m.row) }

func (m *memory) Load(_ *policy.Permit, _ []roundtrip.ID, fn func(roundtrip.Row) error) error {
	return fn(m.row)
}

func (m *memory) List(_ *policy.Permit, fn func(roundtrip.Row) error) (store.Page, error) {
	for range m.rows {
		if err := fn(m.row); err != nil {
			return store.Page{}, err
		}
	}
	return store.Page{Total: -1}, nil
}

func (m *memory) Aggregate(*policy.Permit, func(roundtrip.Row) error) error { return nil }

func (m *memory) Position() (int64, error) { return 0, nil }

func (m *memory) Changes(int64, int) ([]roundtrip.Change, error) { return nil, nil }

// sink is an http.ResponseWriter that keeps nothing; its header map is used again, as no real one is.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// photoRow is a photo as the store gives it.
func photoRow(h *house) rowOf {
	c := h.schema.Lookup("photos")
	r := roundtrip.NewRecord(c)
	at := roundtrip.Time(time.Date(2026, 11, 22, 19, 3, 31, 114000000, time.UTC))
	r.Put(roundtrip.FieldID, roundtrip.Ref(someID))
	r.Put(roundtrip.FieldCreateTime, at)
	r.Put(roundtrip.FieldUpdateTime, at)
	r.Put(roundtrip.FieldETag, roundtrip.Int(7))
	r.PutName("author", roundtrip.Ref(someID))
	r.PutName("image", roundtrip.JSON(`{"id":"sn6mkpjxk6zywn46p9e28skkpx","name":"a.png","type":"image/png","size":123456,"width":1600,"height":1200}`))
	r.PutName("caption", roundtrip.Text("the sea at six, before the rain, and nobody there but two gulls"))
	r.PutName("private", roundtrip.Bool(false))
	r.PutName("likes", roundtrip.Int(12))
	row := rowOf{Record: r}
	for i := range c.Fields {
		row.bytes = append(row.bytes, []byte(r.Values[i].Text()))
	}
	return row
}

// benchDoor measures one request to the door. With memory the store costs nothing.
func benchDoor(b *testing.B, h *house, door http.Handler, token, path string) {
	b.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	ctx := r.Context()
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	start := cpuTime(b)
	defer func() { b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op") }() // steadier than the clock on a busy machine
	for b.Loop() {
		clear(w.header)
		j := h.journeys.Begin(trace.Request)
		door.ServeHTTP(w, r.WithContext(trace.With(ctx, j))) // two allocations that are the gate's: the context, the request
		h.journeys.End(j)
	}
}

// cpuTime is the processor time of the whole process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func memoryDoor(b *testing.B, h *house, rows int) http.Handler {
	b.Helper()
	core, err := handler.New(handler.Options{
		Schema: h.schema, Policy: h.policy, Store: &memory{row: photoRow(h), rows: rows}, Identity: h.identity, IDs: h.ids, Now: time.Now,
	})
	must(b, err)
	door, err := rest.New(core, "/api/", rest.Options{})
	must(b, err)
	return door
}

func BenchmarkGet_Memory(b *testing.B) {
	h := openHouse(b)
	benchDoor(b, h, memoryDoor(b, h, 1), h.person("ana").token, "/api/photos/"+someID.String())
}

func BenchmarkList20_Memory(b *testing.B) {
	h := openHouse(b)
	benchDoor(b, h, memoryDoor(b, h, 20), h.person("ana").token, "/api/photos?page_size=20&order_by=create_time%20desc")
}

func BenchmarkList20Expand_Memory(b *testing.B) {
	h := openHouse(b)
	benchDoor(b, h, memoryDoor(b, h, 20), h.person("ana").token, "/api/photos?page_size=20&order_by=create_time%20desc&expand=author")
}

func BenchmarkGet_SQLite(b *testing.B) {
	h := openHouse(b)
	ana := h.person("ana")
	benchDoor(b, h, h.door, ana.token, "/api/photos/"+ana.photo(`{"caption":"the sea at six, before the rain, and nobody there but two gulls"}`))
}

func BenchmarkList20_SQLite(b *testing.B) {
	h := openHouse(b)
	ana := h.person("ana")
	for range 30 {
		ana.photo(`{"caption":"the sea at six, before the rain, and nobody there but two gulls"}`)
	}
	benchDoor(b, h, h.door, ana.token, "/api/photos?page_size=20&order_by=create_time%20desc")
}

func BenchmarkDecode(b *testing.B) {
	h := openHouse(b)
	c := h.schema.Lookup("photos")
	body := []byte(`{"caption":"the sea at six, before the rain, and nobody there but two gulls","private":false,"author":"` + someID.String() + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: c}
		must(b, rest.DecodeRecord(call, body))
	}
}

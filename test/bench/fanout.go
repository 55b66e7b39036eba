package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// door is one way to listen to one server's photos.
type door struct {
	name   string
	server *server
	stream stream
	topic  string
}

// doors returns what is compared: both of ours, and the peer's.
func doors(peer, ours *server) []door {
	return []door{
		{"PocketBase, SSE", peer, peerEvents{}, "photos/*"},
		{"Roundtrip, WebSocket", ours, webSocket{}, "photos?page_size=1"},
		{"Roundtrip, SSE", ours, events{}, "photos?page_size=1"},
	}
}

// fanout is what one message to many listeners cost.
type fanout struct {
	door      string
	listeners int
	rate      int // messages a second
	sent, got int
	cpu       time.Duration   // of the server
	latency   []time.Duration // from when a message was due to be sent to when a listener had it, sorted
	answers   []time.Duration // of the writes, from when they were due, sorted
}

func (f *fanout) perDelivery() time.Duration { return f.cpu / time.Duration(max(f.got, 1)) }

// stamp is what a message of the benchmark carries in its caption: the time at which it was due, in nanoseconds.
const stamp = "due="

// runFanout sends messages at a fixed rate, whatever becomes of the ones before, and waits until every listener has had each
// of them. What is slow makes the ones behind it late, and that counts.
func runFanout(ctx context.Context, d door, listeners, rate int, length time.Duration) (*fanout, error) {
	f := &fanout{door: d.name, listeners: listeners, rate: rate}
	want := int(length.Seconds()*float64(rate)) * max(listeners, 1)
	perListener := make([][]time.Duration, listeners)
	var got atomic.Int64
	all := make(chan struct{})
	crowd, err := listen(ctx, d.server, d.stream, listeners, func(int) (string, string) { return d.topic, "" },
		func(i int, payload []byte, at time.Time) {
			for rest := payload; ; {
				n := bytes.Index(rest, []byte(stamp))
				if n < 0 {
					return
				}
				rest = rest[n+len(stamp):]
				due, err := strconv.ParseInt(string(rest[:19]), 10, 64)
				if err != nil {
					continue
				}
				perListener[i] = append(perListener[i], at.Sub(time.Unix(0, due)))
				if got.Add(1) == int64(want) {
					close(all)
				}
			}
		})
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	before, err := d.server.cpu()
	if err != nil {
		return nil, err
	}
	f.answers, err = sendAt(ctx, rate, length, 16, func(due time.Time) request {
		return post(d.server.host, d.server.create, fmt.Appendf(nil, `{"author":%q,"caption":"%s%019d"}`, d.server.people[0], stamp, due.UnixNano()))
	}, d.server.addr)
	if err != nil {
		return nil, err
	}
	f.sent = len(f.answers)
	if listeners > 0 {
		select {
		case <-all:
		case <-time.After(20 * time.Second):
			return nil, errors.Join(fmt.Errorf("%s: of %d deliveries %d came", d.name, want, got.Load()), crowd.err())
		}
	}
	after, err := d.server.cpu()
	if err != nil {
		return nil, err
	}
	f.cpu, f.got = after-before, int(got.Load())
	crowd.close()
	for _, l := range perListener {
		f.latency = append(f.latency, l...)
	}
	slices.Sort(f.latency)
	return f, nil
}

// sendAt sends requests at a fixed rate from a number of connections, each as soon as it is due and a connection is free,
// and returns how long after they were due they were answered, sorted.
func sendAt(ctx context.Context, rate int, length time.Duration, clients int, form func(due time.Time) request, addr string) ([]time.Duration, error) {
	jobs := make(chan time.Time, rate*int(length/time.Second+1))
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var group sync.WaitGroup
	for range clients {
		w, err := newWorker(ctx, addr)
		if err != nil {
			return nil, err
		}
		group.Go(func() {
			defer func() { _ = w.conn.Close() }()
			for due := range jobs {
				status, answer, err := w.ask(form(due))
				if err == nil && status != 200 && status != 201 {
					err = fmt.Errorf("a write was answered with %d: %.300s", status, answer)
				}
				mu.Lock()
				times = append(times, time.Since(due))
				failed = errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	start := time.Now()
	step := time.Second / time.Duration(rate)
	for i := range int(length.Seconds() * float64(rate)) {
		due := start.Add(time.Duration(i) * step)
		time.Sleep(time.Until(due)) // the schedule of the load
		jobs <- due
	}
	close(jobs)
	group.Wait()
	slices.Sort(times)
	return times, failed
}

// restTime is how long a server has to come to rest after a crowd has come or gone.
const restTime = 12 * time.Second

// idle is what listeners that hear nothing cost.
type idle struct {
	door string
	each int64 // bytes of resident memory
	at   int   // listeners
	left int64 // bytes a listener that were not given back a while after all had left
}

// runIdle opens listeners and looks at the server's memory before, with and after them.
func runIdle(ctx context.Context, d door, listeners int) (*idle, error) {
	before, err := d.server.resident()
	if err != nil {
		return nil, err
	}
	crowd, err := listen(ctx, d.server, d.stream, listeners, func(int) (string, string) { return d.topic, "" }, func(int, []byte, time.Time) {})
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	rest := func() (int64, error) {
		select { // Go gives memory back in the background
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(restTime):
		}
		return d.server.resident()
	}
	with, err := rest()
	if err != nil {
		return nil, err
	}
	if err := crowd.err(); err != nil {
		return nil, err
	}
	crowd.close()
	after, err := rest()
	if err != nil {
		return nil, err
	}
	n := int64(listeners)
	return &idle{door: d.name, at: listeners, each: (with - before) / n, left: (after - before) / n}, nil
}

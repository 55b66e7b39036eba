package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// request is one whole HTTP/1.1 request, ready to be written.
type request []byte

// get forms a GET request.
func get(host, target string) request {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host)
}

// post forms a POST request with a JSON body.
func post(host, target string, body []byte) request {
	r := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		target, host, len(body))
	return append(r, body...)
}

// result is what one run of load saw.
type result struct {
	requests int
	elapsed  time.Duration
	cpu      time.Duration   // of the server's process, user and system
	latency  []time.Duration // of each request, sorted
}

// perSecond returns requests per second.
func (r *result) perSecond() float64 { return float64(r.requests) / r.elapsed.Seconds() }

// perCPU returns the server's CPU time for one request.
func (r *result) perCPU() time.Duration { return r.cpu / time.Duration(max(r.requests, 1)) }

// quantile returns the latency below which the share q of the requests stayed.
func (r *result) quantile(q float64) time.Duration {
	if len(r.latency) == 0 {
		return 0
	}
	return r.latency[min(int(q*float64(len(r.latency))), len(r.latency)-1)]
}

// join puts several runs of the same measure together.
func join(runs []*result) *result {
	all := &result{}
	for _, r := range runs {
		all.requests += r.requests
		all.elapsed += r.elapsed
		all.cpu += r.cpu
		all.latency = append(all.latency, r.latency...)
	}
	slices.Sort(all.latency)
	return all
}

// load sends the requests over and over from that many clients, each with one connection and one request under way, for
// that long. Any answer other than 200 or 201 ends it with an error that shows the answer.
func load(ctx context.Context, addr string, requests []request, clients int, length time.Duration) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	workers := make([]worker, clients)
	for i := range workers {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }()
		deadline, _ := ctx.Deadline()
		if err := c.SetDeadline(deadline); err != nil {
			return nil, err
		}
		workers[i] = worker{conn: c, in: bufio.NewReaderSize(c, 16<<10), requests: requests, next: i * len(requests) / clients}
	}
	start := time.Now()
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { errs[i] = workers[i].run(start.Add(length)) })
	}
	wg.Wait()
	r := &result{elapsed: time.Since(start)}
	for i := range workers {
		r.requests += len(workers[i].latency)
		r.latency = append(r.latency, workers[i].latency...)
	}
	slices.Sort(r.latency)
	return r, errors.Join(errs...)
}

// worker is one client: one connection, one request at a time.
type worker struct {
	conn     net.Conn
	in       *bufio.Reader
	requests []request
	next     int
	latency  []time.Duration
}

func (w *worker) run(end time.Time) error {
	w.latency = make([]time.Duration, 0, 1<<14)
	for now := time.Now(); now.Before(end); {
		if _, err := w.conn.Write(w.requests[w.next%len(w.requests)]); err != nil {
			return err
		}
		w.next++
		status, _, err := readAnswer(w.in, nil)
		if err != nil {
			return err
		}
		if status != 200 && status != 201 {
			return fmt.Errorf("%.200q was answered with %d", w.requests[(w.next-1)%len(w.requests)], status)
		}
		done := time.Now()
		w.latency = append(w.latency, done.Sub(now))
		now = done
	}
	return nil
}

// newWorker connects one client.
func newWorker(ctx context.Context, addr string) (*worker, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &worker{conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// ask sends one request on the worker's connection and returns the answer.
func (w *worker) ask(r request) (status int, body []byte, err error) {
	if _, err := w.conn.Write(r); err != nil {
		return 0, nil, err
	}
	return readAnswer(w.in, []byte{})
}

// readAnswer reads one answer as far as it must be understood to find its end (RFC 9112 section 6.3: chunked, or
// Content-Length). The body is appended to keep unless that is nil.
func readAnswer(in *bufio.Reader, keep []byte) (status int, body []byte, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	length, chunked := 0, false
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		switch {
		case hasFold(line, "content-length: "):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[16:]))); err != nil {
				return 0, nil, err
			}
		case hasFold(line, "transfer-encoding: chunked"):
			chunked = true
		}
	}
	if !chunked {
		body, err = readBytes(in, keep, length)
		return status, body, err
	}
	for body = keep; ; {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return 0, nil, err
		}
		if body, err = readBytes(in, body, int(size)); err != nil {
			return 0, nil, err
		}
		if _, err = in.Discard(2); err != nil || size == 0 {
			return status, body, err
		}
	}
}

// readBytes takes n bytes from in and appends them to keep unless that is nil.
func readBytes(in *bufio.Reader, keep []byte, n int) ([]byte, error) {
	if keep == nil {
		_, err := in.Discard(n)
		return nil, err
	}
	start := len(keep)
	keep = append(keep, make([]byte, n)...)
	_, err := io.ReadFull(in, keep[start:])
	return keep, err
}

func hasFold(line []byte, prefix string) bool {
	return len(line) >= len(prefix) && bytes.EqualFold(line[:len(prefix)], []byte(prefix))
}

// ask sends one request on a connection of its own and returns the answer.
func ask(ctx context.Context, addr string, r request) (status int, body []byte, err error) {
	w, err := newWorker(ctx, addr)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = w.conn.Close() }()
	if err := w.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, nil, err
	}
	return w.ask(r)
}

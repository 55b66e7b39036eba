package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoad_CountsWhatTheServerAnswered(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if r.URL.Path == "/long" {
			for range 3 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 3000))
				w.(http.Flusher).Flush() // three chunks
			}
			return
		}
		_, _ = w.Write([]byte("short"))
	}))
	defer s.Close()
	addr := s.Listener.Addr().String()
	r, err := load(context.Background(), addr, []request{get("h", "/short"), get("h", "/long")}, 3, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if int64(r.requests) != served.Load() || len(r.latency) != r.requests || r.requests == 0 {
		t.Errorf("counted %d, served %d, timed %d", r.requests, served.Load(), len(r.latency))
	}
	if r.quantile(0.5) > r.quantile(0.99) || r.quantile(1) != r.latency[len(r.latency)-1] {
		t.Errorf("quantiles are out of order: %v, %v, %v", r.quantile(0.5), r.quantile(0.99), r.quantile(1))
	}
}

func TestLoad_SaysWhichRequestWasRefused(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := load(context.Background(), s.Listener.Addr().String(), []request{get("h", "/gone")}, 1, time.Second)
	if err == nil || !strings.Contains(err.Error(), "/gone") || !strings.Contains(err.Error(), "404") {
		t.Errorf("error: %v", err)
	}
}

func TestAsk_ReturnsTheBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(bytes.Repeat(b.Bytes(), 1000)) // too long for net/http to count: chunked
	}))
	defer s.Close()
	status, body, err := ask(context.Background(), s.Listener.Addr().String(), post("h", "/", []byte("abcdef")))
	if err != nil || status != 201 || string(body) != strings.Repeat("abcdef", 1000) {
		t.Errorf("status %d, %d bytes, %v", status, len(body), err)
	}
}

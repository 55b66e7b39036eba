package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// watchers are the operators who follow the newest journeys.
type watchers struct {
	all    sync.WaitGroup
	cancel []context.CancelFunc
	mu     sync.Mutex // guards seen
	seen   int
}

func (w *watchers) events() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *watchers) stop() {
	for _, cancel := range w.cancel {
		cancel()
	}
	w.all.Wait()
}

var claimLink = regexp.MustCompile(`#claim=([A-Za-z0-9_.~-]+)`)

// firstLink returns the link that makes the first operator; the server writes it just after its first answer.
func firstLink(ctx context.Context, s *server) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		text, err := os.ReadFile(s.log)
		if err != nil {
			return "", err
		}
		if link := claimLink.FindSubmatch(text); link != nil {
			return string(link[1]), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
	}
	return "", fmt.Errorf("%s wrote no link for its first operator", s.name)
}

// watch signs an operator in by the link in the server's log, and lets n of them look.
func (w *watchers) watch(ctx context.Context, s *server, desk string, n int) error {
	link, err := firstLink(ctx, s)
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	who, err := json.Marshal(map[string]string{"token": link, "name": "bench", "password": "seven slow journeys over the hill"})
	if err != nil {
		return err
	}
	answer, err := postJSON(ctx, client, "http://"+desk+"/api/claim", who)
	if err != nil {
		return fmt.Errorf("%s: sign in: %w: %.300s", s.name, err, answer)
	}
	ctx, cancel := context.WithCancel(ctx)
	w.cancel = append(w.cancel, cancel)
	for range n {
		w.all.Go(func() { w.look(ctx, client, "http://"+desk+"/api/journeys/live") })
	}
	return nil
}

// look follows the live list, as a page that is open does, and comes back where it was cut off.
func (w *watchers) look(ctx context.Context, client *http.Client, url string) {
	for ctx.Err() == nil {
		if w.follow(ctx, client, url) != nil {
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // nothing seen in the end is told
			}
		}
	}
}

func (w *watchers) follow(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	lines := bufio.NewReaderSize(answer.Body, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if bytes.HasPrefix(line, []byte("event: journey")) {
			w.mu.Lock()
			w.seen++
			w.mu.Unlock()
		}
	}
}

// postJSON posts JSON and returns the answer, whose status must be a good one.
func postJSON(ctx context.Context, client *http.Client, url string, body []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	return answered(client, req)
}

// answered returns the text of an answer, whose status must be a good one.
func answered(client *http.Client, req *http.Request) (string, error) {
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode/100 != 2 {
		err = errors.New(answer.Status)
	}
	return strings.TrimSpace(string(text)), err
}

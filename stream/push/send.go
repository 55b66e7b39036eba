package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/publicnet"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// message is what a page's service worker gets.
type message struct {
	Title      string `json:"title"`
	Body       string `json:"body"`
	Tag        string `json:"tag"` // the notification's id: a newer one replaces an older one on the screen
	Kind       string `json:"kind"`
	Group      string `json:"group,omitempty"`
	Collection string `json:"collection,omitempty"`
	Record     string `json:"record,omitempty"`
}

// bodyMax is how many characters of a notification's text are sent.
const bodyMax = 300

// tell pushes one notification to all browsers of its account, if there is still something to tell.
func (s *Sender) tell(ctx context.Context, job store.Job) courier.Outcome {
	account, note, ok, err := courier.LoadNote(ctx, s.o.Notes, job, roundtrip.ChannelPush, s.o.Now().Add(-life-s.o.Grace))
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: roundtrip.AsError(err).Reason}
	}
	switch {
	case !ok:
		return s.done(job, courier.Outcome{Skipped: true, Why: courier.NothingToTell})
	case s.o.Acked != nil && s.o.Acked(account) >= note.Position:
		return s.done(job, courier.Outcome{Skipped: true, Why: "a page has shown it"})
	}
	subs, err := s.o.Subscriptions.Pushes(ctx, account)
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: roundtrip.AsError(err).Reason}
	}
	if len(subs) == 0 {
		return s.done(job, courier.Outcome{Skipped: true, Why: "the account has no browser that takes pushes"})
	}
	text, err := s.message(note)
	if err != nil {
		return courier.Outcome{Over: true, Why: err.Error()}
	}
	if failed := s.sendAll(ctx, job, subs, note.ID, text); failed.Why != "" {
		return failed
	}
	return s.done(job, courier.Outcome{Evidence: trace.Reported})
}

// message writes what is sent. What a text holds may take six bytes a character in JSON: then less of it is sent.
func (s *Sender) message(note *courier.Note) ([]byte, error) {
	m := message{Title: s.o.Title, Tag: note.ID.String(), Kind: note.Kind, Group: note.Group, Collection: note.Collection, Record: note.Record.String()}
	for most := bodyMax; ; most /= 2 {
		m.Body = cut(note.Text, most)
		text, err := json.Marshal(m)
		if err != nil || len(text) <= messageBytes || most < 2 {
			return text, err
		}
	}
}

// sendAll posts a message to all browsers at once that have not got it yet. They may not take longer together than a claim
// lasts. Where some failed it says why, and when to try them again.
func (s *Sender) sendAll(ctx context.Context, job store.Job, subs []roundtrip.PushSubscription, note roundtrip.ID, text []byte) courier.Outcome {
	outcomes := make([]courier.Outcome, len(subs))
	var all sync.WaitGroup
	for i, sub := range subs {
		if s.has(job, sub) {
			continue
		}
		all.Go(func() {
			began := trace.From(ctx).Elapsed()
			if outcomes[i] = s.send(ctx, sub, note, text); outcomes[i].Done {
				s.note(job, sub)
			}
			record(trace.From(ctx), sub, outcomes[i], began)
		})
	}
	all.Wait()
	var failed courier.Outcome
	for _, got := range outcomes {
		if !got.Done && got.Why != "" {
			failed.Reason, failed.Status, failed.Evidence = got.Reason, got.Status, got.Evidence
			failed.Why, failed.Retry = got.Why, max(failed.Retry, got.Retry)
		}
	}
	return failed
}

// record notes in the journey what came of the message to one browser. Of its endpoint, which is a secret, it has the host.
func record(j *trace.Journey, sub roundtrip.PushSubscription, got courier.Outcome, began time.Duration) {
	if j == nil {
		return
	}
	h := trace.Hop{
		Layer: trace.WebPush, Verdict: trace.OK, Evidence: got.Evidence, Name: "browser", Note: got.Why, N: [2]int64{int64(got.Status)},
		Start: int64(began), Took: int64(j.Elapsed() - began),
	}
	if u, err := url.Parse(sub.Endpoint); err == nil && !strings.HasPrefix(h.Note, u.Host) {
		h.Note = strings.TrimSuffix(u.Host+": "+h.Note, ": ")
	}
	if got.Reason != "" {
		h.Verdict, h.Reason = trace.Fail, trace.ReasonOf(got.Reason)
	}
	j.Add(h)
}

// cut bounds a text by characters.
func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// send posts a message to one browser. An outcome that is done is one after which that browser needs no other try.
func (s *Sender) send(ctx context.Context, sub roundtrip.PushSubscription, note roundtrip.ID, text []byte) courier.Outcome {
	req, err := s.request(ctx, sub, note, text)
	if err != nil {
		s.o.Log.Error("a push can't be made", "account", sub.Account.String(), "error", err)
		return courier.Outcome{Done: true, Why: "it can't be made: " + err.Error(), Reason: "app.internal"}
	}
	host := req.URL.Host
	if wait := s.hosts.wait(host, s.o.Now()); wait > 0 {
		return courier.Outcome{Why: host + ": failed lately, and is left alone for a while", Reason: "push.unreachable", Retry: wait}
	}
	resp, err := s.client.Do(req)
	s.hosts.note(host, err == nil && resp.StatusCode/100 != 5 || errors.Is(err, publicnet.ErrPrivate), s.o.Now())
	if errors.Is(err, publicnet.ErrPrivate) {
		s.o.Log.Warn("a push subscription leads to no public address and is dropped", "account", sub.Account.String(), "host", host)
		return s.forget(ctx, sub, courier.Outcome{Why: "leads to no public address, and is dropped", Reason: "push.private_address"})
	}
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the endpoint, which is a secret
		}
		return courier.Outcome{Why: host + ": " + err.Error(), Reason: "push.unreachable"}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 16<<10)) // so that the connection can be used again
	return s.answered(ctx, sub, resp)
}

// answered judges what a push service answered.
func (s *Sender) answered(ctx context.Context, sub roundtrip.PushSubscription, resp *http.Response) courier.Outcome {
	host := resp.Request.URL.Host
	got := courier.Outcome{Status: resp.StatusCode, Evidence: trace.Reported, Why: host + ": " + resp.Status}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		got.Done = true
		return got
	case code == http.StatusNotFound, code == http.StatusGone:
		got.Reason = "push.subscription_gone"
		return s.forget(ctx, sub, got)
	case code == http.StatusTooManyRequests, code/100 == 5:
		if got.Reason = "push.failed"; code == http.StatusTooManyRequests {
			got.Reason = "push.rate_limited"
		}
		got.Retry = courier.RetryAfter(resp.Header.Get("Retry-After"), s.o.Now())
		return got
	case code == http.StatusRequestEntityTooLarge:
		got.Reason = "push.payload_too_large"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		got.Reason = "push.key_rejected"
	default:
		got.Reason = "push.refused"
	}
	s.o.Log.Error("a push service refused a message", "account", sub.Account.String(), "host", host, "status", resp.Status)
	got.Done = true // another try would be answered alike
	return got
}

// forget drops a subscription that leads nowhere, for the reason that got has.
func (s *Sender) forget(ctx context.Context, sub roundtrip.PushSubscription, got courier.Outcome) courier.Outcome {
	if err := s.o.Subscriptions.ForgetPush(ctx, sub); err != nil {
		return courier.Outcome{Why: fmt.Sprintf("a subscription that is gone can't be dropped: %v", err), Reason: roundtrip.AsError(err).Reason}
	}
	got.Done = true
	return got
}

func (s *Sender) request(ctx context.Context, sub roundtrip.PushSubscription, note roundtrip.ID, text []byte) (*http.Request, error) {
	own, salt, err := s.newKey()
	if err != nil {
		return nil, err
	}
	body, err := encrypt(text, sub.P256dh, sub.Auth, own, salt)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	authorization, err := s.vapid.authorization(sub.Endpoint, s.o.Now(), s.o.Rand)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Encoding", "aes128gcm")
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("TTL", strconv.Itoa(int(life/time.Second)))
	req.Header.Set("Urgency", "normal")
	req.Header.Set("Topic", note.String()) // a newer one replaces it while the browser is away (RFC 8030 section 5.4)
	return req, nil
}

// toldMax is of how many jobs it is known who has got them.
const toldMax = 10_000

// has reports whether a browser got the message of a job that failed for others. This is kept in memory alone: after a
// restart a browser may show it again, in the place of the same one.
func (s *Sender) has(job store.Job, sub roundtrip.PushSubscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, has := s.told[job.ID][sub.Endpoint]
	return has
}

func (s *Sender) note(job store.Job, sub roundtrip.PushSubscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) > toldMax { // of jobs that were given up long ago
		clear(s.told)
	}
	if s.told[job.ID] == nil {
		s.told[job.ID] = map[string]struct{}{}
	}
	s.told[job.ID][sub.Endpoint] = struct{}{}
}

// done ends a job.
func (s *Sender) done(job store.Job, got courier.Outcome) courier.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.told, job.ID)
	got.Done = true
	return got
}

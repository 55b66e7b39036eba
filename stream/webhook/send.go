package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// answerMaxBytes is how much of an answer is read: a connection whose answer is longer is not used again.
const answerMaxBytes = 16 << 10

// reasonMaxBytes is how much of an answer's body is kept as the reason of a failure.
const reasonMaxBytes = 200

// send posts a message.
func (l *line) send(ctx context.Context, job store.Job) courier.Outcome {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.hook.URL, strings.NewReader(job.Payload))
	if err != nil {
		return courier.Outcome{Why: err.Error(), Reason: "webhook.unreachable"}
	}
	id, at := MessageID(job), strconv.FormatInt(l.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Roundtrip-Webhook/1")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", Sign(l.hook.Key, id, at, job.Payload))
	if j := trace.From(ctx); j != nil {
		j.Method, j.Host = http.MethodPost, req.URL.Host
		req.Header.Set("Traceparent", string(trace.AppendParent(nil, j.ID, uint64(job.ID), true)))
	}
	resp, err := l.client.Do(req)
	if err != nil {
		why, reason := failure(err)
		return courier.Outcome{Why: why, Reason: reason}
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerMaxBytes)) // the status has said what counts
	got := courier.Outcome{Status: resp.StatusCode, Evidence: trace.Reported}
	switch resp.StatusCode / 100 {
	case 2:
		got.Done, got.Why = true, resp.Status
		return got
	case 3:
		got.Why, got.Reason = resp.Status+": redirects are not followed; correct the url", "webhook.refused"
		return got
	case 5:
		got.Reason = "webhook.failed"
	default:
		got.Reason = "webhook.refused"
	}
	got.Over, got.Why = resp.StatusCode == http.StatusGone, resp.Status+excerpt(body)
	got.Retry = courier.RetryAfter(resp.Header.Get("Retry-After"), l.now())
	return got
}

// failure is an error without what the operator knows already, and its reason.
func failure(err error) (why, reason string) {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return "no answer in time", "webhook.timeout"
		}
		err = e.Err
	}
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		return err.Error(), e.Reason // our own firewall
	}
	return err.Error(), "webhook.unreachable"
}

// excerpt is the start of an answer in one line, behind a colon.
func excerpt(body []byte) string {
	text := string(body[:min(len(body), reasonMaxBytes)])
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	if text = strings.Join(strings.Fields(text), " "); text == "" {
		return ""
	}
	return ": " + text
}

// MessageID names a message: the same one whenever it is sent, so that a receiver knows what it has already, and another
// one in a database that was restored and numbers its jobs again.
func MessageID(job store.Job) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", job.ID, job.Payload))
	return "msg_" + base64.RawURLEncoding.EncodeToString(sum[:18])
}

// Sign returns the value of webhook-signature: version 1, HMAC with SHA-256.
func Sign(key []byte, id, timestamp, body string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + timestamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

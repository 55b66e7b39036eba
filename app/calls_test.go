package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ask makes a call of Connect with JSON.
func ask(ctx context.Context, client *http.Client, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://notes.test/"+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// TestApp_ReloadsUnderCallsCutNone declares more and less again while calls and a stream run.
func TestApp_ReloadsUnderCallsCutNone(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	more := strings.Replace(declaration, "      text:  { type: text, max: 100 }\n", "      text:  { type: text, max: 100 }\n      mood:  { type: text }\n", 1)
	more = strings.Replace(more, "\nstore:", "\n  pets:\n    fields: { name: { type: text } }\n    rules: { read: 'true' }\nstore:", 1)

	watch := connect.NewClient[health.HealthCheckRequest, health.HealthCheckResponse](client, "https://notes.test"+health.Health_Watch_FullMethodName, connect.WithGRPC())
	stream, err := watch.CallServerStream(t.Context(), connect.NewRequest(&health.HealthCheckRequest{Service: "notes.v1.Pets"}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	next := func(want health.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if !stream.Receive() || stream.Msg().GetStatus() != want {
			t.Fatalf("the stream says %v, %v; want %v", stream.Msg(), stream.Err(), want)
		}
	}
	next(health.HealthCheckResponse_SERVICE_UNKNOWN)

	ctx, end := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			for ctx.Err() == nil {
				status, body, err := ask(t.Context(), client, "notes.v1.Notes/List", `{"page_size":1}`)
				if err != nil || status != http.StatusOK {
					t.Errorf("a call failed: %d %s %v", status, body, err)
					return
				}
			}
		})
	}
	file := filepath.Join(a.Folder(), "roundtrip.yaml")
	if err := os.WriteFile(file, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	next(health.HealthCheckResponse_SERVING)
	if status, body, err := ask(t.Context(), client, "notes.v1.Pets/List", `{}`); err != nil || status != http.StatusOK {
		t.Errorf("the new service: %d %s %v", status, body, err)
	}
	end()
	callers.Wait()

	reflection := grpcreflect.NewClient(client, "https://notes.test").NewStream(t.Context())
	for _, symbol := range []protoreflect.FullName{"notes.v1.Pets", "notes.v1.Note.mood"} {
		if _, err := reflection.FileContainingSymbol(symbol); err != nil {
			t.Errorf("reflection: %v", err)
		}
	}
	if _, err := reflection.Close(); err != nil {
		t.Error(err)
	}
}

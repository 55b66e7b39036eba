package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/grpcreflect"
)

func TestApp_CallsComeBelowTheMountAndBelowTheRoot(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	for path, want := range map[string]string{
		"/grpc.health.v1.Health/Check":     `{"status":"SERVING"}`,
		"/api/grpc.health.v1.Health/Check": `{"status":"SERVING"}`,
		"/api/notes.v1.Notez/Get":          "did you mean notes.v1.Notes?",
		"/api/openapi.jsonn/x":             "there is no service",
	} {
		req, err := http.NewRequest(http.MethodPost, "https://notes.test"+path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s, want %s", path, resp.StatusCode, body, want)
		}
	}
	stream := grpcreflect.NewClient(client, "https://notes.test").NewStream(t.Context())
	names, err := stream.ListServices()
	if err != nil || len(names) < 3 || names[0] != "notes.v1.People" {
		t.Errorf("reflection lists %v, %v", names, err)
	}
	if _, err := stream.Close(); err != nil {
		t.Error(err)
	}
}

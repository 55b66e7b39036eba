package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// The data that both sides hold.
const (
	people  = 200
	photos  = 20_000
	caption = "Late light over the harbour; we stayed until the last ferry had gone and the gulls were quiet."
)

// seedPeer lets the peer fill its folder, and keeps the ids that it printed.
func seedPeer(ctx context.Context, s *server) error {
	cmd := exec.CommandContext(ctx, s.binary, "seed", fmt.Sprint(people), fmt.Sprint(photos), caption,
		"--dev=false", "--dir="+filepath.Join(s.home(), "data"))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("seed the peer: %w\n%s", err, complaint.Bytes())
	}
	ids := strings.Fields(out.String())
	if len(ids) != people+photos {
		return fmt.Errorf("the peer made %d records, not %d", len(ids), people+photos)
	}
	s.people, s.photos = ids[:people], ids[people:]
	return nil
}

// op is one write of POST batch.
type op struct {
	Op         string         `json:"op"`
	Collection string         `json:"collection"`
	ID         string         `json:"id"`
	Data       map[string]any `json:"data"`
}

// seedOurs starts the server and fills it through its own door, a hundred records in one transaction, with ids that are
// chosen here.
func seedOurs(ctx context.Context, s *server) error {
	if err := s.start(ctx, s.newest); err != nil {
		return err
	}
	ids := roundtrip.NewIDs(1, time.Now)
	var ops []op
	for i := range people {
		id := ids.Next().String()
		s.people = append(s.people, id)
		ops = append(ops, op{"create", "people", id, map[string]any{"handle": fmt.Sprintf("person%d", i)}})
	}
	for i := range photos {
		id := ids.Next().String()
		s.photos = append(s.photos, id)
		ops = append(ops, op{"create", "photos", id, map[string]any{
			"author": s.people[i%people], "caption": fmt.Sprintf("%d %s", i, caption),
		}})
	}
	for len(ops) > 0 {
		n := min(len(ops), 100)
		body, err := json.Marshal(map[string]any{"ops": ops[:n]})
		if err != nil {
			return err
		}
		status, answer, err := ask(ctx, s.addr, post(s.host, "/api/batch", body))
		if err != nil {
			return fmt.Errorf("seed %s: %w", s.name, err)
		}
		if status != 200 {
			return fmt.Errorf("seed %s: POST batch was answered with %d: %s", s.name, status, tail(answer, 1000))
		}
		ops = ops[n:]
	}
	return s.stop()
}

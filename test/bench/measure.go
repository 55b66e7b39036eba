package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// measure is one thing that is measured on every server.
type measure struct {
	name    string
	clients int
	form    func(s *server) []request
	check   func(s *server, answer []byte) error
}

func measures() []measure {
	return []measure{
		{"read by id", 16, readByID, isRecord},
		{"list of the 20 newest", 16, listNewest, isListOf(20)},
		{"list of 20 by one author", 16, listByAuthor, isListOf(20)},
		{"create", 64, create, isRecord},
	}
}

func readByID(s *server) []request {
	shuffled := slices.Clone(s.photos)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	requests := make([]request, len(shuffled))
	for i, id := range shuffled {
		requests[i] = get(s.host, fmt.Sprintf(s.read, id))
	}
	return requests
}

func listNewest(s *server) []request { return []request{get(s.host, s.newest)} }

func listByAuthor(s *server) []request {
	requests := make([]request, len(s.people))
	for i, id := range s.people {
		requests[i] = get(s.host, fmt.Sprintf(s.byAuthor, id))
	}
	return requests
}

func create(s *server) []request {
	requests := make([]request, len(s.people))
	for i, id := range s.people {
		requests[i] = post(s.host, s.create, fmt.Appendf(nil, `{"author":%q,"caption":%q}`, id, caption))
	}
	return requests
}

func isRecord(_ *server, answer []byte) error {
	var r struct{ ID, Author, Caption string }
	if err := json.Unmarshal(answer, &r); err != nil {
		return err
	}
	if r.ID == "" || r.Author == "" || !strings.HasSuffix(r.Caption, caption) {
		return fmt.Errorf("%.300s is no photo", answer)
	}
	return nil
}

// isListOf looks whether that many photos came.
func isListOf(n int) func(s *server, answer []byte) error {
	return func(s *server, answer []byte) error {
		var all map[string]json.RawMessage
		if err := json.Unmarshal(answer, &all); err != nil {
			return err
		}
		var items []json.RawMessage
		if err := json.Unmarshal(all[s.items], &items); err != nil {
			return err
		}
		if len(items) != n {
			return fmt.Errorf("a list of %d came back, not of %d: %.300s", len(items), n, answer)
		}
		return isRecord(s, items[n-1])
	}
}

// row is one measure on one server, all rounds together.
type row struct {
	measure string
	clients int
	server  *server
	rounds  []*result
	all     *result
}

// measureAll takes every measure on every server, in turns (A B C A B C …), so that what the machine does besides hits
// all alike.
func measureAll(ctx context.Context, o options, servers []*server, say progress) ([]*row, error) {
	return measureEach(ctx, o, servers, measures(), say)
}

// measureEach is measureAll for some of the measures.
func measureEach(ctx context.Context, o options, servers []*server, measures []measure, say progress) ([]*row, error) {
	var rows []*row
	for _, m := range measures {
		if !strings.HasPrefix(m.name, o.only) {
			continue
		}
		mine := make([]*row, len(servers))
		requests := make([][]request, len(servers))
		for i, s := range servers {
			mine[i] = &row{measure: m.name, clients: m.clients, server: s}
			requests[i] = m.form(s)
			if err := try(ctx, s, m, requests[i][0]); err != nil {
				return nil, err
			}
			if _, err := s.measure(ctx, requests[i], m.clients, time.Second); err != nil { // warm up
				return nil, err
			}
		}
		for round := range o.rounds {
			for i, s := range servers {
				r, err := s.measure(ctx, requests[i], m.clients, o.length)
				if err != nil {
					return nil, err
				}
				mine[i].rounds = append(mine[i].rounds, r)
				say("%s, round %d, %s: %.0f/s, %v CPU each", m.name, round+1, s.name, r.perSecond(), r.perCPU())
			}
		}
		for _, r := range mine {
			r.all = join(r.rounds)
		}
		rows = append(rows, mine...)
	}
	return rows, nil
}

// try asks once and looks at the answer, so that nobody is measured while answering wrongly.
func try(ctx context.Context, s *server, m measure, r request) error {
	status, answer, err := ask(ctx, s.addr, r)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if status != 200 && status != 201 {
		return fmt.Errorf("%s: %q was answered with %d: %.500s", s.name, r, status, answer)
	}
	if err := m.check(s, answer); err != nil {
		return fmt.Errorf("%s, %s: %w", s.name, m.name, err)
	}
	return nil
}

// median returns the middle one, which must exist.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

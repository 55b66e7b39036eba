package push

import (
	"context"
	"crypto/ecdh"

	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
)

// Encrypt is encrypt with a key and salt of the test's own.
func Encrypt(message, browser, auth []byte, own *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	return encrypt(message, browser, auth, own, salt)
}

// Tell does one job.
func (s *Sender) Tell(ctx context.Context, job store.Job) courier.Outcome { return s.tell(ctx, job) }

// Rest closes idle connections.
func (s *Sender) Rest() { s.client.CloseIdleConnections() }

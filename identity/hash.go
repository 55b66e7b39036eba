package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/roundtrip-dev/roundtrip"
)

// cost is what one password hash takes: argon2id (RFC 9106). A stored hash names its own, so that the cost can change.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

const (
	hashMemoryKiB = 19 << 10 // 19 MiB, 2 passes, 1 thread: what OWASP asks for at least
	hashPasses    = 2
	hashThreads   = 1
	saltLen       = 16
	keyLen        = 32

	hashWaitersMax = 64 // for each hasher; more are sent away at once
	hashWait       = 5 * time.Second
)

// hasher hashes passwords, a few at once: each takes 19 MiB and about 30 ms of a core, so that a flood of sign-ins would
// otherwise take all memory.
type hasher struct {
	cost    cost // of new hashes
	slots   chan struct{}
	waiting atomic.Int64
	rand    io.Reader
}

func newHasher(atOnce int, random io.Reader) *hasher {
	return &hasher{cost: cost{hashMemoryKiB, hashPasses, hashThreads}, slots: make(chan struct{}, atOnce), rand: random}
}

// hash makes the PHC string of a password with a new salt.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", roundtrip.Wrap("identity.salt", err)
	}
	key, err := h.derive(ctx, password, salt, h.cost, keyLen)
	if err != nil {
		return "", err
	}
	return formatPHC(h.cost, salt, key), nil
}

// verify compares a password with a stored hash. With no hash, or one that can't be read, it does the same work and
// reports false, so that its time tells nothing. old reports that the hash was made at another cost than today's.
func (h *hasher) verify(ctx context.Context, password, stored string) (ok, old bool, err error) {
	c, salt, want, readable := parsePHC(stored)
	if !readable {
		c, salt, want = h.cost, make([]byte, saltLen), make([]byte, keyLen)
	}
	key, err := h.derive(ctx, password, salt, c, len(want))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(key, want) == 1 && readable
	return ok, c != h.cost, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost, length int) ([]byte, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, uint32(length)), nil
}

// enter waits for a slot, five seconds at most.
func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(cap(h.slots)*hashWaitersMax) {
		return busy()
	}
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return busy()
	case <-ctx.Done():
		return &roundtrip.Error{
			Kind: roundtrip.Deadline, Reason: "app.deadline",
			Public: "the request ended before the password was checked", Op: "identity.hash", Err: ctx.Err(),
		}
	}
}

func busy() *roundtrip.Error {
	e := roundtrip.E(roundtrip.Unavailable, "auth.busy", "too many sign-ins are under way; try again in a moment")
	e.Retry = 2 * time.Second
	return e
}

// formatPHC writes the string format of password hashes: $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY
// (https://github.com/P-H-C/phc-string-format).
func formatPHC(c cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsePHC reads the form that formatPHC writes. It refuses costs that no hash of ours would have: the string comes from
// the database, which may have been restored from anywhere.
func parsePHC(s string) (c cost, salt, key []byte, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil || n != 3 {
		return c, nil, nil, false
	}
	if c.memory < 8 || c.memory > 256<<10 || c.passes < 1 || c.passes > 16 || c.threads < 1 || c.threads > 16 {
		return c, nil, nil, false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, false
	}
	return c, salt, key, true
}

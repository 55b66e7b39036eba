// Package password hashes passwords with argon2id, a few at once, and knows those that are guessed first. It serves the
// accounts of a site and the operators of the server alike.
package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// MaxBytes bounds what is hashed.
const MaxBytes = 1024

// The errors of a hasher, besides those of its random source.
var (
	ErrBusy    = errors.New("password: too many passwords are being checked at once")
	ErrNoTime  = errors.New("password: the caller's time ran out before its turn")
	errNoBytes = errors.New("password: no random bytes for a salt")
)

// Cost is what one password hash takes: argon2id (RFC 9106). A stored hash names its own, so that the cost can change.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// UsualCost is what OWASP asks for at least: 19 MiB, 2 passes, 1 thread.
func UsualCost() Cost { return Cost{MemoryKiB: 19 << 10, Passes: 2, Threads: 1} }

const (
	saltLen = 16
	keyLen  = 32

	// WaitersMax is how many may wait for each place of a hasher; more are sent away at once.
	WaitersMax = 64
	waitMax    = 5 * time.Second
)

// Hasher hashes passwords, a few at once: each takes 19 MiB and about 30 ms of a core, so that a flood of sign-ins would
// otherwise take all memory.
type Hasher struct {
	cost    Cost // of new hashes
	slots   chan struct{}
	waiting atomic.Int64
	rand    io.Reader
}

// NewHasher makes a hasher of the usual cost that works on so many passwords at once.
func NewHasher(atOnce int, random io.Reader) *Hasher {
	return &Hasher{cost: UsualCost(), slots: make(chan struct{}, atOnce), rand: random}
}

// WithCost returns the hasher with another cost for new hashes. It must be called before the first of them.
func (h *Hasher) WithCost(c Cost) *Hasher {
	h.cost = c
	return h
}

// Hash makes the PHC string of a password with a new salt.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", errors.Join(errNoBytes, err)
	}
	key, err := h.derive(ctx, password, salt, h.cost, keyLen)
	if err != nil {
		return "", err
	}
	return formatPHC(h.cost, salt, key), nil
}

// Verify compares a password with a stored hash. With no hash, or one that can't be read, it does the same work and
// reports false, so that its time tells nothing. old reports that the hash was made at another cost than today's.
func (h *Hasher) Verify(ctx context.Context, password, stored string) (ok, old bool, err error) {
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

func (h *Hasher) derive(ctx context.Context, password string, salt []byte, c Cost, length int) ([]byte, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Threads, uint32(length)), nil
}

// enter waits for a slot, five seconds at most.
func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(cap(h.slots)*WaitersMax) {
		return ErrBusy
	}
	timer := time.NewTimer(waitMax)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return errors.Join(ErrNoTime, ctx.Err())
	}
}

// Hold takes all places, and with crowd those to wait in as well, until release is called: so it is seen what a flood of
// sign-ins does.
func (h *Hasher) Hold(crowd bool) (release func()) {
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	waiters := int64(0)
	if crowd {
		waiters = int64(cap(h.slots) * WaitersMax)
	}
	h.waiting.Add(waiters)
	return func() {
		h.waiting.Add(-waiters)
		for range cap(h.slots) {
			<-h.slots
		}
	}
}

// formatPHC writes the string format of password hashes: $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY
// (https://github.com/P-H-C/phc-string-format).
func formatPHC(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsePHC reads the form that formatPHC writes. It refuses costs that no hash of ours would have: the string comes from
// the database, which may have been restored from anywhere.
func parsePHC(s string) (c Cost, salt, key []byte, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Threads); err != nil || n != 3 {
		return c, nil, nil, false
	}
	if c.MemoryKiB < 8 || c.MemoryKiB > 256<<10 || c.Passes < 1 || c.Passes > 16 || c.Threads < 1 || c.Threads > 16 {
		return c, nil, nil, false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, false
	}
	return c, salt, key, true
}

package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// subject is one name: its certificate and what happened when it was got.
type subject struct {
	name string
	cert atomic.Pointer[tls.Certificate] // nil while there is none

	mu     sync.Mutex // guards what follows
	record record
	cancel context.CancelFunc // ends the attempt that is under way; nil while there is none
	gone   bool               // no site has the name any more
	soon   time.Time          // the next try may be then already, whatever the record says; zero for nothing
}

// record is what is kept of a name. Certificate and key are in one file, so that a crash can't part them.
type record struct {
	Name      string `json:"name"`
	Directory string `json:"directory,omitempty"` // of the issuer
	Chain     string `json:"chain,omitempty"`     // PEM, the certificate first
	Key       string `json:"key,omitempty"`       // PEM, PKCS #8

	Renew  time.Time `json:"renew,omitzero"` // when it is time by its own age
	Window window    `json:"window,omitzero"`

	Tries  int                  `json:"tries,omitempty"` // that failed since the last success
	Failed time.Time            `json:"failed,omitzero"` // the last of them
	Error  string               `json:"error,omitempty"` // of that
	Next   time.Time            `json:"next,omitzero"`   // not before
	Waits  map[string]time.Time `json:"waits,omitempty"` // by directory: until when an issuer told us to wait
}

// window is when the issuer would like a renewal to be (RFC 9773).
type window struct {
	Start  time.Time `json:"start,omitzero"`
	End    time.Time `json:"end,omitzero"`
	Chosen time.Time `json:"chosen,omitzero"` // by chance, between them
	Ask    time.Time `json:"ask,omitzero"`    // when to ask again
	Why    string    `json:"why,omitempty"`   // a page that tells
}

// file is where a name is kept. No host name begins with "_".
func file(name string) string { return "acme/names/" + strings.Replace(name, "*", "_", 1) + ".json" }

// read takes in what is kept. A record that can't be read is an error; none at all is not.
func (s *subject) read(k Keeper) error {
	content, err := k.Read(file(s.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return fmt.Errorf("%s is damaged (%w): take it from a backup, or remove it to order anew", file(s.name), err)
	}
	if r.Chain != "" {
		c, err := parse(r, s.name)
		if err != nil {
			return fmt.Errorf("%s: %w: take it from a backup, or remove it to order anew", file(s.name), err)
		}
		if old := s.cert.Load(); old == nil || !old.Leaf.Equal(c.Leaf) {
			s.cert.Store(c)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = r
	return nil
}

// parse makes the certificate of a record, and refuses one that is not the name's.
func parse(r record, name string) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair([]byte(r.Chain), []byte(r.Key))
	if err != nil {
		return nil, err
	}
	return &c, covers(c.Leaf, name)
}

// covers reports whether a certificate is one for a name.
func covers(leaf *x509.Certificate, name string) error {
	if rest, wild := strings.CutPrefix(name, "*."); wild {
		name = "any." + rest
	}
	return leaf.VerifyHostname(name)
}

// write keeps a record and puts it in force. Only who has the lock of the name may do so.
func (s *subject) write(k Keeper, r record) error {
	r.Name = s.name
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := k.Write(file(s.name), append(content, '\n')); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = r
	return nil
}

// current returns the record.
func (s *subject) current() record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record
}

// begin says that an attempt is under way, unless one is or the name is gone.
func (s *subject) begin(cancel context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil || s.gone {
		return false
	}
	s.cancel = cancel
	return true
}

func (s *subject) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = nil
}

// busy reports whether an attempt is under way.
func (s *subject) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancel != nil
}

// stop ends what is under way: no site has the name any more.
func (s *subject) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.cancel != nil {
		s.cancel()
	}
}

// tryAgain makes a name that failed be tried soon: somebody has just changed something. A minute lies between two tries in
// any case, and an issuer that told us to wait is still not asked.
func (s *subject) tryAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Tries > 0 {
		s.soon = s.record.Failed.Add(time.Minute)
	}
}

// notBefore is when the next try may be; zero where none failed.
func (s *subject) notBefore() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.soon.IsZero() && s.soon.Before(s.record.Next) {
		return s.soon
	}
	return s.record.Next
}

// trying notes that a try begins.
func (s *subject) trying() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.soon = time.Time{}
}

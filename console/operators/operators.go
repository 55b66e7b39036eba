// Package operators knows who may operate the server: names, roles and passwords, and the links by which the next one
// comes in. They lie in a file of their own and not in the database, so that the console works when the database does not.
package operators

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/password"
)

// File is the name of the file in the data folder.
const File = "operators.json"

const (
	operatorsMax = 100
	linksMax     = 20
	networksMax  = 8 // of one operator
	// PasswordMin is how many characters a password of an operator has at least: it opens more than that of a user.
	PasswordMin = 12
)

// Operator is somebody who may use the console.
type Operator struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen,omitzero"`  // when they signed in last
	Hash    string    `json:"password"`       // PHC string; never leaves this room
	From    []string  `json:"from,omitempty"` // the networks that they signed in from, the latest first
}

// Link is an invitation: who has its token becomes an operator, once.
type link struct {
	Hash  string    `json:"hash"` // SHA-256 of the token, so that the file invites nobody
	Role  Role      `json:"role"`
	Until time.Time `json:"until"`
}

// content is the file.
type content struct {
	Version   int        `json:"version"`
	Operators []Operator `json:"operators"`
	Links     []link     `json:"links,omitempty"`
}

// Options says what a book needs.
type Options struct {
	Dir  string // the data folder
	Now  func() time.Time
	Rand io.Reader
	Cost password.Cost // of a password's hash; zero: the usual one
}

// Book is the list of operators. It reads its file again when that was replaced, and writes it under a lock that all
// processes of this machine share, so that a command may write it while a server runs. It is safe for use by several goroutines.
type Book struct {
	path   string
	now    func() time.Time
	rand   io.Reader
	hasher *password.Hasher
	common password.List

	mu    sync.Mutex // guards all below
	have  content
	stamp os.FileInfo // of the file that have was read from; nil: there is none
	read  bool
}

// hashersMax is how many passwords are checked at once: operators are few, and each check takes 19 MiB.
const hashersMax = 2

// New makes the book of a data folder. It reads nothing yet.
func New(o Options) (*Book, error) {
	if o.Dir == "" || o.Now == nil || o.Rand == nil {
		return nil, errors.New("operators: Dir, Now and Rand must be given")
	}
	if o.Cost == (password.Cost{}) {
		o.Cost = password.UsualCost()
	}
	return &Book{
		path: filepath.Join(o.Dir, File), now: o.Now, rand: o.Rand, common: password.WellKnown(),
		hasher: password.NewHasher(hashersMax, o.Rand).WithCost(o.Cost),
	}, nil
}

// List returns all operators by name.
func (b *Book) List() ([]Operator, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(); err != nil {
		return nil, err
	}
	return slices.Clone(b.have.Operators), nil
}

// Find returns the operator of that name. The error is Missing where there is none.
func (b *Book) Find(name string) (Operator, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(); err != nil {
		return Operator{}, err
	}
	i := b.index(name)
	if i < 0 {
		return Operator{}, missing(name)
	}
	return b.have.Operators[i], nil
}

// Knows reports whether the operator of that name, if there is one, has signed in from that network before.
func (b *Book) Knows(name, network string) (bool, error) {
	o, err := b.Find(name)
	if err != nil && roundtrip.AsError(err).Kind != roundtrip.Missing {
		return false, err
	}
	return slices.Contains(o.From, network), nil
}

// Check proves name and password and notes that the operator was seen, and in which network. The error is Unauthenticated
// where either is wrong.
func (b *Book) Check(ctx context.Context, name, text, network string) (Operator, error) {
	o, err := b.prove(ctx, name, text)
	if err != nil {
		return Operator{}, err
	}
	err = b.change(func(c *content) error {
		i := b.index(o.Name)
		if i < 0 || c.Operators[i].Hash != o.Hash {
			return wrongLogin() // removed in between
		}
		c.Operators[i].Seen = b.now().UTC().Truncate(time.Second)
		c.Operators[i].From = latest(c.Operators[i].From, network)
		o = c.Operators[i]
		return nil
	})
	return o, err
}

// prove finds the operator of a name whose password this is.
func (b *Book) prove(ctx context.Context, name, text string) (Operator, error) {
	o, err := b.Find(name)
	if err != nil && roundtrip.AsError(err).Kind != roundtrip.Missing {
		return Operator{}, err
	}
	if len(text) > password.MaxBytes {
		return Operator{}, wrongLogin()
	}
	ok, _, err := b.hasher.Verify(ctx, text, o.Hash) // does the same work where there is no such operator
	if err != nil {
		return Operator{}, hashFailure(err)
	}
	if !ok {
		return Operator{}, wrongLogin()
	}
	return o, nil
}

// latest puts a network first in a list, in a new one: others may read the old one.
func latest(list []string, network string) []string {
	if network == "" {
		return list
	}
	all := []string{network}
	for _, n := range list {
		if n != network && len(all) < networksMax {
			all = append(all, n)
		}
	}
	return all
}

// SetRole gives an operator another role and returns the one before. The last owner stays one.
func (b *Book) SetRole(name string, role Role) (was Role, err error) {
	if role < Viewer || role > Owner {
		return 0, roundtrip.E(roundtrip.Invalid, "request.invalid", "an operator's role is one of %s", strings.Join(RoleWords(), ", "))
	}
	return was, b.change(func(c *content) error {
		i := b.index(name)
		if i < 0 {
			return missing(name)
		}
		was = c.Operators[i].Role
		c.Operators[i].Role = role
		return keepsOwner(c, was)
	})
}

// Remove takes an operator off the list; sessions of theirs end with it. The last owner stays.
func (b *Book) Remove(name string) error {
	return b.change(func(c *content) error {
		i := b.index(name)
		if i < 0 {
			return missing(name)
		}
		was := c.Operators[i].Role
		c.Operators = slices.Delete(c.Operators, i, i+1)
		return keepsOwner(c, was)
	})
}

// keepsOwner refuses a change that took the last owner away.
func keepsOwner(c *content, was Role) error {
	if was != Owner || slices.ContainsFunc(c.Operators, func(o Operator) bool { return o.Role == Owner }) {
		return nil
	}
	return roundtrip.E(roundtrip.Unprocessable, "console.last_owner", "this is the last owner: make somebody else owner first")
}

// index returns the place of a name in the list, in whatever case, -1 where it is not there. It takes the same names for one as
// those do who count tries of a name: to Unicode's folding ſ is an s too, and each s would give strangers as many tries again.
// The caller holds mu.
func (b *Book) index(name string) int {
	name = strings.ToLower(name)
	return slices.IndexFunc(b.have.Operators, func(o Operator) bool { return o.Name == name })
}

// checkName wants a name that reads the same everywhere: in a log, in a link, on the command line.
func checkName(name string) error {
	if ok, _ := regexp.MatchString(`^[a-z0-9][a-z0-9._@-]{0,63}$`, name); !ok || name == Guest {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "the name can't be used").With(roundtrip.Detail{
			Pointer: "/name", Code: "bad_name",
			Message: "a name has 1 to 64 of a-z, 0-9, dot, dash, underscore and @, and begins with a letter or digit; " + Guest + " is taken",
		})
	}
	return nil
}

// Guest is the name of who came in by a link of `roundtrip dev`, without an account.
const Guest = "developer"

func missing(name string) error {
	return roundtrip.E(roundtrip.Missing, "console.no_operator", "there is no operator %q", name)
}

func wrongLogin() error {
	return roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "the name or the password is wrong")
}

func hashFailure(err error) error {
	switch {
	case errors.Is(err, password.ErrBusy):
		e := roundtrip.E(roundtrip.Unavailable, "auth.busy", "too many sign-ins are under way; try again in a moment")
		e.Retry = 2 * time.Second
		return e
	case errors.Is(err, password.ErrNoTime):
		return &roundtrip.Error{Kind: roundtrip.Deadline, Reason: "app.deadline", Op: "operators.hash", Err: err}
	}
	return roundtrip.Wrap("operators.hash", err)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

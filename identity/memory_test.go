package identity_test

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/internal/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is the whole of what identity needs of a store, kept in maps. The real one stands on a higher floor; that both
// agree is tested where they meet, in handler/rest.
type memory struct {
	mu          sync.Mutex // guards all below
	records     map[roundtrip.ID]*roundtrip.Record
	credentials map[roundtrip.ID]roundtrip.Credential
	sessions    map[roundtrip.ID]roundtrip.Session
	finds       int
	touched     chan roundtrip.ID
	ids         *roundtrip.IDs
	loading     func(roundtrip.ID) // called between the read of an account and its answer
	proved      func()             // called once between the proof of a password and the session that it begins
	hashed      func()             // called once between the hash of a password and its write
}

func newMemory() *memory {
	return &memory{
		records: map[roundtrip.ID]*roundtrip.Record{}, credentials: map[roundtrip.ID]roundtrip.Credential{},
		sessions: map[roundtrip.ID]roundtrip.Session{}, touched: make(chan roundtrip.ID, 100), ids: roundtrip.NewIDs(3, time.Now),
	}
}

func gone() error { return roundtrip.E(roundtrip.Missing, "store.missing", "not there") }

func stale() error { return roundtrip.E(roundtrip.Stale, "store.stale", "another password") }

func (m *memory) CreateAccount(_ context.Context, r *roundtrip.Record, c roundtrip.Credential, s *roundtrip.Session) (*roundtrip.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.records {
		if other.Get("handle").Equal(r.Get("handle")) {
			return nil, roundtrip.E(roundtrip.Conflict, "store.unique", "taken")
		}
	}
	r = r.Clone()
	if r.ID() == 0 {
		r.Put(roundtrip.FieldID, roundtrip.Ref(m.ids.Next()))
	}
	c.Account = r.ID()
	m.records[r.ID()], m.credentials[r.ID()] = r, c
	if s != nil {
		s.Account = r.ID()
		m.sessions[s.ID] = *s
	}
	return r, nil
}

func (m *memory) FindCredential(_ context.Context, _ *roundtrip.Collection, field, value string) (roundtrip.Credential, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, r := range m.records {
		if r.Get(field).Text() == value && value != "" {
			return m.credentials[id], nil
		}
	}
	return roundtrip.Credential{}, gone()
}

func (m *memory) LoadAccount(_ context.Context, _ *roundtrip.Collection, id roundtrip.ID) (*roundtrip.Record, roundtrip.Credential, error) {
	m.mu.Lock()
	r, c, loading := m.records[id], m.credentials[id], m.loading
	m.mu.Unlock()
	if loading != nil {
		loading(id)
	}
	if r == nil {
		return nil, c, gone()
	}
	return r, c, nil
}

func (m *memory) ListAccounts(_ context.Context, _ *roundtrip.Collection, after roundtrip.ID, limit int) (rs []*roundtrip.Record, cs []roundtrip.Credential, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []roundtrip.ID
	for id := range m.records {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids[:min(limit, len(ids))] {
		rs, cs = append(rs, m.records[id]), append(cs, m.credentials[id])
	}
	return rs, cs, nil
}

func (m *memory) SetRoles(_ context.Context, account roundtrip.ID, roles []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.credentials[account]
	c.Account, c.Roles = account, roles
	m.credentials[account] = c
	return nil
}

func (m *memory) SetPassword(_ context.Context, account roundtrip.ID, proved, hash string, keep roundtrip.ID) error {
	m.mu.Lock()
	hook := m.hashed
	m.hashed = nil
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.credentials[account]
	if proved != "" && c.Password != proved {
		return stale()
	}
	c.Account, c.Password = account, hash
	m.credentials[account] = c
	for id, s := range m.sessions {
		if s.Account == account && id != keep && keep != identity.KeepAll {
			delete(m.sessions, id)
		}
	}
	return nil
}

func (m *memory) AddSession(_ context.Context, s roundtrip.Session, proved string) error {
	m.mu.Lock()
	hook := m.proved
	m.proved = nil
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.credentials[s.Account]
	switch {
	case !ok:
		return gone()
	case c.Password != proved:
		return stale()
	}
	m.sessions[s.ID] = s
	return nil
}

func (m *memory) FindSession(_ context.Context, hash [32]byte) (roundtrip.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finds++
	for _, s := range m.sessions {
		if s.Hash == hash {
			return s, nil
		}
	}
	return roundtrip.Session{}, gone()
}

func (m *memory) TouchSession(_ context.Context, id roundtrip.ID, used, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		return gone()
	}
	s.LastUsed, s.Expires = used, expires
	m.sessions[id] = s
	m.touched <- id
	return nil
}

func (m *memory) ListSessions(_ context.Context, account roundtrip.ID) (all []roundtrip.Session, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.Account == account {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b roundtrip.Session) int { return b.Created.Compare(a.Created) })
	return all, nil
}

func (m *memory) EndSession(_ context.Context, account, id roundtrip.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id == 0 {
		maps.DeleteFunc(m.sessions, func(_ roundtrip.ID, s roundtrip.Session) bool { return s.Account == account })
		return nil
	}
	if s, ok := m.sessions[id]; !ok || s.Account != account {
		return gone()
	}
	delete(m.sessions, id)
	return nil
}

// remove takes an account away, with all that is its own.
func (m *memory) remove(account roundtrip.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, account)
	delete(m.credentials, account)
}

// rename changes an account's name.
func (m *memory) rename(account roundtrip.ID, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[account].Clone()
	r.PutName("name", roundtrip.Text(name))
	m.records[account] = r
}

// passwordOf returns the hash of an account's password.
func (m *memory) passwordOf(account roundtrip.ID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.credentials[account].Password
}

func (m *memory) looked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.finds
}

// clock is a time that only moves when it is told to.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is one Identity with all around it.
type bench struct {
	*identity.Identity
	store *memory
	clock *clock
	users *roundtrip.Collection
}

func people() *roundtrip.Collection {
	users := roundtrip.NewCollection("users", roundtrip.Pos{})
	users.Add(&roundtrip.Field{Name: "handle", Type: roundtrip.TypeText, Required: true, Unique: true})
	users.Add(&roundtrip.Field{Name: "email", Type: roundtrip.TypeEmail, Unique: true})
	users.Add(&roundtrip.Field{Name: "name", Type: roundtrip.TypeText})
	users.Accounts = true
	return users
}

func newBench(tb testing.TB, change ...func(*identity.Options)) *bench {
	tb.Helper()
	b := &bench{store: newMemory(), clock: &clock{now: time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)}, users: people()}
	o := identity.Options{
		Accounts: b.store, Users: b.users, Now: b.clock.Now, IDs: roundtrip.NewIDs(1, b.clock.Now), Rand: rand.Reader,
		HashCost: password.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, // most tests are about other things
		Config: config.Identity{
			Accounts: "users", SignUp: true, MinLen: 10, Roles: []string{"moderator", "editor"},
			Idle: 30 * 24 * time.Hour, Absolute: 180 * 24 * time.Hour,
		},
	}
	for _, c := range change {
		c(&o)
	}
	i, err := identity.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	b.Identity = i
	return b
}

func (b *bench) record(handle, email string) *roundtrip.Record {
	r := roundtrip.NewRecord(b.users)
	r.PutName("handle", roundtrip.Text(handle))
	if email != "" {
		r.PutName("email", roundtrip.Text(email))
	}
	return r
}

const good = "four unrelated words"

// signUp makes an account and returns what its owner holds.
func (b *bench) signUp(tb testing.TB, handle string) *identity.Grant {
	tb.Helper()
	g, err := b.SignUp(tb.Context(), b.record(handle, handle+"@example.com"), good, identity.Device{Name: "laptop"})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func (b *bench) who(tb testing.TB, token string) *roundtrip.Principal {
	tb.Helper()
	p, err := b.Who(tb.Context(), token)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func wantReason(tb testing.TB, err error, kind roundtrip.Kind, reason string) {
	tb.Helper()
	_ = failure(tb, err, kind, reason)
}

// failure is wantReason that hands on what came.
func failure(tb testing.TB, err error, kind roundtrip.Kind, reason string) *roundtrip.Error {
	tb.Helper()
	if err == nil {
		tb.Fatalf("no error, want %s", reason)
	}
	e := roundtrip.AsError(err)
	if e.Kind != kind || e.Reason != reason {
		tb.Fatalf("error is %s %s (%v), want %s %s", e.Kind, e.Reason, err, kind, reason)
	}
	return e
}

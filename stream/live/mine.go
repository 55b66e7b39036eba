package live

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// mineKey is a field that ties records of a collection to an account: where follows.exists(f, f.follower == auth.id && …)
// stands in a rule, one person's follow changes nothing for anybody else.
type mineKey struct {
	collection int32
	field      int
}

// mine knows which records tie which account, for the accounts that watch: when such a record is gone, nothing else says
// whose it was.
type mine struct {
	accounts map[roundtrip.ID]*ties
	owner    map[roundtrip.ID]roundtrip.ID // by record
}

// ties is what is known of one account.
type ties struct {
	audiences int
	records   map[roundtrip.ID]struct{}
	over      bool // there are more than tiesMax: each deletion may concern it
}

// errGone says that a collection is not declared any more.
var errGone = errors.New("live: the collection is not declared")

// tiesMax bounds how many records are remembered for an account and a field.
const tiesMax = 1000

// affected says whom the changes of a window concern.
type affected struct {
	all      bool
	deleted  bool // some record was deleted
	accounts map[roundtrip.ID]bool
}

// attend notes for an audience by which records its rule is tied to it. The caller holds the group's mu.
func (g *group) attend(v store.View, a *audience, p *policy.Permit) error {
	if p == nil || a.key.account == 0 {
		return nil
	}
	for _, d := range g.traits.Depends {
		need := p.Needs(d.Collection)
		if !need.Exists || need.Mine < 0 {
			continue
		}
		key := mineKey{d.Collection.Number, need.Mine}
		if a.mines[key] {
			continue
		}
		if err := g.hub.tie(v, g.house, d.Collection, key, a.key.account); err != nil {
			return err
		}
		if a.mines == nil {
			a.mines = map[mineKey]bool{}
		}
		a.mines[key] = true
	}
	return nil
}

// tie counts one more audience for an account, and reads its records for the first one.
func (h *Hub) tie(v store.View, house *House, of *roundtrip.Collection, key mineKey, account roundtrip.ID) error {
	h.tied.Lock()
	defer h.tied.Unlock()
	m := h.mine[key]
	if m == nil {
		m = &mine{accounts: map[roundtrip.ID]*ties{}, owner: map[roundtrip.ID]roundtrip.ID{}}
		h.mine[key] = m
	}
	if t := m.accounts[account]; t != nil {
		t.audiences++
		return nil
	}
	p, err := house.Policy.Job(&roundtrip.Call{
		Action: roundtrip.List, Collection: of, Time: h.now(),
		Query: roundtrip.Query{Equal: []roundtrip.Equal{{Field: of.Fields[key.field].Name, Value: account.String()}}, PageSize: lookMax},
	}, "live: which records decide what an account sees")
	if err != nil {
		return err
	}
	t := &ties{audiences: 1, records: map[roundtrip.ID]struct{}{}}
	for {
		page, err := v.List(p, func(row roundtrip.Row) error {
			t.records[roundtrip.ID(row.Int(roundtrip.FieldID))] = struct{}{}
			return nil
		})
		if err != nil {
			return err
		}
		if page.Next == nil {
			break
		}
		if len(t.records) >= tiesMax {
			t.over = true
			break
		}
		p.Query().After = page.Next
	}
	m.accounts[account] = t
	for id := range t.records {
		m.owner[id] = account
	}
	return nil
}

// untie is called when an audience ends.
func (h *Hub) untie(a *audience) {
	if len(a.mines) == 0 {
		return
	}
	h.tied.Lock()
	defer h.tied.Unlock()
	for key := range a.mines {
		m := h.mine[key]
		t := m.accounts[a.key.account]
		if t.audiences--; t.audiences > 0 {
			continue
		}
		for id := range t.records {
			delete(m.owner, id)
		}
		if delete(m.accounts, a.key.account); len(m.accounts) == 0 {
			delete(h.mine, key)
		}
	}
	a.mines = nil
}

// affects finds out whom the records of a window are tied to, before anything of it is delivered.
func (h *Hub) affects(ctx context.Context, w *window) {
	w.mine = map[mineKey]*affected{}
	for _, key := range h.mineKeys() {
		if t := w.of[key.collection]; t != nil {
			now, err := h.ownersOf(ctx, key, t)
			w.mine[key] = h.affectedBy(key, t, now, err == nil && !t.over)
		}
	}
}

func (h *Hub) mineKeys() []mineKey {
	h.tied.Lock()
	defer h.tied.Unlock()
	return slices.Collect(maps.Keys(h.mine))
}

func (h *Hub) affectedBy(key mineKey, t *touched, now map[roundtrip.ID]roundtrip.ID, complete bool) *affected {
	h.tied.Lock()
	defer h.tied.Unlock()
	m := h.mine[key]
	out := &affected{accounts: map[roundtrip.ID]bool{}, all: !complete}
	if m == nil { // nobody is tied any more
		return out
	}
	if !complete { // some of what ties them now is not known
		for _, t := range m.accounts {
			t.over = true
		}
	}
	for id, c := range t.records {
		if before, known := m.owner[id]; known {
			out.accounts[before] = true
			delete(m.owner, id)
			delete(m.accounts[before].records, id)
		}
		account, there := now[id]
		switch {
		case there:
			out.accounts[account] = true
			m.note(id, account)
		case c.deleted && c.created == 0:
			out.deleted = true
		default: // it came and went before we looked: somebody may have been shown something by it
			out.all = true
		}
	}
	return out
}

// note ties a record to an account that watches.
func (m *mine) note(id, account roundtrip.ID) {
	t := m.accounts[account]
	switch {
	case t == nil:
	case len(t.records) >= tiesMax:
		t.over = true
	default:
		t.records[id] = struct{}{}
		m.owner[id] = account
	}
}

// ownersOf reads the accounts that the records of a window are tied to now.
func (h *Hub) ownersOf(ctx context.Context, key mineKey, t *touched) (map[roundtrip.ID]roundtrip.ID, error) {
	house := h.house.Load()
	of := house.Policy.Collection(key.collection)
	if of == nil || key.field >= len(of.Fields) {
		return nil, errGone
	}
	p, err := house.Policy.Job(&roundtrip.Call{Action: roundtrip.Get, Collection: of, Time: h.now()}, "live: whom a change concerns")
	if err != nil {
		return nil, err
	}
	ids := make([]roundtrip.ID, 0, len(t.records))
	for id, c := range t.records {
		if !c.deleted {
			ids = append(ids, id)
		}
	}
	out := make(map[roundtrip.ID]roundtrip.ID, len(ids))
	err = h.store.View(ctx, func(v store.View) error {
		return v.Load(p, ids, func(row roundtrip.Row) error {
			account := roundtrip.ID(0)
			if !row.Null(key.field) {
				account = roundtrip.ID(row.Int(key.field))
			}
			out[roundtrip.ID(row.Int(roundtrip.FieldID))] = account
			return nil
		})
	})
	return out, err
}

// concerns reports whether a window's changes of a collection concern the audience that a need was found for.
func (w *window) concerns(number int32, need policy.Need, h *Hub, a *audience) bool {
	if a == nil || need.Mine < 0 || a.key.account == 0 {
		return true
	}
	key := mineKey{number, need.Mine}
	hit := w.mine[key]
	if hit == nil || hit.all || hit.accounts[a.key.account] {
		return true
	}
	if !hit.deleted {
		return false
	}
	h.tied.Lock()
	defer h.tied.Unlock()
	t := h.mine[key].of(a.key.account)
	return t == nil || t.over
}

func (m *mine) of(account roundtrip.ID) *ties {
	if m == nil {
		return nil
	}
	return m.accounts[account]
}

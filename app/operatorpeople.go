package app

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// peoplePage is how many accounts a page of the list has.
const peoplePage = 30

// personView is an account in a list.
type personView struct {
	ID       string        `json:"id"`
	Login    string        `json:"login"` // what they sign in with, their id where that is empty
	Roles    []string      `json:"roles"`
	Locked   bool          `json:"locked,omitempty"` // has no password: nobody can sign in to it
	Since    time.Time     `json:"since"`
	Failures *failuresView `json:"failures,omitempty"`
}

// failuresView is how often signing in has failed of late.
type failuresView struct {
	Count int        `json:"count"`
	Last  time.Time  `json:"last"`
	Until *time.Time `json:"until,omitempty"` // sign-ins are refused until then
}

// personPage is all of one account.
type personPage struct {
	personView

	Logins   []namedText   `json:"logins"`
	Record   accountJSON   `json:"record"`
	Sessions []sessionView `json:"sessions"`
}

type namedText struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// accountJSON is a record as the API shows it.
type accountJSON struct{ *roundtrip.Record }

// MarshalJSON writes it.
func (r accountJSON) MarshalJSON() ([]byte, error) {
	return roundtrip.AppendRecord(nil, r.Collection, r.Record), nil
}

// sessionView is a device that somebody is signed in on. Nothing of its token is kept that could be shown.
type sessionView struct {
	ID       string    `json:"id"`
	Device   string    `json:"device"`
	From     string    `json:"from,omitempty"` // the network: /24 or /56
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used"` // to the minute
	Expires  time.Time `json:"expires"`
}

// peopleList is a page of accounts, and what there is to know of all of them.
type peopleList struct {
	Collection string       `json:"collection"` // "" where the declaration has no accounts
	Login      []string     `json:"login,omitempty"`
	Roles      []string     `json:"roles"` // that can be given
	People     []personView `json:"people"`
	Next       string       `json:"next_page_token,omitempty"`
}

// people answers GET /api/people/?q=TEXT&page_token=…: the newest accounts first, or those that have a text in one of their
// names.
func (h *house) people(r *http.Request, now time.Time) (any, error) {
	ctx, q := r.Context(), r.URL.Query()
	list := &peopleList{Roles: []string{}, People: []personView{}}
	users := h.identity.Users()
	if users == nil {
		return list, nil
	}
	list.Collection, list.Login = users.Name, h.identity.Login()
	list.Roles = append(list.Roles, h.identity.DeclaredRoles()...)
	call := &roundtrip.Call{Action: roundtrip.List, Collection: users, Time: now, Query: roundtrip.Query{
		OrderBy: "id desc", PageSize: peoplePage, PageToken: q.Get("page_token"), Filter: searchFilter(users, q.Get("q")),
	}}
	var ids []roundtrip.ID
	answer := rowsAnswer{row: func(row roundtrip.Row) error {
		ids = append(ids, roundtrip.ID(row.Int(roundtrip.FieldID)))
		return nil
	}}
	if err := h.operators.core.Do(ctx, &handler.Visit{Call: call, Answer: &answer}); err != nil {
		return nil, err
	}
	list.Next = answer.next
	for _, id := range ids {
		u, err := h.identity.User(ctx, id)
		if err != nil {
			if roundtrip.AsError(err).Kind == roundtrip.Missing {
				continue // gone since the list was read
			}
			return nil, err
		}
		list.People = append(list.People, h.personView(u))
	}
	return list, nil
}

// searchMax is how many fields are searched; each is looked at for each account.
const searchMax = 4

// searchFilter makes a filter of what somebody typed: an id, or a part of a name or address.
func searchFilter(users *roundtrip.Collection, text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	var parts []string
	if id, ok := roundtrip.ParseID(text); ok {
		parts = append(parts, "id == "+strconv.Quote(id.String()))
	}
	for i := roundtrip.FirstField; i < len(users.Fields) && len(parts) < searchMax; i++ {
		f, find := users.Fields[i], text
		switch f.Type {
		case roundtrip.TypeEmail:
			find = strings.ToLower(text)
		case roundtrip.TypeText:
		default:
			continue
		}
		parts = append(parts, f.Name+".contains("+quoteFilter(find)+")")
	}
	return strings.Join(parts, " || ")
}

// quoteFilter writes a text as a string of the filter language.
func quoteFilter(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}

func (h *house) personView(u identity.User) personView {
	v := personView{
		ID: u.Account.ID().String(), Login: h.desk().LoginOf(u.Account), Roles: append([]string{}, u.Roles...), Locked: u.Locked,
		Since: u.Account.Values[roundtrip.FieldCreateTime].Time(),
	}
	if f := h.identity.FailuresOf(u.Account); f.Count > 0 {
		v.Failures = &failuresView{Count: f.Count, Last: f.Last}
		if !f.Until.IsZero() {
			v.Failures.Until = &f.Until
		}
	}
	return v
}

// person answers GET /api/people/ID.
func (h *house) person(ctx context.Context, id roundtrip.ID) (*personPage, error) {
	u, err := h.identity.User(ctx, id)
	if err != nil {
		return nil, err
	}
	sessions, err := h.identity.UserSessions(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &personPage{personView: h.personView(u), Record: accountJSON{u.Account}, Sessions: []sessionView{}, Logins: []namedText{}}
	for _, name := range h.identity.Login() {
		p.Logins = append(p.Logins, namedText{name, u.Account.Get(name).Text()})
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, sessionView{
			ID: s.ID.String(), Device: s.Name, From: terminal.Network(s.Addr), Created: s.Created, LastUsed: s.LastUsed, Expires: s.Expires,
		})
	}
	slices.SortStableFunc(p.Sessions, func(a, z sessionView) int { return z.LastUsed.Compare(a.LastUsed) })
	return p, nil
}

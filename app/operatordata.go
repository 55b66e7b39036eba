package app

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// countPatience is how long the numbers of records of all collections may take together. What is not counted by then is
// not said: counting reads an index from its beginning to its end.
const countPatience = 400 * time.Millisecond

// Data serves the collections to operators, below /api/data/: what is declared at its root, and their records as the API
// serves them, in the same language.
func (a *App) data() http.Handler {
	return a.operatorPages(func(h *house, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != dataMount || r.Method != http.MethodGet {
			h.operators.door.ServeHTTP(w, r)
			return
		}
		list, err := h.collections(r.Context(), a.around.Now())
		if err == nil {
			list.API = a.apiURL(h)
		}
		answerJSON(w, r, list, err)
	})
}

// apiURL is where the site itself serves the records, "" where it does not.
func (a *App) apiURL(h *house) string {
	for _, s := range h.config.Sites {
		for _, r := range s.Routes {
			if r.API && a.doors != nil {
				return doors.URL(s, a.doors) + strings.TrimSuffix(r.Path, "/") + "/"
			}
		}
	}
	return ""
}

// collectionList is what is declared of records.
type collectionList struct {
	Name        string           `json:"name"`
	API         string           `json:"api,omitempty"` // where the site serves them
	Collections []collectionView `json:"collections"`
}

type collectionView struct {
	Name     string              `json:"name"`
	Where    string              `json:"where"`
	Accounts bool                `json:"accounts,omitempty"` // people sign in to it
	Count    *int64              `json:"count"`              // null where it would take too long
	Fields   []fieldView         `json:"fields"`
	Rules    map[string]ruleView `json:"rules"` // read, create, update, delete; what is not there nobody may
	Indexes  []indexView         `json:"indexes"`
	From     []childView         `json:"from,omitempty"` // who points here
	Hooks    []string            `json:"hooks,omitempty"`
}

type fieldView struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Where     string   `json:"where"`
	System    bool     `json:"system,omitempty"`
	Required  bool     `json:"required,omitempty"`
	Unique    bool     `json:"unique,omitempty"`
	Immutable bool     `json:"immutable,omitempty"`
	Search    bool     `json:"search,omitempty"`
	Served    bool     `json:"served,omitempty"` // an index starts with it
	Default   string   `json:"default,omitempty"`
	To        string   `json:"to,omitempty"` // of a ref, and of a count the collection that is counted
	Of        string   `json:"of,omitempty"` // of a count: the ref that is counted
	OnDelete  string   `json:"on_delete,omitempty"`
	Options   []string `json:"options,omitempty"`
	Match     string   `json:"match,omitempty"`
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	Accept    []string `json:"accept,omitempty"`
	MaxBytes  int64    `json:"max_bytes,omitempty"`
	Sizes     []int    `json:"sizes,omitempty"`
}

type ruleView struct {
	Source string `json:"source"`
	Where  string `json:"where"`
}

type indexView struct {
	Fields []string `json:"fields"`
	Unique bool     `json:"unique,omitempty"`
	Where  string   `json:"where,omitempty"`
}

type childView struct {
	Collection string `json:"collection"`
	Field      string `json:"field"`
	OnDelete   string `json:"on_delete"`
}

// collections describes what is declared. Only operators who may see records are told.
func (h *house) collections(ctx context.Context, now time.Time) (*collectionList, error) {
	if err := mayData(ctx); err != nil {
		return nil, err
	}
	list := &collectionList{Name: h.schema.Name, Collections: []collectionView{}}
	for _, c := range h.schema.Collections {
		list.Collections = append(list.Collections, viewCollection(c))
	}
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	for i, c := range h.schema.Collections {
		list.Collections[i].Count = h.count(ctx, c, now)
	}
	return list, nil
}

// count counts the records of a collection, nil where time ran out.
func (h *house) count(ctx context.Context, c *roundtrip.Collection, now time.Time) *int64 {
	var n *int64
	answer := rowsAnswer{row: func(row roundtrip.Row) error {
		v := row.Int(0)
		n = &v
		return nil
	}}
	call := &roundtrip.Call{Action: roundtrip.Aggregate, Collection: c, Query: roundtrip.Query{Select: []string{"count"}}, Time: now}
	if err := h.operators.core.Do(ctx, &handler.Visit{Call: call, Answer: &answer}); err != nil {
		return nil
	}
	return n
}

func viewCollection(c *roundtrip.Collection) collectionView {
	v := collectionView{
		Name: c.Name, Where: where(c.Pos), Accounts: c.Accounts, Rules: map[string]ruleView{}, Indexes: []indexView{},
	}
	for i, f := range c.Fields {
		v.Fields = append(v.Fields, viewField(c, i, f))
	}
	for action, name := range map[roundtrip.Action]string{
		roundtrip.Get: "read", roundtrip.Create: "create", roundtrip.Update: "update", roundtrip.Delete: "delete",
	} {
		if r := c.Rules[action]; r.Source != "" {
			v.Rules[name] = ruleView{r.Source, where(r.Pos)}
		}
	}
	for _, index := range c.Indexes {
		x := indexView{Unique: index.Unique, Where: where(index.Pos)}
		for _, f := range index.Fields {
			x.Fields = append(x.Fields, c.Fields[f].Name)
		}
		v.Indexes = append(v.Indexes, x)
	}
	for _, child := range c.Children {
		ref := child.From.Fields[child.Ref]
		v.From = append(v.From, childView{child.From.Name, ref.Name, onDelete(ref.OnDelete)})
	}
	for _, action := range []roundtrip.Action{roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
		for _, hook := range c.Hooks[action] {
			v.Hooks = append(v.Hooks, hook+" on "+c.Name+"."+action.Event())
		}
	}
	return v
}

func viewField(c *roundtrip.Collection, i int, f *roundtrip.Field) fieldView {
	v := fieldView{
		Name: f.Name, Type: f.Type.String(), System: i < roundtrip.FirstField, Required: f.Required, Unique: f.Unique,
		Immutable: f.Immutable, Search: f.Search, Served: policy.Served(c, i), Options: f.Options, Match: f.Match, Min: f.Min, Max: f.Max,
		Accept: f.Accept, MaxBytes: f.MaxBytes, Sizes: f.Sizes,
	}
	if !v.System {
		v.Where = where(f.Pos)
	}
	switch f.Default.Source {
	case roundtrip.DefaultAuthID:
		v.Default = "auth.id"
	case roundtrip.DefaultNow:
		v.Default = "now"
	case roundtrip.DefaultConstant:
		v.Default = string(f.Default.Value.AppendJSON(nil))
	case roundtrip.NoDefault:
	}
	switch {
	case f.To == nil:
	case f.Type == roundtrip.TypeRef:
		v.To, v.OnDelete = f.To.Name, onDelete(f.OnDelete)
	case f.Type == roundtrip.TypeCount:
		v.To, v.Of = f.To.Name, f.To.Fields[f.Of].Name
	}
	return v
}

func onDelete(o roundtrip.OnDelete) string {
	switch o {
	case roundtrip.Cascade:
		return "cascade"
	case roundtrip.SetNull:
		return "null"
	case roundtrip.Restrict:
	}
	return "restrict"
}

// where is a place in the declaration, "" where there is none.
func where(p roundtrip.Pos) string {
	if p.Line == 0 {
		return ""
	}
	p.File = filepath.Base(p.File)
	return p.String()
}

// rowsAnswer hands the rows of a call to a function. It is a [handler.Answer].
type rowsAnswer struct {
	row  func(roundtrip.Row) error
	next string
}

// Begin has nothing to prepare.
func (*rowsAnswer) Begin(context.Context, *policy.Permit, []handler.Hop) error { return nil }

// Row hands on the rows of the call itself.
func (a *rowsAnswer) Row(hop int, row roundtrip.Row) error {
	if hop > 0 {
		return nil
	}
	return a.row(row)
}

// Written is of writes, which are not made with it.
func (*rowsAnswer) Written(int, *roundtrip.Record, int64) error { return nil }

// End keeps the next page's token.
func (a *rowsAnswer) End(next string, _ int64, _ bool) error {
	a.next = next
	return nil
}

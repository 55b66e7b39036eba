package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// shownOperator is an operator as owners see one: all but the hash.
type shownOperator struct {
	Name    string         `json:"name"`
	Role    operators.Role `json:"role"`
	Created time.Time      `json:"created"`
	Seen    time.Time      `json:"seen,omitzero"`
}

func (c *Console) listOperators(*http.Request) (any, error) {
	list, err := c.book.List()
	if err != nil {
		return nil, err
	}
	shown := make([]shownOperator, 0, len(list))
	for _, o := range list {
		shown = append(shown, shownOperator{o.Name, o.Role, o.Created, o.Seen})
	}
	return struct {
		Operators []shownOperator `json:"operators"`
	}{shown}, nil
}

// roleOf reads {role} of a body.
func roleOf(r *http.Request) (operators.Role, error) {
	var in struct {
		Role string `json:"role"`
	}
	if err := readJSON(r, &in); err != nil {
		return 0, err
	}
	role, ok := operators.RoleOf(in.Role)
	if !ok {
		message := "a role is one of " + strings.Join(operators.RoleWords(), ", ")
		return 0, roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", message).
			With(roundtrip.Detail{Pointer: "/role", Code: "unknown_role", Message: message})
	}
	return role, nil
}

func (c *Console) invite(r *http.Request) (any, error) {
	role, err := roleOf(r)
	if err != nil {
		return nil, err
	}
	if err := Note(r.Context(), Entry{What: "operator.link", Note: role.String()}); err != nil {
		return nil, err
	}
	link, err := c.Link(role)
	return struct {
		Link    string `json:"link"`
		Minutes int    `json:"minutes"`
	}{link, int(operators.LinkLife.Minutes())}, err
}

func (c *Console) setRole(r *http.Request) (any, error) {
	role, err := roleOf(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	known, err := c.book.Find(name)
	if err != nil {
		return nil, err
	}
	if err := Note(r.Context(), Entry{What: "operator.role", Target: known.Name, Note: known.Role.String() + " → " + role.String()}); err != nil {
		return nil, err
	}
	_, err = c.book.SetRole(name, role)
	return shownOperator{known.Name, role, known.Created, known.Seen}, c.undone(r, "operator.role", known.Name, err)
}

func (c *Console) removeOperator(r *http.Request) (any, error) {
	known, err := c.book.Find(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	if err := Note(r.Context(), Entry{What: "operator.remove", Target: known.Name, Note: known.Role.String()}); err != nil {
		return nil, err
	}
	if err := c.book.Remove(known.Name); err != nil {
		return nil, c.undone(r, "operator.remove", known.Name, err)
	}
	c.sessions.endOf(known.Name, "")
	return struct{}{}, nil
}

// undone notes that what was noted just now did not come to be.
func (c *Console) undone(r *http.Request, what, target string, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(Note(r.Context(), Entry{What: what, Target: target, Refused: roundtrip.AsError(err).Reason}), err)
}

package operators

import (
	"fmt"
	"strings"
)

// Role says what an operator may do. Each may what the one before it may.
type Role uint8

// The roles.
const (
	Viewer  Role = iota + 1 // sees journeys and stations, but not who it was, and no data
	Operate                 // everything but the management of operators
	Owner                   // that, too
)

// RoleWords returns the words of all roles, the least first.
func RoleWords() []string { return []string{"viewer", "operator", "owner"} }

// String returns the role's word.
func (r Role) String() string {
	if r < Viewer || r > Owner {
		return "nobody"
	}
	return RoleWords()[r-1]
}

// RoleOf returns the role of a word; ok is false where there is none.
func RoleOf(word string) (r Role, ok bool) {
	for i, w := range RoleWords() {
		if w == word {
			return Role(i + 1), true
		}
	}
	return 0, false
}

// MarshalText writes the role's word.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's word.
func (r *Role) UnmarshalText(text []byte) error {
	role, ok := RoleOf(string(text))
	if !ok {
		return fmt.Errorf("%q is no role; expected one of %s", text, strings.Join(RoleWords(), ", "))
	}
	*r = role
	return nil
}

package schema_test

import (
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
)

func noEnv(string) (string, bool) { return "", false }

func gallery(t *testing.T) *schema.Schema {
	t.Helper()
	c, err := config.Load("../examples/gallery", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema_BuildsTheGallery(t *testing.T) {
	t.Parallel()
	s := gallery(t)
	photos, likes := s.Lookup("photos"), s.Lookup("likes")
	if len(likes.Counters) != 1 || likes.Counters[0].Holder != photos {
		t.Errorf("likes are counted by %+v", likes.Counters)
	}
	if field, _ := photos.Lookup("likes"); likes.Counters[0].Field != field || photos.Fields[field].To != likes {
		t.Errorf("photos.likes follows %+v", photos.Fields[field])
	}
	if got := len(photos.Children); got != 2 {
		t.Errorf("photos have %d children", got)
	}
	if s.Accounts() != s.Lookup("users") {
		t.Error("users are not the accounts")
	}
}

func TestSchema_KnowsTheRoles(t *testing.T) {
	t.Parallel()
	s := build(t, "name: app\nidentity: { accounts: users, roles: [moderator, editor] }\ncollections:\n  users: { fields: { handle: { type: text, unique: true } } }\n")
	if len(s.Roles) != 2 || s.Roles[0] != "moderator" {
		t.Errorf("got %v", s.Roles)
	}
}

func TestSchema_WarnsOfCollectionsWithoutRoute(t *testing.T) {
	t.Parallel()
	const things = "name: app\ncollections:\n  things: { fields: { text: { type: text } } }\n"
	s := build(t, things)
	if len(s.Warnings) != 1 || s.Warnings[0].Pos.Line != 3 || !strings.Contains(s.Warnings[0].Message, "to: api") {
		t.Errorf("got %v", s.Warnings)
	}
	if s := build(t, things+"sites: { app.test: { routes: [{ path: /, static: web }] } }\n"); len(s.Warnings) != 1 {
		t.Errorf("got %v", s.Warnings)
	}
	for _, source := range []string{"name: app\n", things + "sites: { app.test: { routes: [{ path: /api/, to: api }] } }\n"} {
		if s := build(t, source); len(s.Warnings) != 0 {
			t.Errorf("got %v", s.Warnings)
		}
	}
}

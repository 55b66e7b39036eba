package schema_test

import (
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

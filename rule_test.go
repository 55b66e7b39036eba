package roundtrip_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
)

func TestRule_Who(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                   "nobody",
		"false":                              "nobody",
		" true\n":                            "anybody",
		"auth.id != null":                    "who is signed in",
		"auth.id!=null":                      "who is signed in",
		"auth.id != null && record.public":   "whom a rule lets",
		"auth.id == record.id":               "whom a rule lets",
		"true == false":                      "whom a rule lets",
		`"moderator" in auth.roles || false`: "whom a rule lets",
	} {
		if got := (roundtrip.Rule{Source: source}).Who().String(); got != want {
			t.Errorf("%q lets %s, want %s", source, got, want)
		}
	}
}

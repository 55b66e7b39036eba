package config_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
)

func noEnv(string) (string, bool) { return "", false }

func TestConfig_ReadsTheExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gallery", "empty"} {
		c, err := config.Load("../examples/"+name, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Collections) == 0 || len(c.Sites) != 1 {
			t.Fatalf("%s: %+v", name, c)
		}
		t.Logf("%+v", c.Identity)
		t.Logf("%+v %+v", c.Store, c.Journeys)
		t.Logf("%+v %+v", c.Sites[0], c.Dev().Sites[0].CORS)
		t.Logf("%+v", c.Collections[1])
	}
}

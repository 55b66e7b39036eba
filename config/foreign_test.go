package config_test

import (
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
)

func TestParse_KnowsWhatOtherServersCallIt(t *testing.T) {
	t.Parallel()
	const head = "name: a\nsites:\n  a.test:\n    routes:\n      - { path: /, "
	for line, want := range map[string]string{
		"proxy_pass: 'http://127.0.0.1:3000'":                                   `"proxy"`,
		"static: public, autoindex: true":                                       `"listing"`,
		"proxy: 'http://127.0.0.1:3000', healthcheck: { path: /healthz }":       `"health"`,
		"proxy: 'http://127.0.0.1:3000', health: { path: /h, interval: 5s }":    `"every"`,
		"proxy: 'http://127.0.0.1:3000', limits: { client_max_body_size: 1GB }": `"body"`,
	} {
		_, err := config.Parse("roundtrip.yaml", []byte(head+line+" }\n"), noEnv)
		if err == nil || !strings.Contains(err.Error(), "did you mean "+want) || strings.Count(err.Error(), "roundtrip.yaml:") != 1 {
			t.Errorf("%s: %v", line, err)
		}
	}
}

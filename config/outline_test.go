package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

const outlined = `name: shop
store:
  pool: { max: 40, wait: 2s }
sites:
  shop.test:
    tls: { cert: a.pem, key: { env: SHOP_KEY } }
    routes:
      - { path: /api/, to: api }
      - path: /
        static: web
    cors:
      origins:
        - https://shop.test
        - https://admin.shop.test
`

func changes(a, z string) string {
	var lines []string
	for _, c := range config.Diff(config.NewOutline("shop.yaml", []byte(a)), config.NewOutline("shop.yaml", []byte(z))) {
		lines = append(lines, fmt.Sprintf("%s: %q -> %q at %s", c.Path, c.Was, c.Now, c.Where))
	}
	return strings.Join(lines, "\n")
}

func TestDiff_NamesEachKeyThatChangedWithBothValuesAndItsLine(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a value", "max: 40", "max: 20", `store.pool.max: "40" -> "20" at shop.yaml:3:11`},
		{"its form alone", "pool: { max: 40, wait: 2s }", "pool:\n    wait: 2s\n    max: '40'", ""},
		{"a key that is new", "max: 40,", "max: 40, min: 1,", `store.pool.min: "" -> "1" at shop.yaml:3:20`},
		{"a key that is gone", "max: 40, ", "", `store.pool.max: "40" -> "" at shop.yaml:3:3`},
		{"a block", "store:\n  pool: { max: 40, wait: 2s }\n", "", `store: "{pool: {max: 40, wait: 2s}}" -> "" at shop.yaml:1:1`},
		{"an item of a list that is gone", "        - https://shop.test\n", "", `sites.shop.test.cors.origins: "https://shop.test" -> "" at shop.yaml:12:7`},
		{"an item that only moved", "        - https://shop.test\n        - https://admin.shop.test\n", "        - https://admin.shop.test\n        - https://shop.test\n", ""},
		{"a block of a list", "static: web", "static: web/dist", `sites.shop.test.routes[1].static: "web" -> "web/dist" at shop.yaml:10:9`},
		{
			"a block before others", "      - { path: /api/, to: api }\n", "      - { path: /old, redirect: / }\n      - { path: /api/, to: api }\n",
			`sites.shop.test.routes[0]: "" -> "{path: /old, redirect: /}" at shop.yaml:8:9`,
		},
		{"where a secret lies, and never the secret", "env: SHOP_KEY", "env: OTHER_KEY", `sites.shop.test.tls.key.env: "SHOP_KEY" -> "OTHER_KEY" at shop.yaml:6:32`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := changes(outlined, strings.Replace(outlined, c.old, c.new, 1)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestDiff_TellsOfLongValuesTheirBeginning(t *testing.T) {
	got := config.Diff(config.NewOutline("a", []byte("name: a")), config.NewOutline("a", []byte("name: "+strings.Repeat("é", 1000))))
	if len(got) != 1 || len(got[0].Now) > 250 || !strings.HasSuffix(got[0].Now, "é…") {
		t.Errorf("got %v", got)
	}
}

func TestDiff_OfAFileThatCannotBeReadIsEmpty(t *testing.T) {
	if got := changes(outlined, "name: [a"); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestOutline_FindsKeysByTheirPathAndByTheirBlock(t *testing.T) {
	o := config.NewOutline("shop.yaml", []byte(outlined))
	pos := func(line, column int) roundtrip.Pos {
		return roundtrip.Pos{File: "shop.yaml", Line: line, Column: column}
	}
	for _, c := range []struct {
		path string
		want roundtrip.Pos
	}{
		{"name", pos(1, 1)},
		{"store pool max", pos(3, 11)},
		{"sites shop.test cors origins 1", pos(14, 11)},
		{"sites shop.test routes 1 static", pos(10, 9)},
		{"sites shop.test routes 2", roundtrip.Pos{}},
		{"store pool least", roundtrip.Pos{}},
	} {
		if got := o.Place(strings.Fields(c.path)...); got != c.want {
			t.Errorf("%s stands at %v, want %v", c.path, got, c.want)
		}
	}
	site := o.Place("sites", "shop.test")
	if got := o.Below(site, "cors", "origins"); got != pos(12, 7) {
		t.Errorf("the origins of the site stand at %v", got)
	}
	if got := o.Below(pos(9, 9), "static"); got != pos(10, 9) {
		t.Errorf("the folder of the route stands at %v", got)
	}
	if got := o.Below(pos(99, 1), "static"); got.Line != 0 {
		t.Errorf("no block begins in line 99, and its key stands at %v", got)
	}
}

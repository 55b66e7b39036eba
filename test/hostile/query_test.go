package hostile

import (
	"net/url"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// poison is what has broken other people's queries.
func poison() []string {
	return []string{
		`'`, `"`, "`", `';`, `' OR '1'='1`, `' OR 1=1 --`, `1; DROP TABLE users; --`, `") OR 1=1 --`, `x' UNION SELECT sql FROM sqlite_master --`,
		`\`, `\'; --`, `%27 OR 1=1`, `/* */`, `--`, `;`, `) OR (1`, `{{7*7}}`, `${7*7}`, `$(id)`, `../../etc/passwd`, "\r\nSet-Cookie: a=b",
		"\u202e", "\ufeff", "\U0001F600", "ａｕｔｈ.id", "a\u0000b", "true || true", `auth.id != null`, `record.private`, `[]`, `{}`, `null`, `NaN`, `-1`, `1e999999`,
		strings.Repeat("9", 400), strings.Repeat("A", 3000), strings.Repeat("(", 1000), `_sessions`, `_keys`, `rowid`, `sqlite_master`, `id;id`, `*`, `?1`, `:a`, `@a`, `$1`,
	}
}

func TestHostile_NoParameterReachesTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range poison() {
		for _, name := range []string{"order_by", "page_token", "page_size", "fields", "expand", "count"} {
			w.refuse(t, w.bo, attack{name: name, method: "GET", path: "photos?" + query(name, p), status: 400})
		}
		for _, name := range []string{"group_by", "select"} {
			w.refuse(t, w.bo, attack{name: name, method: "GET", path: "photos:aggregate?" + query(name, p), status: 400})
		}
		w.refuse(t, w.bo,
			attack{name: "select", method: "GET", path: "photos:aggregate?" + query("select", "sum("+p+")"), status: 400},
			attack{name: "equal id", method: "GET", path: "photos?" + query("author", p), status: 400},
			attack{name: "equal bool", method: "GET", path: "photos?" + query("private", p), status: 400},
			attack{name: "equal time", method: "GET", path: "photos?" + query("create_time", p), status: 400},
			attack{name: "parameter", method: "GET", path: "photos?" + query(p, "1"), status: 400},
			attack{name: "size", method: "GET", path: "files/photos/" + w.public + "/image?" + query("size", p), status: 400},
			attack{name: "version", method: "GET", path: "files/photos/" + w.public + "/image?" + query("v", p)},
		)
		w.names(t, p)
		w.nothing(t, "equal text", "photos?"+query("caption", p))
		w.nothing(t, "filter text", "photos?"+query("filter", "caption == "+quoteCEL(p)))
		w.nothing(t, "filter contains", "photos?"+query("filter", "caption.contains("+quoteCEL(p+"\u2603")+")"))
		if p != "true || true" && p != "auth.id != null" && p != "record.private" {
			w.refuse(t, w.bo, attack{name: "filter", method: "GET", path: "photos?" + query("filter", p), status: 400, reason: ""})
		}
	}
	w.unharmed(t)
}

// names sends a text as an id, a collection, a verb, a file's field, a session and an idempotency key.
func (w *world) names(t *testing.T, p string) {
	t.Helper()
	in := url.PathEscape(p)
	for _, path := range []string{"photos/" + in, in, in + "/" + w.public, "photos:" + in, "files/" + in + "/" + w.public + "/image", "files/photos/" + in + "/image", "files/photos/" + w.public + "/" + in, "auth/" + in} {
		w.refuse(t, w.bo, attack{name: "name", method: "GET", path: path})
	}
	w.refuse(t, w.bo,
		attack{name: "id", method: "DELETE", path: "photos/" + in}, attack{name: "session", method: "DELETE", path: "auth/sessions/" + in}, attack{name: "collection", method: "POST", path: in, body: server.JSON{}},
		attack{name: "id in a body", method: "POST", path: "likes", body: server.JSON{"photo": p}, status: 400}, attack{name: "name of a field", method: "POST", path: "likes", body: server.JSON{p: p}, status: 400},
		attack{name: "id of a batch", method: "POST", path: "batch", body: server.JSON{"ops": []server.JSON{{"op": "delete", "collection": "photos", "id": p}}}, status: 400, at: "/ops/0/id"},
		attack{name: "collection of a batch", method: "POST", path: "batch", body: server.JSON{"ops": []server.JSON{{"op": "delete", "collection": p, "id": w.public}}}, status: 400, at: "/ops/0/collection"},
	)
	if strings.Trim(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'\"`;()[]{}$*?:@./|=_-\\%") != "" || len(p) > 255 {
		return
	}
	one := w.bo.Want(201, "POST", "things", server.JSON{"label": "keyed"}, "Idempotency-Key", p).Text("id")
	if two := w.bo.Want(201, "POST", "things", server.JSON{"label": "keyed"}, "Idempotency-Key", p).Text("id"); one != two {
		t.Errorf("the key %q made two records", p)
	}
	w.bo.Want(204, "DELETE", "things/"+one, nil)
}

// nothing fails the test unless the list is empty, or refused.
func (w *world) nothing(t *testing.T, name, path string) {
	t.Helper()
	a := w.bo.Do("GET", path, nil)
	if a.Status == 200 && len(a.List("photos")) == 0 {
		return
	}
	refused(t, name+" "+clip(path), a, 400, "", "")
}

// quoteCEL writes a text as a literal of a filter.
func quoteCEL(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`, "\x00", `\u0000`).Replace(s) + `"`
}

func TestHostile_Filters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var attacks []attack
	for name, f := range map[string]string{
		"depth of brackets":  strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
		"depth of not":       strings.Repeat("!", 3000) + "private",
		"depth of minus":     "likes > " + strings.Repeat("-", 3000) + "1",
		"length":             strings.Repeat("likes > 1 && ", 400) + "true",
		"int":                "likes > " + strings.Repeat("9", 400),
		"float":              "likes > 1e999999",
		"null order":         "likes > null",
		"open text":          `caption == "abc`,
		"open triple":        `caption == """abc`,
		"bad escape":         `caption == "\q"`,
		"surrogate":          `caption == "\ud800"`,
		"nul":                `caption == "\x00"`,
		"unknown function":   `system("id")`,
		"unknown field":      `password == "x"`,
		"password of author": `author.password == "x"`,
		"hash":               `_hash == "x"`,
		"unknown scan":       `sessions.exists(s, true)`,
		"system table":       `_sessions.exists(s, true)`,
		"regexp":             `caption.matches("(a+)+$")`,
		"bad regexp":         `caption.matches("(")`,
		"sql":                `1=1; DROP TABLE photos`,
		"file":               `image == "x"`,
		"long list":          "likes in [" + strings.Repeat("1,", 2500) + "1]",
		"deep ref":           "author.author.author.author == null",
		"duration":           `create_time > now - duration("999999999999999999h")`,
		"time":               `create_time > timestamp("9999999-01-01T00:00:00Z")`,
		"index":              `caption[0] == "x"`,
		"auth":               `auth.password == "x"`,
		"many exists":        strings.Repeat("follows.exists(f, f.followee == author) && ", 40) + "true",
		"quadratic":          `photos.exists(a, photos.exists(b, a.likes > b.likes && b.likes > a.likes))`,
		"exists of all":      `photos.exists(p, p.likes > likes)`,
		"nested exists":      `follows.exists(a, follows.exists(b, follows.exists(c, follows.exists(d, follows.exists(e, follows.exists(g, true))))))`,
	} {
		attacks = append(attacks, attack{name: name, method: "GET", path: "photos?" + query("filter", f), status: 400, at: "filter"})
		attacks = append(attacks, attack{name: name, method: "GET", path: "photos:aggregate?" + query("filter", f), status: 400, at: "filter"})
	}
	w.refuse(t, w.bo, attacks...)
	w.unharmed(t)
}

func TestHostile_QueryStrings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("a", 100<<10)
	w.refuse(t, w.bo,
		attack{name: "twice", method: "GET", path: "photos?page_size=1&page_size=2", status: 400, at: "page_size"},
		attack{name: "equality twice", method: "GET", path: "photos?caption=a&caption=b", status: 400, at: "caption"},
		attack{name: "escaped twice", method: "GET", path: "photos?filter=true&%66ilter=false", status: 400, at: "filter"},
		attack{name: "filter and its array", method: "GET", path: "photos?filter[]=true", status: 400, reason: "request.unknown_parameter"},
		attack{name: "case", method: "GET", path: "photos?FILTER=true", status: 400, reason: "request.unknown_parameter", at: "FILTER"},
		attack{name: "nul", method: "GET", path: "photos?filter=true%00", status: 400},
		attack{name: "nul in a name", method: "GET", path: "photos?fil%00ter=true", status: 400},
		attack{name: "overlong utf-8", method: "GET", path: "photos?caption=%c0%ae", status: 400},
		attack{name: "surrogate", method: "GET", path: "photos?caption=%ed%a0%80", status: 400},
		attack{name: "half an escape", method: "GET", path: "photos?caption=%2", status: 400},
		attack{name: "no escape", method: "GET", path: "photos?caption=%zz", status: 400},
		attack{name: "percent u", method: "GET", path: "photos?caption=%u0027", status: 400},
		attack{name: "twice escaped name", method: "GET", path: "photos?%2566ilter=true", status: 400, reason: "request.unknown_parameter"},
		attack{name: "semicolon", method: "GET", path: "photos?page_size=1;filter=false", status: 400},
		attack{name: "too many orders", method: "GET", path: "photos?order_by=" + strings.Repeat("id,", 500) + "id", status: 400, at: "order_by"},
		attack{name: "too many fields", method: "GET", path: "photos?fields=" + strings.Repeat(",", 5000), status: 400, at: "fields"},
		attack{name: "too many expands", method: "GET", path: "photos?expand=" + strings.Repeat("author,", 500) + "x", status: 400, at: "expand"},
		attack{name: "deep expand", method: "GET", path: "comments?expand=photo.author.photo.author", status: 400, at: "expand"},
		attack{name: "page size 0", method: "GET", path: "photos?page_size=0", status: 400, at: "page_size"},
		attack{name: "page size -1", method: "GET", path: "photos?page_size=-1", status: 400, at: "page_size"},
		attack{name: "page size 201", method: "GET", path: "photos?page_size=201", status: 400, at: "page_size"},
		attack{name: "page size 2^31", method: "GET", path: "photos?page_size=2147483648", status: 400, at: "page_size"},
		attack{name: "page size 2^64", method: "GET", path: "photos?page_size=18446744073709551617", status: 400, at: "page_size"},
		attack{name: "parameters of a write", method: "POST", path: "likes?photo=" + w.public, body: server.JSON{}, status: 400},
		attack{name: "parameters of a delete", method: "DELETE", path: "photos/" + w.public + "?force=true", status: 400},
		attack{name: "parameters of a sign-in", method: "POST", path: "auth/sign-in?handle=ana", body: server.JSON{}, status: 400},
		attack{name: "a token in the query", method: "GET", path: "auth/me?access_token=x", status: 400},
		attack{name: "a field of another type", method: "GET", path: "things?data=1", status: 400, at: "data"},
	)
	for _, a := range w.raw(t, "GET /api/photos?caption="+long+" HTTP/1.1\r\nHost: gallery.test\r\n\r\n", 1) {
		refused(t, "100 kB", a, 431, "request.headers_too_large", "")
	}
	w.unharmed(t)
}

func TestHostile_PageTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, code := range []string{"a", "b", "c"} {
		w.bo.Want(201, "POST", "things", server.JSON{"label": code, "number": 1})
	}
	w.before = w.snapshot(t)
	first := w.bo.Want(200, "GET", "things?page_size=1&filter="+url.QueryEscape("number == 1"), nil)
	token := first.Text("next_page_token")
	use := func(name, path, token string) attack {
		return attack{name: name, method: "GET", path: path + "&page_token=" + url.QueryEscape(token), status: 400, reason: "request.page_token", at: "page_token"}
	}
	good := "things?page_size=1&filter=" + url.QueryEscape("number == 1")
	w.bo.Want(200, "GET", good+"&page_token="+token, nil)
	attacks := []attack{
		use("another filter", "things?page_size=1&filter="+url.QueryEscape("number == 2"), token),
		use("no filter", "things?page_size=1", token),
		use("spaces in the filter", "things?page_size=1&filter="+url.QueryEscape("number  == 1"), token),
		use("another order", good+"&order_by="+url.QueryEscape("id desc"), token),
		use("another collection", "likes?page_size=1", token),
		use("an equality", good+"&label=a", token),
		use("longer", good, token+"A"), use("twice", good, token+token), use("padding", good, token+"="),
		use("reversed", good, reverse(token)), use("spaces", good, " "+token), use("nonsense", good, "AQ"), use("json", good, `{"id":1}`),
	}
	for i := range token {
		attacks = append(attacks, use("cut", good, token[:max(i, 1)]), use("edited", good, token[:i]+other(token[i])+token[i+1:]))
	}
	w.refuse(t, w.bo, attacks...)
	w.refuse(t, w.ana, use("another person's", good, token))
	w.refuse(t, w.stranger, use("of somebody signed in", good, token))
	w.unharmed(t)
}

func other(c byte) string {
	if c == 'A' {
		return "g"
	}
	return "A"
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

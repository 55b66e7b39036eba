package config

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

func journeysKey() key {
	keys := []key{
		integer("recent", 16, 1_000_000, func(j *Journeys) *int { return &j.Recent }).or("4096").eg("10000").
			says("How many of the last requests the server remembers, whatever they were; each takes about 2 kB. A quarter as many of all else (connections, queries, events, messages) come besides. A change counts from the next start."),
		integer("kept", 0, 1_000_000, func(j *Journeys) *int { return &j.Kept }).or("2048").eg("10000").
			says("How many journeys are remembered longer, because keep says that they are worth it. A change counts from the next start."),
		truth("log", func(j *Journeys) *bool { return &j.Log }).or("true").eg("false").
			says("Whether each request is logged as one line of JSON on standard error. It names the network of the client (/24, of IPv6 /56) and not the address."),
		block("keep", func(j *Journeys) *Keep { return &j.Keep }, keepKeys()...).eg("{ errors: all, slow: p99, sample: 1% }").
			says("Which journeys are remembered longer. The first of each route and reason in ten minutes, what roundtrip why asked, and what an operator has pinned are so always. One network of clients fills a bounded part."),
		texts("headers", func(j *Journeys) *[]string { return &j.Headers }).eg("[User-Agent, Accept-Language]").each(checkKept).after(canonical).
			says("Headers of requests whose values journeys keep, at most 8 and 200 bytes of each; operators alone see them. None by default. What is a secret by its nature (Authorization, Cookie, Proxy-Authorization, API keys, and the headers by which proxies tell of the client) is refused."),
		later("export", "recent and log; journeys are not sent elsewhere yet"),
	}
	k := block("journeys", func(c *Config) *Journeys { return &c.Journeys }, keys...)
	read := k.set
	k.set = func(d *decoder, target any, n *node) {
		switch {
		case n.kind == scalarNode && n.text == "off":
			target.(*Config).Journeys.Off = true
		case n.kind == mapNode:
			read(d, target, n)
		default:
			d.wrong(n, "off, or a block with "+keyWords(keys))
		}
	}
	k.typ.words = "off, or a block with " + keyWords(keys)
	k.typ.json = map[string]any{"enum": []string{"off"}}
	return k.eg("{ keep: { errors: all, slow: p99, sample: 1% } }").
		says("The record that each request leaves: its hops, their verdicts and times. off keeps none. docs/journeys.md shows them.")
}

// checkKept refuses headers that journeys must not show to anybody.
func checkKept(name string) error {
	if !headerName.MatchString(name) {
		return mistake("is no header name; expected letters, digits and dashes")
	}
	low := strings.ToLower(name)
	for _, secret := range []string{"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "signature", "credential", "csrf", "xsrf", "session"} {
		if strings.Contains(low, secret) {
			return mistake("holds a secret, which no journey may keep; expected a header such as User-Agent")
		}
	}
	switch low {
	case "forwarded", "x-forwarded-for", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip":
		return mistake("holds the client's address, of which journeys keep the network alone; expected a header such as User-Agent")
	}
	return nil
}

// keptMax is how many headers journeys keep.
const keptMax = 8

// canonical brings the names into the form of net/http, each once.
func canonical(d *decoder, target any, n *node) {
	j := target.(*Journeys)
	if len(j.Headers) > keptMax {
		d.add(n, "journeys keep at most %d headers, and %d are named", keptMax, len(j.Headers))
		return
	}
	for i, name := range j.Headers {
		j.Headers[i] = http.CanonicalHeaderKey(name)
	}
}

func keepKeys() []key {
	allOrNone := func(name string, at func(*Keep) *bool) key {
		return choice(name, []string{"all", "none"}, func(k *Keep, v string) { *at(k) = v == "all" }).or("all").eg("none")
	}
	const slowWords = "p99, p95, p90, a duration with its unit (such as 500ms), or off"
	const shareWords = "a part in percent, from 0% to 100%, such as 1%"
	return []key{
		allOrNone("errors", func(k *Keep) *bool { return &k.Errors }).
			says("What failed on this side: 5xx, a broken connection to an upstream, a crash."),
		allOrNone("refusals", func(k *Keep) *bool { return &k.Refusals }).
			says("What something refused on purpose: a rule, a limit, a missing session, no route."),
		special("slow", slowWords, map[string]any{"type": "string", "pattern": `^(off|p9[059]|` + strings.Trim(durationPattern, "^$") + `)$`}, decodeSlow).
			or("p99").eg("500ms").
			says("What is slower than 99 % (95 %, 90 %) of the last requests of its own route, or than a duration."),
		duration("waits", "1ms", "1h", func(k *Keep) *time.Duration { return &k.Waits }).or("10ms").eg("100ms").
			says("What waited at one hop for at least so long, such as for a reader of the database."),
		special("sample", shareWords, map[string]any{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)?%$`}, decodeSample).
			or("1%").eg("0.1%").
			says("That part of all journeys, so that there is something normal to compare with."),
		duration("for", "1m", "7d", func(k *Keep) *time.Duration { return &k.For }).or("15m").eg("1h").
			says("Nothing is remembered longer than this, but what an operator has pinned. Journeys are in memory only."),
	}
}

func decodeSlow(d *decoder, k *Keep, n *node) {
	k.Slow, k.Over = 0, 0
	switch {
	case n.kind != scalarNode:
		d.wrong(n, "p99, p95, p90, a duration with its unit (such as 500ms), or off")
	case n.text == "off":
	case n.text == "p99" || n.text == "p95" || n.text == "p90":
		part, _ := strconv.Atoi(n.text[1:])
		k.Slow = float64(part) / 100
	case strings.HasPrefix(n.text, "p"):
		d.wrong(n, "p99, p95, p90, a duration with its unit (such as 500ms), or off")
	default:
		if v, ok := d.duration(n, "1ms", "1h"); ok {
			k.Over = v
		}
	}
}

func decodeSample(d *decoder, k *Keep, n *node) {
	text, percent := strings.CutSuffix(n.text, "%")
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case n.kind != scalarNode || err != nil:
		d.wrong(n, "a part in percent, from 0% to 100%, such as 1%")
	case !percent:
		d.add(n, "%s: %s has no unit", n.name, shorten(n.text)).Expect("a part in percent, such as 1%%")
	case !(v >= 0 && v <= 100): // NaN is none
		d.add(n, "%s can't be %s", n.name, shorten(n.text)).Expect("0%% to 100%%")
	default:
		k.Sample = v / 100
	}
}

package config

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a rate.
const (
	maxRateCount = 1_000_000
	maxRatePer   = 24 * time.Hour
	maxRates     = 8
)

const rateWords = "a rate and whose requests count together, such as 50/s per client, 1000/m per account, 10/s per header X-Api-Key or 5000/s per site"

func limitsKeys(body key) []key {
	rates := map[string]any{"anyOf": []any{map[string]any{"type": "string"}, textsJSON()}}
	return []key{
		body,
		special("requests", rateWords+"; or a list of them", rates, decodeRequests).eg("50/s per client").orElse("no limit").
			says("How many requests there may be. client counts by address (by /64 for IPv6), account by who is signed in (strangers by address), header by the value of one (requests without it by address), site all together. A request over the limit gets 429 with Retry-After; preflights are not counted."),
		special("burst", "a whole number from 1 to "+thousands(maxRateCount), map[string]any{"type": "integer", "minimum": 1, "maximum": maxRateCount},
			func(d *decoder, _ *Limits, n *node) { d.integer(n, 1, maxRateCount) }).eg("100").orElse("twice the rate").
			says("How many requests there may be at once, before the rate holds. In a list of rates, each has its own: 50/s per client burst 100."),
	}
}

// checkLimits gives the burst to the one rate that it is of.
func checkLimits(d *decoder, l *Limits, n *node) {
	i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key == "burst" })
	if i < 0 || l == nil {
		return
	}
	at := n.pairs[i].value
	switch {
	case len(l.Requests) == 0:
		d.add(at, "burst needs a rate").Expect("requests: 50/s per client beside it")
	case len(l.Requests) > 1:
		d.add(at, "burst goes with one rate, and there are %d", len(l.Requests)).Expect("a burst with each: [50/s per client burst 100, …]")
	case strings.Contains(n.pairs[slices.IndexFunc(n.pairs, func(p pair) bool { return p.key == "requests" })].value.text, "burst"):
		d.add(at, "the burst is said twice").Expect("it once: here, or behind the rate")
	default:
		if v, ok := d.integer(at, 1, maxRateCount); ok {
			l.Requests[0].Burst = v
		}
	}
}

func decodeRequests(d *decoder, l *Limits, n *node) {
	items := []*node{n}
	if n.kind == listNode {
		items = n.items
		if len(items) == 0 || len(items) > maxRates {
			d.add(n, "requests has %d rates", len(items)).Expect("1 to %d", maxRates)
			return
		}
	}
	for _, item := range items {
		if item.kind != scalarNode {
			d.wrong(item, rateWords)
			continue
		}
		s, ok := d.text(item)
		if !ok {
			continue
		}
		r, problem := parseRate(s)
		if problem != nil {
			added := d.add(item, "%q %s", shorten(s), problem.what)
			added.Expect("%s", problem.expected).Near(problem.word, problem.near)
			continue
		}
		r.Pos = item.at
		if slices.ContainsFunc(l.Requests, func(o Rate) bool { return o.Key == r.Key && o.Header == r.Header && o.Per == r.Per }) {
			d.add(item, "%q has the key and the unit of a rate before it", shorten(s)).Expect("one of the two")
			continue
		}
		l.Requests = append(l.Requests, r)
	}
}

// rateProblem says what is wrong with a rate.
type rateProblem struct {
	what, expected, word string
	near                 []string
}

// parseRate reads such as 50/s per client burst 100.
func parseRate(s string) (Rate, *rateProblem) {
	words := strings.Fields(s)
	count, unit, ok := strings.Cut(words[0], "/")
	if !ok {
		return Rate{}, &rateProblem{what: "is no rate", expected: rateWords}
	}
	r := Rate{}
	var err error
	if r.Count, err = strconv.Atoi(count); err != nil || r.Count < 1 || r.Count > maxRateCount {
		return r, &rateProblem{what: "has no good number of requests", expected: "a whole number from 1 to " + thousands(maxRateCount) + " before the /"}
	}
	if unit != "" && (unit[0] < '0' || unit[0] > '9') {
		unit = "1" + unit
	}
	if r.Per, ok = ParseDuration(unit); !ok || r.Per < time.Second || r.Per > maxRatePer {
		return r, &rateProblem{what: "has no good unit of time", expected: "s, m, h or d behind the /, or a time such as 10s, up to 1d", word: strings.TrimPrefix(unit, "1"), near: []string{"s", "m", "h", "d"}}
	}
	rest, problem := r.readKey(words[1:])
	if problem != nil {
		return r, problem
	}
	r.Burst = min(2*r.Count, math.MaxInt32)
	if len(rest) == 0 {
		return r, nil
	}
	if len(rest) != 2 || rest[0] != "burst" {
		return r, &rateProblem{what: "goes on after its key", expected: "nothing more, or burst and a number", word: rest[0], near: []string{"burst"}}
	}
	if r.Burst, err = strconv.Atoi(rest[1]); err != nil || r.Burst < 1 || r.Burst > maxRateCount {
		return r, &rateProblem{what: "has no good burst", expected: "a whole number from 1 to " + thousands(maxRateCount)}
	}
	return r, nil
}

// readKey reads whose requests are counted together, and returns the words behind that.
func (r *Rate) readKey(words []string) ([]string, *rateProblem) {
	keys := []string{string(PerClient), string(PerAccount), string(PerHeader), string(PerSite)}
	switch {
	case len(words) == 0:
		return nil, &rateProblem{what: "does not say whose requests count together", expected: "per client, per account, per header NAME or per site behind it"}
	case words[0] != "per" || len(words) < 2:
		return nil, &rateProblem{what: "does not say whose requests count together", expected: "per client, per account, per header NAME or per site behind it", word: words[0], near: []string{"per"}}
	case !slices.Contains(keys, words[1]):
		return nil, &rateProblem{what: "counts by " + strconv.Quote(shorten(words[1])) + ", which is nothing to count by", expected: "per client, per account, per header NAME or per site", word: words[1], near: keys}
	}
	r.Key = RateKey(words[1])
	if r.Key != PerHeader {
		return words[2:], nil
	}
	if len(words) < 3 || !headerName.MatchString(words[2]) {
		return nil, &rateProblem{what: "names no header", expected: "its name behind per header, such as per header X-Api-Key"}
	}
	r.Header = http.CanonicalHeaderKey(words[2])
	return words[3:], nil
}

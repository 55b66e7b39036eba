package limit

import (
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// depthMax bounds what a bucket holds in time, so that sums of it and the clock stay far from the end of the numbers.
const depthMax = math.MaxInt64 / 4

// Rate is one declared rate, ready to be counted by.
type Rate struct {
	Name   string // as declared, without its burst: 50/s per client
	Key    config.RateKey
	Header string // of config.PerHeader
	Where  string // its place in the declaration: FILE:LINE:COLUMN

	id     uint64 // the same for the same rate at the same place of a declaration
	each   int64  // ns between two tokens
	depth  int64  // ns that a whole bucket takes to fill
	policy string // its item in RateLimit-Policy
	item   string // the beginning of its item in RateLimit

	mu     sync.Mutex
	shared bucket // of those for whom the table has no place; guarded by mu
}

// Rates makes the rates that hold at one place, which place names: a site, or a route of it. Those that count few
// requests together come first, so that what one client may not do costs the others nothing.
func Rates(place string, declared []config.Rate) []*Rate {
	rates := make([]*Rate, 0, len(declared))
	for _, d := range declared {
		rates = append(rates, newRate(place, d))
	}
	return Join(rates)
}

// Join puts rates of several places in the order in which they are asked.
func Join(groups ...[]*Rate) []*Rate {
	rates := slices.Concat(groups...)
	slices.SortStableFunc(rates, func(a, b *Rate) int { return a.width() - b.width() })
	return rates
}

// width says how late the rate is asked.
func (r *Rate) width() int {
	switch r.Key {
	case config.PerClient, config.PerHeader:
		return 0
	case config.PerAccount: // who that is must be looked up
		return 1
	case config.PerSite:
	}
	return 2
}

func newRate(place string, d config.Rate) *Rate {
	r := &Rate{Name: Name(d), Where: d.Pos.String(), Key: d.Key, Header: d.Header, each: max(int64(d.Per)/int64(max(d.Count, 1)), 1)}
	burst := int64(max(d.Burst, 1))
	if r.depth = depthMax; burst <= depthMax/r.each {
		r.depth = burst * r.each
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(place + "\x00" + r.Name + "\x00" + strconv.FormatInt(burst, 10))) // it never fails
	r.id = mix(h.Sum64()) &^ 1
	r.item = strconv.Quote(r.Name)
	r.policy = r.item + ";q=" + strconv.FormatInt(burst, 10) + ";w=" + strconv.Itoa(seconds(time.Duration(r.depth)))
	return r
}

// Name writes a rate as it is declared, without its burst: that is what journeys and headers call it.
func Name(d config.Rate) string {
	per := d.Per.String()
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d.Per%unit.size == 0 {
			if per = unit.name; d.Per > unit.size {
				per = strconv.Itoa(int(d.Per/unit.size)) + unit.name
			}
			break
		}
	}
	return strings.TrimSpace(strconv.Itoa(d.Count) + "/" + per + " per " + string(d.Key) + " " + d.Header)
}

// Policy writes rates as a RateLimit-Policy header does (draft-ietf-httpapi-ratelimit-headers-11): q requests at once,
// and so many again in w seconds.
func Policy(rates []*Rate) string {
	items := make([]string, len(rates))
	for i, r := range rates {
		items[i] = r.policy
	}
	return strings.Join(items, ", ")
}

// AppendField appends the verdict as a RateLimit header has it: r requests are left, and all are there again in t seconds.
func (v *Verdict) AppendField(b []byte) []byte {
	b = append(b, v.Rate.item...)
	b = append(b, ";r="...)
	b = strconv.AppendInt(b, int64(v.Left), 10)
	b = append(b, ";t="...)
	return strconv.AppendInt(b, int64(seconds(v.Full)), 10)
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

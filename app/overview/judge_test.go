package overview

import (
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// What an overview says first: the file that is not in force, what is down, what is to be looked at; and nothing is called all
// well beside what was refused.
func TestJudge_SaysFirstWhatIsToBeDone(t *testing.T) {
	t.Parallel()
	well := console.Station{Layer: "dns", Title: "Names", State: console.Well, Sentence: "1 zone"}
	tls := console.Station{Layer: "tls", Title: "TLS", State: console.Warn, Sentence: "3 failed"}
	proxy := console.Station{Layer: "proxy", Title: "Upstreams", State: console.Down, Sentence: "none is well"}
	cors := console.Station{Layer: "cors", Title: "CORS", State: console.Warn, Sentence: "4 refused"}
	access := console.Station{Layer: "access", Title: "Access rules", State: console.Warn, Sentence: "5 refused"}
	stale := console.Station{Layer: "push", Title: "Push", State: console.Warn, Sentence: "2 wait"}
	file := console.Station{Layer: declarationLayer, Title: "Declaration", State: console.Warn, Sentence: "refused"}
	for name, tt := range map[string]struct {
		stations []console.Station
		refused  string
		traffic  traffic
		state    console.State
		want     string
	}{
		"all is well":      {[]console.Station{well}, "", traffic{}, console.Well, "All is well: no request in the last 5 minutes."},
		"something said":   {[]console.Station{well}, "", traffic{requests: 50, refused: 10, span: time.Minute, trouble: []trouble{{n: 10, verdict: trace.Deny, reason: trace.ReasonOf("cors.origin_not_allowed")}}}, console.Well, "All stations are well; in the last 60 seconds 10 of 50 requests were refused, most by cors.origin_not_allowed."},
		"no such names":    {[]console.Station{well}, "", traffic{nameless: 2, lost: 1, span: time.Minute}, console.Well, "All stations are well; in the last 60 seconds 1 connection came to no request, 2 questions were for names that are not there."},
		"one is named":     {[]console.Station{well, tls, proxy}, "", traffic{}, console.Down, "Upstreams is down: none is well. TLS is to be looked at, too."},
		"the newest first": {[]console.Station{seenAt(tls, 1), well, seenAt(access, 3), seenAt(cors, 2), stale}, "", traffic{}, console.Warn, "Access rules is to be looked at: 5 refused. CORS, TLS and Push are to be looked at, too."},
		"the file first":   {[]console.Station{tls, file}, "dropping photos.caption would lose it:\n  drop photos.caption", traffic{}, console.Warn, "The file on the disk is not in force: dropping photos.caption would lose it: drop photos.caption. TLS is to be looked at, too."},
		"the file, alone":  {[]console.Station{well, file}, "it is broken.", traffic{}, console.Warn, "The file on the disk is not in force: it is broken."},
		"and what is down": {
			[]console.Station{proxy, file},
			"it is broken.",
			traffic{},
			console.Down,
			"The file on the disk is not in force: it is broken. Upstreams is down: none is well.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if state, text := judge(tt.stations, tt.refused, &tt.traffic); state != tt.state || text != tt.want {
				t.Errorf("%s: %s\nwant %s: %s", state, text, tt.state, tt.want)
			}
		})
	}
}

// seenAt is a station whose trouble a request met last in that minute.
func seenAt(s console.Station, minute int) console.Station {
	s.Since = time.Unix(int64(60*minute), 0)
	return s
}

func TestTrouble_StandsWhereAPersonWouldLook(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trouble trouble
		want    bool
	}{
		"one of two":                 {trouble{n: 1, of: 2}, false},
		"all of two":                 {trouble{n: 2, of: 2}, false},
		"three of thirty":            {trouble{n: 3, of: 30, since: 9}, true},
		"three of a hundred":         {trouble{n: 3, of: 100, since: 40}, false},
		"none well since the first":  {trouble{n: 3, of: 100}, true},
		"as many well since as last": {trouble{n: 3, of: 9, since: 3, after: 3}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.trouble.stands(failedPart); got != tt.want {
				t.Errorf("it says %v", got)
			}
			if tt.trouble.stands(never) {
				t.Error("what is never to be looked at is")
			}
		})
	}
}

func TestTrouble_IsSaidShortly(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]trouble{
		"1 handshake failed (tls.client_rejected_ca)":     {what: connections, layer: trace.TLS, n: 1, verdict: trace.Fail, reason: trace.ReasonOf("tls.client_rejected_ca")},
		"2 connections failed (connection.reset)":         {what: connections, layer: trace.TCP, n: 2, verdict: trace.Fail, reason: trace.ReasonOf("connection.reset")},
		"1 request was refused (cors.origin_not_allowed)": {what: "GET /api/", n: 1, verdict: trace.Deny, reason: trace.ReasonOf("cors.origin_not_allowed")},
		"2 pushes failed (proxy.no_upstream)":             {what: "push", n: 2, verdict: trace.Fail, reason: trace.ReasonOf("proxy.no_upstream")},
	} {
		if got := b.short(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	b := trouble{what: connections, n: 1, of: 2}
	if got := b.part(); strings.Contains(got, "connection ") || got != "50 % of connections (1 of 2)" {
		t.Error(got)
	}
}

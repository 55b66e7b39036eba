package gate

import (
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// diagnosisRates is how often a site's diagnosis is asked: each question looks through the journeys.
func diagnosisRates(site string) []*limit.Rate {
	return limit.Rates(site+" "+diagnose.Path, []config.Rate{
		{Count: 60, Per: time.Minute, Burst: 60, Key: config.PerClient},
		{Count: 300, Per: time.Minute, Burst: 300, Key: config.PerSite},
	})
}

// mayDiagnose reports whether the page is there for who asks. For everybody else its paths are like any other.
func (g *Gate) mayDiagnose(x *exchange, r *http.Request, path string) bool {
	if g.diagnose == nil || !diagnose.Has(path) {
		return false
	}
	return g.dev || g.timing != nil && g.timing(r) || x.peer.Secure && g.diagnose.Enter(x, r, path)
}

// serveDiagnosis serves the page that tells why a request fails.
func (g *Gate) serveDiagnosis(x *exchange, s *site, path string, r *http.Request) *roundtrip.Error {
	x.journey.SetRoute(diagnose.Path)
	x.fixed = diagnose.Headers()
	if g.limits != nil && r.Method == http.MethodPost {
		if v := g.limits.Take(s.diagnoses, r, x.peer.Addr); v.Refused {
			err := roundtrip.E(roundtrip.Limited, "limit.rate", "There were more questions than %s.", v.Rate.Name)
			err.Retry = v.Retry
			return x.deny("diagnosis", err)
		}
	}
	if r.ContentLength > diagnose.BodyMax {
		x.hangUp()
		return x.deny("diagnosis", tooLarge(diagnose.BodyMax))
	}
	x.body.open(x, r, diagnose.BodyMax, false)
	from := diagnose.From{Client: x.peer.Addr, Origin: "http://" + r.Host}
	if x.peer.Secure {
		from.Origin = "https://" + r.Host
	}
	if err := failure(g.diagnose.Serve(x, r, path, from)); err != nil {
		return x.deny("diagnosis", err)
	}
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: trace.OK, Name: "diagnosis", Start: int64(x.journey.Elapsed())})
	return nil
}

package gate

import (
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/gate/report"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// reportRates is how many deliveries a site takes, whoever sends them: browsers gather their reports for a minute, and all of
// them together must not push the journeys of requests out of memory.
func reportRates(site string) []*limit.Rate {
	return limit.Rates(site+" "+report.Path, []config.Rate{
		{Count: 30, Per: time.Minute, Burst: 30, Key: config.PerClient},
		{Count: 300, Per: time.Minute, Burst: 300, Key: config.PerSite},
	})
}

// takeReports takes what a browser saw of the site. It tells nobody what became of it.
func (g *Gate) takeReports(x *exchange, s *site, r *http.Request) *roundtrip.Error {
	x.journey.SetRoute(report.Path)
	if r.Method != http.MethodPost {
		err := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here: browsers send reports with POST.", cors.Clip(r.Method))
		err.Allow = http.MethodPost
		return x.deny("reports", err)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != report.MediaType {
		e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "Reports are of the type %s.", report.MediaType)
		e.Status = http.StatusUnsupportedMediaType
		return x.deny("reports", e)
	}
	if g.limits != nil {
		if v := g.limits.Take(s.reports, r, x.peer.Addr); v.Refused {
			err := roundtrip.E(roundtrip.Limited, "limit.rate", "There were more reports than %s.", v.Rate.Name)
			err.Retry = v.Retry
			return x.deny("reports", err)
		}
	}
	if r.ContentLength > report.BodyMax {
		x.hangUp()
		return x.deny("reports", tooLarge(report.BodyMax))
	}
	x.body.open(x, r, report.BodyMax, false)
	body, failed := io.ReadAll(r.Body)
	if failed != nil {
		return x.deny("reports", roundtrip.AsError(failed))
	}
	list, ignored, failed := report.Read(body, g.serves)
	if failed != nil {
		return x.deny("reports", roundtrip.AsError(failed))
	}
	for i := range list {
		r := &list[i]
		id := r.Record(g.recorder, x.peer.Addr)
		g.log.Info("report of a browser", slog.String("journey", id.String()), slog.String("reason", r.Reason.Code()), slog.String("type", r.Name),
			slog.String("method", r.Method), slog.String("host", r.Host), slog.String("path", r.Path), slog.Int("status", r.Status), slog.String("note", r.Note))
	}
	note := fmt.Sprintf("%d taken, %d ignored", len(list), ignored)
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: trace.OK, Name: "reports", Note: note, Start: int64(x.journey.Elapsed())})
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// serves reports whether a host is one of this gate's sites.
func (g *Gate) serves(host string) bool { return validHost(host) && g.table.Load().site(host) != nil }

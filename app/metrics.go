package app

import (
	"context"
	"net/http"

	"github.com/roundtrip-dev/roundtrip/app/disk"
	"github.com/roundtrip-dev/roundtrip/app/metrics"
	"github.com/roundtrip-dev/roundtrip/app/wall"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// metrics is the answer for programs that measure: what all stations have counted.
func (a *App) metrics() http.Handler {
	return metrics.Handler(a.recorder, func(ctx context.Context, s *metrics.Set) {
		s.Add("roundtrip_build_info", 1, Version())
		s.Time("process_start_time_seconds", a.started)
		h := a.house.Load()
		s.Add("roundtrip_config_generation", float64(h.generation))
		s.Flag("roundtrip_config_last_reload_successful", a.refused.Load() == nil)
		a.measureFront(ctx, s, h)
		a.measureUpstreams(s)
		a.measureStore(ctx, s, h)
	})
}

// measureFront adds what the stations up to the route have counted.
func (a *App) measureFront(ctx context.Context, s *metrics.Set, h *house) {
	if st := a.names.State(); st.Counts != nil {
		s.Add("roundtrip_dns_messages_total", float64(st.Counts.UDP), "udp")
		s.Add("roundtrip_dns_messages_total", float64(st.Counts.TCP), "tcp")
		for rcode, n := range st.Counts.Rcodes {
			s.Add("roundtrip_dns_responses_total", float64(n), rcode)
		}
		s.Add("roundtrip_dns_rate_limited_total", float64(st.Counts.Limited), "dropped")
		s.Add("roundtrip_dns_rate_limited_total", float64(st.Counts.Slipped), "slipped")
	}
	if h.doors != nil {
		a.measureWall(ctx, s, h)
	}
	if d := a.doors; d != nil {
		st := d.Gate.Stats()
		s.Add("roundtrip_connections_open", float64(st.Connections))
		s.Add("roundtrip_http_requests_in_flight", float64(st.Requests))
	}
	if a.base.certs == nil {
		return
	}
	states := a.base.certs.States()
	for i := range states {
		c := &states[i]
		if !c.NotAfter.IsZero() {
			s.Time("roundtrip_certificate_expiry_timestamp_seconds", c.NotAfter, c.Name, string(c.Source))
		}
		s.Flag("roundtrip_certificate_last_attempt_failed", c.Error != "", c.Name, string(c.Source))
	}
}

// measureWall adds what the groups let in, and what was dropped: by the kernel where it enforces them, else by this process.
func (a *App) measureWall(ctx context.Context, s *metrics.Set, h *house) {
	how := a.wall.Enforced()
	if how.Mode != wall.ByKernel {
		for _, r := range a.guard.Rules() {
			if r.Rule == "" {
				s.Add("roundtrip_firewall_drops_total", float64(r.Flows), wall.Direction(r.Out), "no_rule")
				continue
			}
			s.Add("roundtrip_firewall_passes_total", float64(r.Flows), wall.Direction(r.Out), r.Rule)
		}
		return
	}
	st, err := a.wall.Status(ctx, h.doors, how)
	if err != nil {
		return // the kernel can't be asked: no figure is better than a wrong one
	}
	for _, r := range st.Kernel.Rules {
		s.Add("roundtrip_firewall_passes_total", float64(r.Packets), wall.Direction(r.Out), r.Name)
	}
	for _, d := range st.Kernel.Drops {
		s.Add("roundtrip_firewall_drops_total", float64(d.Packets), wall.Direction(d.Out), d.Reason)
	}
}

func (a *App) measureUpstreams(s *metrics.Set) {
	states := a.base.ups.List()
	for i := range states {
		u := &states[i]
		s.Flag("roundtrip_upstream_up", u.Standing != pool.Ejected && u.Standing != pool.Unwell, u.Route, u.Upstream)
		s.Add("roundtrip_upstream_requests_in_flight", float64(u.Running), u.Route, u.Upstream)
	}
}

// measureStore adds what the store and the streams behind it have counted.
func (a *App) measureStore(ctx context.Context, s *metrics.Set, h *house) {
	st := a.base.store.Stats()
	s.Add("roundtrip_store_readers_busy", float64(st.Busy))
	s.Add("roundtrip_store_readers_max", float64(st.Total))
	s.Add("roundtrip_store_readers_waiting", float64(st.Waiting))
	s.Add("roundtrip_store_commits_total", float64(st.Commits))
	s.Add("roundtrip_store_writes_total", float64(st.Writes))
	s.Add("roundtrip_store_size_bytes", float64(disk.Size(h.config.Store.Database)))
	live := a.base.live.Stats()
	s.Add("roundtrip_stream_connections", float64(live.Connections))
	s.Add("roundtrip_stream_behind_changes", float64(live.Behind))
	s.Add("roundtrip_stream_watched", float64(live.Topics), "topics")
	s.Add("roundtrip_stream_watched", float64(live.Inboxes), "inboxes")
	s.Add("roundtrip_stream_watched", float64(live.Channels), "channels")
	jobs, err := a.base.store.CountJobs(ctx, "")
	if err != nil {
		return // the database can't be asked; the rest still is of use
	}
	now := a.around.Now()
	for i := range jobs {
		j := &jobs[i]
		s.Add("roundtrip_jobs_waiting", float64(j.Waiting), j.Kind)
		s.Add("roundtrip_jobs_dead", float64(j.Dead), j.Kind)
		if j.Waiting > 0 {
			s.Add("roundtrip_jobs_oldest_age_seconds", now.Sub(j.Oldest).Seconds(), j.Kind)
		}
	}
}

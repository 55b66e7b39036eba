package gate

// Stats is what the gate is doing.
type Stats struct {
	Connections int // open ones
	Requests    int // under way, streams among them
}

// Stats returns numbers for the console and the metrics.
func (g *Gate) Stats() Stats {
	return Stats{Connections: g.front.Open(), Requests: int(g.inflight.Load())}
}

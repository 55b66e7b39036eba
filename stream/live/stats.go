package live

// Stats is what the hub is doing.
type Stats struct {
	Connections int   // open streams of people and strangers
	Topics      int   // different topics that somebody watches
	Inboxes     int   // accounts whose inbox is watched
	Channels    int   // channels that somebody is in
	Behind      int64 // changes that were read from the log and not delivered yet
}

// Stats returns numbers for the console and the metrics.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Stats{Topics: len(h.groups), Inboxes: len(h.inbox), Channels: len(h.channels), Behind: max(0, h.read.Load()-h.done())}
	for _, n := range h.count {
		s.Connections += n
	}
	return s
}

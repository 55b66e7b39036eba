package trace

import "iter"

// Doing returns the name of the last closed hop of a layer, "" where there is none: what a request that still runs is about.
// It belongs to the goroutine that serves the journey.
func (j *Journey) Doing(l Layer) string {
	name := ""
	for h := range j.Done() {
		if h.Layer == l {
			name = h.Name
		}
	}
	return name
}

// Done yields the hops that are closed by now, in their order. It may be ranged over while others are being written. They must
// not be kept.
func (j *Journey) Done() iter.Seq[*Hop] {
	return func(yield func(*Hop) bool) {
		for i := range j.Len() {
			if j.marks.isDone(i) && !yield(&j.hops[i]) {
				return
			}
		}
	}
}

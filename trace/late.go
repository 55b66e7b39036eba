package trace

// Late is a note that comes when its step, and perhaps its journey, has ended: of what is found out beside the request, so that the
// request need not wait for it. A journey has one; what else comes late is dropped. The zero Late does nothing.
type Late struct {
	j *Journey
	i int32
}

// lateNote is what came late, and of which hop.
type lateNote struct {
	hop  int32
	text string
}

// Later promises a note for the open step. Whoever has it must call [Late.Note], once: the journey is not filled again before. It
// is the zero Late where nobody watches, or a note was promised already.
func (s Step) Later() Late {
	if s.hop() == nil || !s.j.promised.CompareAndSwap(false, true) {
		return Late{}
	}
	return Late{j: s.j, i: s.i}
}

// Note adds the text to the hop of the step, "" adds nothing.
func (l Late) Note(text string) {
	if l.j == nil {
		return
	}
	l.j.late.Store(&lateNote{hop: l.i, text: bounded(text)})
}

// awaits reports whether a note was promised that has not come.
func (j *Journey) awaits() bool { return j.promised.Load() && j.late.Load() == nil }

// takeLate puts what came late into a copy of the hops.
func (s *Snapshot) takeLate(j *Journey) {
	l := j.late.Load()
	s.Awaits = l == nil && j.promised.Load()
	if l == nil || l.text == "" || int(l.hop) >= len(s.Hops) {
		return
	}
	h := &s.Hops[l.hop]
	if h.Note != "" {
		h.Note += "; "
	}
	h.Note += l.text
}

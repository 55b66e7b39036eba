package trace

import "sync/atomic"

// marks says what may be read of each hop of a journey. A goroutine owns an open hop alone; whoever sees that one is done may
// read it. All are in one word, so that a journey is looked through and emptied at once: its hops lie in memory that mostly is
// in no cache any more when it is filled again.
type marks struct {
	word atomic.Uint64 // bit i: hop i was opened; bit 32+i: it is done
}

const doneShift = 32

// open says that what hop i began with is written.
func (m *marks) open(i int32) { m.word.Or(1 << i) }

// done says that nobody writes to hop i any more.
func (m *marks) done(i int32) { m.word.Or(1 << (i + doneShift)) }

func (m *marks) clear() { m.word.Store(0) }

// isOpen reports whether hop i was opened and is not done.
func (m *marks) isOpen(i int) bool { return m.word.Load()>>i&(1|1<<doneShift) == 1 }

func (m *marks) isDone(i int) bool { return m.word.Load()>>(i+doneShift)&1 != 0 }

// allDone reports whether the first n hops are done.
func (m *marks) allDone(n int) bool { return m.word.Load()>>doneShift == 1<<n-1 }

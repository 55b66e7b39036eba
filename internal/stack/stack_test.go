package stack_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/stack"
)

// deep needs n times 128 bytes and a little.
//
//go:noinline
func deep(n int) int {
	var room [16]int
	room[n&15] = n
	if n > 0 {
		room[0] += deep(n - 1)
	}
	return room[0] + room[n&15]
}

// BenchmarkGoroutine is a goroutine that needs some 6 KiB, with and without the room made at once.
func BenchmarkGoroutine(b *testing.B) {
	for name, begin := range map[string]func(){"step by step": func() {}, "at once": stack.Grow} {
		b.Run(name, func(b *testing.B) {
			done := make(chan int)
			for b.Loop() {
				go func() {
					begin()
					done <- deep(32)
				}()
				<-done
			}
		})
	}
}

func TestGrow_ChangesNothing(t *testing.T) {
	t.Parallel()
	done := make(chan int)
	go func() {
		before := deep(3)
		stack.Grow()
		done <- deep(3) - before
	}()
	if difference := <-done; difference != 0 {
		t.Errorf("what was computed differs by %d", difference)
	}
}

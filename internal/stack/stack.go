// Package stack makes room on the stack of a goroutine that has just begun.
//
// A goroutine begins with 2 KiB, and each time that is too little the runtime copies what is there to twice the room, frame
// by frame. HTTP/2 has a goroutine for each request and each write, and those copies were a fifth of what a small request
// costs. Here the room is made in one step, while there is next to nothing to copy.
package stack

// Grow makes room for 8 KiB more than is in use: what a TLS record or a request through the gate needs. It costs two
// nanoseconds where the room is there.
func Grow() { grow(false) }

// grow has a frame of 8 KiB, which it uses only when it is told to. The runtime makes the room for the frame in any case.
//
//go:noinline
func grow(use bool) (sum byte) {
	if use {
		var room [8 << 10]byte
		for i := range room {
			room[i] = sum
			sum += room[len(room)-1-i]
		}
	}
	return sum
}

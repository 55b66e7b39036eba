// Package walk says how long the random walks of tests are: those that one goroutine makes, such as a few thousand random
// rules that are put before several judges. The race detector makes each step many times as dear and has nothing to find
// in them, so that under it they are short; `make race` takes them at length without it, beside what it looks at.
package walk

// shorter is by how much a walk is shorter under the race detector.
const shorter = 8

// Steps returns how many of a walk's steps are made: all of them, or at least one in eight under the race detector.
func Steps(whole int) int {
	if !raced {
		return whole
	}
	return (whole + shorter - 1) / shorter
}

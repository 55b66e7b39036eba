//go:build !unix

package app

// freeOn is not known on this system.
func freeOn(string) (free uint64, ok bool) { return 0, false }

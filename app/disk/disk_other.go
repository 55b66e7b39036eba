//go:build !unix

package disk

// Free is not known on this system.
func Free(string) (free uint64, ok bool) { return 0, false }

//go:build !linux

package sqlite

// memoryBytes is not known here; a modest size is taken.
func memoryBytes() int64 { return 0 }

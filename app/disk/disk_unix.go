//go:build unix

package disk

import "syscall"

// Free returns how many bytes may still be written on the disk of a folder; ok is false where that is not known.
func Free(dir string) (free uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true //nolint:unconvert // the types differ between systems
}

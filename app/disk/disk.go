// Package disk says how much of a disk is used and free.
package disk

import "os"

// Size returns how many bytes a database takes, what was not yet moved into its file included.
func Size(database string) int64 {
	total := int64(0)
	for _, file := range []string{database, database + "-wal"} {
		if info, err := os.Stat(file); err == nil {
			total += info.Size()
		}
	}
	return total
}

package app

import "os"

// sizeOf returns how many bytes a database takes, what was not yet moved into its file included.
func sizeOf(database string) int64 {
	total := int64(0)
	for _, file := range []string{database, database + "-wal"} {
		if info, err := os.Stat(file); err == nil {
			total += info.Size()
		}
	}
	return total
}

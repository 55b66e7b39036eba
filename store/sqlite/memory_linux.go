package sqlite

import "syscall"

// memoryBytes returns the size of the machine's memory, 0 where it can't be told.
func memoryBytes() int64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

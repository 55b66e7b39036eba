//go:build !linux

package watch

import "errors"

// MarksArrive fails: marks are the Linux kernel's.
func MarksArrive() (on bool, fix string, err error) { return false, "", errors.ErrUnsupported }

func socketMark(uintptr) (uint32, bool) { return 0, false }

//go:build !linux

package watch

import "errors"

// MarkBytes is the room that the control message of a mark takes.
const MarkBytes = 0

// MarksArrive fails: marks are the Linux kernel's.
func MarksArrive() (on bool, fix string, err error) { return false, "", errors.ErrUnsupported }

func socketMark(uintptr) (uint32, bool) { return 0, false }

func tellMarks(uintptr) error { return errors.ErrUnsupported }

// MarkOfDatagram finds none.
func MarkOfDatagram([]byte) (mark uint32, ok bool) { return 0, false }

package watch

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// acceptSetting is the setting by which an accepted socket has the mark of the packet that opened it. Each network namespace
// has its own.
const acceptSetting = "/proc/sys/net/ipv4/tcp_fwmark_accept"

const (
	soMark    = 36
	soRcvMark = 75

	wordBytes = int(unsafe.Sizeof(uintptr(0))) // control messages begin at multiples of it
)

// MarkBytes is the room that the control message of a mark takes.
const MarkBytes = 24

// MarksArrive reports whether accepted TCP connections have the mark of their first packet. It is a setting of the machine
// that also changes how others route their answers, so it is never switched on from here: fix says how.
func MarksArrive() (on bool, fix string, err error) {
	b, err := os.ReadFile(acceptSetting)
	if err != nil {
		return false, "", fmt.Errorf("look whether accepted connections keep their mark: %w", err)
	}
	if bytes.Equal(bytes.TrimSpace(b), []byte("1")) {
		return true, "", nil
	}
	return false, "sysctl -w net.ipv4.tcp_fwmark_accept=1", nil
}

func socketMark(fd uintptr) (uint32, bool) {
	n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soMark)
	return uint32(n), err == nil
}

func tellMarks(fd uintptr) error {
	return os.NewSyscallError("setsockopt SO_RCVMARK", syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soRcvMark, 1))
}

// MarkOfDatagram returns the mark among the control messages that came with a datagram. It allocates nothing.
func MarkOfDatagram(control []byte) (mark uint32, ok bool) {
	for len(control) >= syscall.SizeofCmsghdr {
		var h syscall.Cmsghdr
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&h)), syscall.SizeofCmsghdr), control)
		n := int(h.Len)
		if n < syscall.SizeofCmsghdr || n > len(control) {
			return 0, false
		}
		if h.Level == syscall.SOL_SOCKET && h.Type == soMark && n >= syscall.SizeofCmsghdr+4 {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&mark)), 4), control[syscall.SizeofCmsghdr:])
			return mark, true
		}
		control = control[min((n+wordBytes-1)&^(wordBytes-1), len(control)):]
	}
	return 0, false
}

package watch

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// acceptSetting is the setting by which an accepted socket has the mark of the packet that opened it. Each network namespace
// has its own.
const acceptSetting = "/proc/sys/net/ipv4/tcp_fwmark_accept"

const soMark = 36

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

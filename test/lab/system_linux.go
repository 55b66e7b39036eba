package lab

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// enter puts this thread into a network namespace.
func enter(namespace *os.File) error {
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}

// attributes are those of a process that ends with this one, and does not hear the Ctrl-C of its terminal.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// rawSocket is one for TCP segments that are made by hand.
type rawSocket struct {
	fd     int
	target unix.SockaddrInet4
}

func openRaw(to netip.Addr) (*rawSocket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	return &rawSocket{fd: fd, target: unix.SockaddrInet4{Addr: to.As4()}}, err
}

// send sends one segment. One that finds the queue of the card full is lost, as on any wire.
func (r *rawSocket) send(segment []byte) error {
	if err := unix.Sendto(r.fd, segment, 0, &r.target); !errors.Is(err, unix.ENOBUFS) {
		return err
	}
	return nil
}

func (r *rawSocket) close() { _ = unix.Close(r.fd) }

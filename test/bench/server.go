package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dialect is how one server wants to be asked. The verbs take an id.
type dialect struct {
	host     string
	read     string
	newest   string
	byAuthor string
	create   string
	items    string // the member of a list's answer that holds the records
}

func pocketBase() dialect {
	const records = "/api/collections/photos/records"
	return dialect{
		host:     "127.0.0.1",
		read:     records + "/%s",
		newest:   records + "?sort=-created&perPage=20&skipTotal=1",
		byAuthor: records + "?sort=-created&perPage=20&skipTotal=1&filter=author%%3D%%22%s%%22",
		create:   records,
		items:    "items",
	}
}

func roundTrip() dialect {
	return dialect{
		host:     "bench.test",
		read:     "/api/photos/%s",
		newest:   "/api/photos?order_by=create_time+desc&page_size=20",
		byAuthor: "/api/photos?author=%s&order_by=create_time+desc&page_size=20",
		create:   "/api/photos",
		items:    "photos",
	}
}

// server is one contender: a program, its data, and how to speak to it.
type server struct {
	name     string
	settings string // durability and what is switched on or off, for the report
	binary   string
	args     []string
	log      string // file that takes the program's output
	addr     string
	dialect
	people, photos []string // ids that it has been given

	cmd   *exec.Cmd
	ready time.Duration // from start to the first good answer, records in place
	rest  int64         // resident bytes a second after that
}

// start runs the program and waits until it answers GET of the given target with 200.
func (s *server) start(ctx context.Context, target string) error {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	s.cmd = exec.CommandContext(ctx, s.binary, s.args...)
	s.cmd.Env = append(os.Environ(), "NO_COLOR=1")
	s.cmd.Stdout, s.cmd.Stderr = out, out
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	probe := get(s.host, target)
	for time.Since(begin) < 20*time.Second {
		if status, _, err := ask(ctx, s.addr, probe); err == nil && status == 200 {
			s.ready = time.Since(begin)
			return nil
		}
		if !s.alive() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	text, _ := os.ReadFile(s.log)
	return errors.Join(fmt.Errorf("%s did not answer GET %s; it wrote:\n%s", s.name, target, tail(text, 2000)), s.stop())
}

// alive reports whether the process has not ended: a child that has ended and was not waited for is a zombie.
func (s *server) alive() bool {
	fields, err := s.stat()
	return err == nil && fields[0] != "Z"
}

// stop ends the process that start began, gently at first.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return cmd.Wait()
	}
	gone := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer gone.Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// stat returns the fields of /proc/PID/stat after the name: state first (proc_pid_stat(5)).
func (s *server) stat() ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return nil, fmt.Errorf("/proc/PID/stat has %d fields", len(fields))
	}
	return fields, nil
}

// cpu returns the time that the process has computed, user and system, of all its threads. The kernel has a clock for each
// process, in nanoseconds; /proc/PID/stat counts hundredths of a second, too coarse for what takes a fifth of one.
func (s *server) cpu() (time.Duration, error) {
	var t unix.Timespec
	clock := ^s.cmd.Process.Pid<<3 | 2 // clock_getcpuclockid(3)
	if err := unix.ClockGettime(int32(clock), &t); err != nil {
		return 0, fmt.Errorf("the processor time of process %d: %w", s.cmd.Process.Pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident returns the bytes of memory that the process holds.
func (s *server) resident() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/PID/statm has %d fields", len(fields))
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// measure runs load against the server and counts the server's CPU time with it.
func (s *server) measure(ctx context.Context, requests []request, clients int, length time.Duration) (*result, error) {
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	r, err := load(ctx, s.addr, requests, clients, length)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	r.cpu = after - before
	return r, nil
}

// disk returns the size of the program's file.
func (s *server) disk() int64 {
	i, err := os.Stat(s.binary)
	if err != nil {
		return 0
	}
	return i.Size()
}

// freeAddr finds a port of the loopback that nobody uses.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// newServer gives a contender its folder and its port.
func newServer(ctx context.Context, dir, name, binary string, d dialect) (*server, error) {
	home := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	return &server{name: name, binary: binary, addr: addr, dialect: d, log: filepath.Join(home, "log")}, nil
}

func (s *server) home() string { return filepath.Dir(s.log) }

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

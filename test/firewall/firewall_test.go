// Package firewall tests the groups in the kernel from outside: the real program, in network namespaces of the tests' own.
package firewall

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const declaration = `
name: walls
firewall:
  rollback: 60s
  groups:
    web:
      - { allow: [tcp/80, tcp/443, udp/443], from: [anywhere] }
    operators:
      - { allow: tcp/22, from: [203.0.113.0/24], note: the office }
  attach: { edge: [web, operators] }
sites:
  walls.test:
    tls: local
    routes: [{ path: /, respond: { body: hello } }]
store: { database: 'sqlite:data/walls.db', files: data/files }
`

// space moves the test, and all programs that it starts, into a network namespace of its own.
func space(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
	before, _ := os.Readlink("/proc/thread-self/ns/net")
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("this machine gives no network namespaces (%v): run as root", err)
	}
	if after, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || after == before {
		t.Fatalf("still in the namespace of the machine (%v)", err)
	}
	run(t, "ip", "link", "set", "lo", "up")
	run(t, "ip", "addr", "add", "198.18.7.1/24", "dev", "lo")
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// roundtrip runs the program and returns its exit status and what it said.
func roundtrip(t *testing.T, args ...string) (status int, text string) {
	t.Helper()
	cmd := exec.Command(server.Binary(t), args...)
	cmd.Env = append(os.Environ(), "SSH_CONNECTION=")
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// inKernel reports whether the kernel has our table, and what nft shows.
func inKernel(t *testing.T) (there bool, rules string) {
	t.Helper()
	rules = run(t, "nft", "list", "ruleset")
	return strings.Contains(rules, "table inet roundtrip"), rules
}

// until waits for what another process does in its own time.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(server.Patience); !is(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %v: %s", server.Patience, what)
		}
	}
}

func says(t *testing.T, s *server.Server, text string) {
	t.Helper()
	until(t, "the server says "+text, func() bool { return strings.Contains(s.Log(), text) })
}

func write(t *testing.T, folder, yaml string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mode asks for the status and returns who enforces the groups.
func mode(t *testing.T, folder string) (mode, why string) {
	t.Helper()
	var status struct {
		Mode, Why string
	}
	_, text := roundtrip(t, "firewall", "status", "--json", folder)
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return status.Mode, status.Why
}

func TestServe_TableStaysWhenConfirmed(t *testing.T) {
	space(t)
	s := server.Start(t, server.Declare(t, declaration), "--enforce", "auto")
	if there, _ := inKernel(t); !there {
		t.Fatal("the groups are not in the kernel")
	}
	says(t, s, "roundtrip firewall confirm")
	if status, text := roundtrip(t, "firewall", "confirm", s.Folder); status != 0 {
		t.Fatal(text)
	}
	says(t, s, "the change was confirmed")
	if m, _ := mode(t, s.Folder); m != "kernel" {
		t.Errorf("mode %s", m)
	}
	status, text := roundtrip(t, "firewall", "status", s.Folder)
	if status != 0 || !strings.Contains(text, "web rule 1") || !strings.Contains(text, "dropped: no rule") {
		t.Errorf("%d\n%s", status, text)
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	run(t, "nft", "insert rule inet roundtrip inbound tcp dport 23 accept")
	if status, text = roundtrip(t, "firewall", "status", s.Folder); status != 1 || !strings.Contains(text, "a rule that is not ours") {
		t.Errorf("somebody has opened a port, and the status is %d\n%s", status, text)
	}
	if status, text = roundtrip(t, "firewall", "apply", s.Folder); status != 0 {
		t.Error(text)
	}
	if status, text = roundtrip(t, "firewall", "status", s.Folder); status != 0 {
		t.Errorf("applied again, and still\n%s", text)
	}
	says(t, s, `"generation":2`)

	write(t, s.Folder, strings.Replace(declaration, "tcp/22", "tcp/2222", 1))
	s.Signal(syscall.SIGHUP)
	says(t, s, `"generation":3`)
	if _, rules := inKernel(t); !strings.Contains(rules, "tcp dport 2222") {
		t.Errorf("the reload has not come into the kernel:\n%s", rules)
	}
	write(t, s.Folder, declaration) // back to what was confirmed before: nobody need confirm it again
	s.Signal(syscall.SIGHUP)
	says(t, s, `"generation":4`)
	s.Stop()
	if there, rules := inKernel(t); !there || !strings.Contains(rules, "tcp dport 22 ") {
		t.Errorf("a stopped server has opened the machine:\n%s", rules)
	}
	if m, why := mode(t, s.Folder); m != "kernel" || !strings.Contains(why, "no server runs") {
		t.Errorf("mode %s: %s", m, why)
	}

	if status, text := roundtrip(t, "firewall", "off", s.Folder); status != 0 {
		t.Fatal(text)
	}
	if there, rules := inKernel(t); there {
		t.Errorf("off:\n%s", rules)
	}
}

func TestServe_TakesBackWhatWasNotConfirmed(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *server.Server){
		"time is over":  func(t *testing.T, s *server.Server) { says(t, s, "nobody confirmed the change") },
		"it is stopped": func(_ *testing.T, s *server.Server) { s.Stop() },
		"it is killed": func(t *testing.T, s *server.Server) {
			s.Kill()
			if there, _ := inKernel(t); !there {
				t.Error("who has taken it back?")
			}
			s.Restart()
			says(t, s, "was taken back: the process that waited for it was killed") // and then tries its own
			s.Stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			space(t)
			yaml := declaration
			if name == "time is over" {
				yaml = strings.Replace(yaml, "60s", "10s", 1)
			}
			s := server.Start(t, server.Declare(t, yaml), "--enforce", "kernel")
			end(t, s)
			if there, rules := inKernel(t); there {
				t.Errorf("not taken back:\n%s", rules)
			}
			if name == "time is over" {
				if m, why := mode(t, s.Folder); m != "process" || !strings.Contains(why, "taken back") {
					t.Errorf("mode %s: %s", m, why)
				}
			}
		})
	}
}

func TestServe_GroupsAreRemovedFromTheDeclaration(t *testing.T) {
	space(t)
	s := server.Start(t, server.Declare(t, strings.Replace(declaration, "60s", "off", 1)), "--enforce", "kernel")
	run(t, "nft", "add table inet mine")
	before, after, _ := strings.Cut(declaration, "firewall:")
	_, after, _ = strings.Cut(after, "sites:")
	write(t, s.Folder, before+"sites:"+after)
	s.Signal(syscall.SIGHUP)
	says(t, s, `"generation":2`)
	if there, rules := inKernel(t); there || !strings.Contains(rules, "table inet mine") {
		t.Errorf("the kernel has\n%s", rules)
	}
}

func TestServe_WithoutTheCapability(t *testing.T) {
	space(t)
	folder := server.Declare(t, declaration)
	program := filepath.Join(t.TempDir(), "unprivileged")
	script := fmt.Sprintf("#!/bin/sh\nexec setpriv --bounding-set -net_admin --inh-caps -net_admin %q \"$@\"\n", server.Binary(t))
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := server.StartProgram(t, program, nil, folder, "--enforce", "auto")
	says(t, s, "CAP_NET_ADMIN")
	if m, why := mode(t, folder); m != "process" || !strings.Contains(why, "CAP_NET_ADMIN") {
		t.Errorf("mode %s: %s", m, why)
	}
	s.Stop()
	out, err := exec.Command(program, "serve", "--enforce", "kernel", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", folder).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "CAP_NET_ADMIN") {
		t.Errorf("enforce: kernel, and it runs without: %v\n%s", err, out)
	}
}

func TestApply_LocksNoOperatorOut(t *testing.T) {
	space(t)
	folder := server.Declare(t, declaration)
	ssh, err := net.Listen("tcp", "198.18.7.1:22")
	if err != nil {
		t.Fatal(err)
	}
	defer ssh.Close()
	session, err := net.Dial("tcp", "198.18.7.1:22")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	status, text := roundtrip(t, "firewall", "apply", "--yes", folder)
	if there, _ := inKernel(t); status != 1 || there || !strings.Contains(text, "- { allow: tcp/22, from: [198.18.7.1] }") {
		t.Fatalf("%d, in the kernel: %t\n%s", status, there, text)
	}
	if status, text = roundtrip(t, "firewall", "apply", "--yes", "--lock-out", folder); status != 0 {
		t.Fatal(text)
	}
	if there, _ := inKernel(t); !there {
		t.Error("not applied")
	}
	write(t, folder, strings.Replace(declaration, "[203.0.113.0/24]", "[203.0.113.0/24, 198.18.7.1]", 1))
	if status, text = roundtrip(t, "firewall", "status", folder); status != 1 || !strings.Contains(text, "behind") {
		t.Errorf("%d\n%s", status, text)
	}
	if status, text = roundtrip(t, "firewall", "apply", "--yes", folder); status != 0 {
		t.Errorf("the rule was added, and still:\n%s", text)
	}
}

func TestApply_IsTakenBackWhenItsTerminalDies(t *testing.T) {
	space(t)
	folder := server.Declare(t, declaration)
	if status, text := roundtrip(t, "firewall", "apply", "--yes", folder); status != 0 {
		t.Fatal(text)
	}
	_, before := inKernel(t)
	for _, end := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL} {
		write(t, folder, strings.Replace(declaration, "tcp/22", "tcp/2222", 1))
		cmd := exec.Command(server.Binary(t), "firewall", "apply", folder)
		said, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(said); lines.Scan() && !strings.Contains(lines.Text(), "firewall confirm"); {
		}
		if _, rules := inKernel(t); !strings.Contains(rules, "tcp dport 2222") {
			t.Fatalf("not on trial:\n%s", rules)
		}
		if err := cmd.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if end == syscall.SIGKILL { // nobody is left to take it back, but who comes next
			write(t, folder, declaration)
			if status, text := roundtrip(t, "firewall", "apply", folder); status != 0 {
				t.Fatal(text)
			}
		}
		if _, after := inKernel(t); after != before {
			t.Errorf("%v: before\n%s\nafter\n%s", end, before, after)
		}
	}
}

// Whoever tries a change may be killed at once with no chance to do anything: the change is taken back in its time all the same.
func TestApply_IsTakenBackInTimeThoughItWasKilled(t *testing.T) {
	space(t)
	folder := server.Declare(t, declaration)
	if status, text := roundtrip(t, "firewall", "apply", "--yes", folder); status != 0 {
		t.Fatal(text)
	}
	_, before := inKernel(t)
	write(t, folder, strings.NewReplacer("tcp/22", "tcp/2222", "60s", "10s").Replace(declaration))
	cmd := exec.Command(server.Binary(t), "firewall", "apply", folder)
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(said); lines.Scan() && !strings.Contains(lines.Text(), "firewall confirm"); {
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if _, rules := inKernel(t); !strings.Contains(rules, "tcp dport 2222") {
		t.Fatalf("not on trial:\n%s", rules)
	}
	after := ""
	for end := time.Now().Add(server.Patience); time.Now().Before(end) && after != before; time.Sleep(100 * time.Millisecond) {
		_, after = inKernel(t)
	}
	if after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

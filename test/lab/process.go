package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Patience bounds every wait for a program of the lab; only a defect reaches it.
const Patience = 60 * time.Second

// Command prepares a program that runs on the machine, with the machine's network and resolver. It ends with this process,
// but doesn't hear the Ctrl-C of this one's terminal: who started it decides when it stops.
func (m *Machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", m.namespace, name}, args...)...)
	cmd.Dir = m.Folder
	cmd.SysProcAttr = attributes()
	return cmd
}

// Run runs a program on the machine to its end and returns all that it wrote, and its exit status.
func (m *Machine) Run(ctx context.Context, name string, args ...string) (text string, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	out, err := m.Command(ctx, name, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}

// Process is a program that runs on a machine until it is stopped.
type Process struct {
	On string // the machine's name

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, after done

	killed atomic.Bool // by us

	mu      sync.Mutex // guards what follows
	log     bytes.Buffer
	written chan struct{} // closed and made anew whenever the log grows
}

// Start starts a program on the machine. The end of the lab ends it.
func (m *Machine) Start(name string, args ...string) (*Process, error) {
	p := &Process{On: m.Name, cmd: m.Command(context.Background(), name, args...), done: make(chan struct{}), written: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.Env = os.Environ()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, m.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	m.processes = append(m.processes, p)
	return p, nil
}

// Write keeps what the program says.
func (p *Process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.written)
	p.written = make(chan struct{})
	return p.log.Write(text)
}

// Log returns what the program has said so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// count says how often the program has said something.
func (p *Process) count(text string) int { return strings.Count(p.Log(), text) }

// PID returns the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Await waits until the program has said something so many times.
func (p *Process) Await(ctx context.Context, text string, times int) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	for {
		p.mu.Lock()
		found, more := strings.Count(p.log.String(), text), p.written
		p.mu.Unlock()
		if found >= times {
			return nil
		}
		select {
		case <-more:
		case <-p.done:
			if p.count(text) >= times {
				return nil
			}
			return fmt.Errorf("it ended (%w) before it said %q; it said:\n%s", cause(p.err), text, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("it did not say %q; it said:\n%s", text, p.Log())
		}
	}
}

// cause makes an end without an error one that can be told.
func cause(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// Signal sends a signal to the program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end and waits until it has. One that was killed has stopped as it should.
func (p *Process) Stop() error {
	if p.killed.Load() {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(Patience):
		p.Kill()
		return fmt.Errorf("it still ran %v after it was asked to stop; it said:\n%s", Patience, p.Log())
	}
}

// Kill ends the program at once.
func (p *Process) Kill() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

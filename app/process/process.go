// Package process holds what the process gives to whoever runs in it: outputs, clock, randomness, environment.
package process

import (
	"io"
	"net/netip"
	"time"
)

// Surroundings is what the process gives: nothing below cmd looks for these things itself.
type Surroundings struct {
	Out, Err io.Writer
	Now      func() time.Time
	Rand     io.Reader
	Getenv   func(string) (string, bool)

	// Addresses returns those of this machine's network cards; nil: they are not looked at.
	Addresses func() ([]netip.Addr, error)
	Kernel    bool // groups may be brought into the kernel of this machine

	// Second starts a process that runs [FirewallSecond] on a data folder and outlives this one; nil: there is none.
	Second func(dir string) error
}

// WithoutSecrets are surroundings in which every environment variable is set: a command sends nothing and needs no secret,
// and whoever calls it has not those of the server.
func (s Surroundings) WithoutSecrets() Surroundings {
	getenv := s.Getenv
	s.Getenv = func(name string) (string, bool) {
		if value, ok := getenv(name); ok && value != "" {
			return value, true
		}
		return noSecret, true
	}
	return s
}

// noSecret stands for secrets that no command reads. It has the form of every one of them: a text, and base64.
const noSecret = "YSBzZWNyZXQgdGhhdCBubyBjb21tYW5kIHJlYWRz" //nolint:gosec // it is none

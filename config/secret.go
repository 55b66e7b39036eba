package config

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/roundtrip-dev/roundtrip"
)

// Secret is a value that stands outside the declaration: in an environment variable or in a file. Whatever prints it
// prints only where it comes from.
type Secret struct {
	Pos   roundtrip.Pos
	Env   string // name of the environment variable it was read from, or ""
	File  string // absolute path of the file it will be read from, or ""
	value string // of the environment variable
}

// Value returns the secret; from a file it is read anew each time. The error names the place, never the value.
func (s Secret) Value() ([]byte, error) {
	if s.File == "" {
		return []byte(s.value), nil
	}
	b, err := os.ReadFile(s.File)
	if err != nil {
		return nil, fmt.Errorf("the secret of %s can't be read: %w", s.Pos, err)
	}
	return b, nil
}

// IsZero reports whether no secret was declared.
func (s Secret) IsZero() bool { return s.Env == "" && s.File == "" }

// String says where the secret comes from.
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "{ env: " + s.Env + " }"
	case s.File != "":
		return "{ file: " + s.File + " }"
	}
	return "{}"
}

// GoString keeps %#v from printing the value.
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps encoders from writing the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps loggers from writing the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

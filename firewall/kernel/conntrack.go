package kernel

import (
	"os"
	"strconv"
	"strings"
)

// Conntrack is how full the kernel's table of connections is. Where it is full, new connections are dropped whatever the
// rules say.
type Conntrack struct {
	Count int `json:"count"`
	Max   int `json:"max"` // 0: not known
}

// ReadConntrack reads it.
func ReadConntrack() Conntrack {
	return Conntrack{Count: number("/proc/sys/net/netfilter/nf_conntrack_count"), Max: number("/proc/sys/net/netfilter/nf_conntrack_max")}
}

// number is the number in a file, 0 where there is none.
func number(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// nearlyFull is the part of the table, in percent, from which on it is time to look.
const nearlyFull = 80

// NearlyFull reports whether it is time to look.
func (c Conntrack) NearlyFull() bool { return c.Max > 0 && c.Count*100 >= c.Max*nearlyFull }

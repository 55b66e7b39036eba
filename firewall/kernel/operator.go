package kernel

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// sshPort is where an SSH server is looked for, whatever its program is called.
const sshPort = 22

// Session is a connection by which somebody operates this machine.
type Session struct {
	Remote netip.Addr
	Port   uint16 // of this machine
	How    string // how we know of it
}

// Sessions finds the sessions of this machine's operators: that of the command itself, by SSH_CONNECTION as sshd sets it
// ("" for none), and all connections to a server of SSH. Those over loopback can't be refused, and are left out.
func Sessions(sshConnection string) ([]Session, error) {
	var list []Session
	if s, ok := parseSSH(sshConnection); ok {
		list = append(list, s)
	}
	sockets, err := Sockets(false)
	if err != nil {
		return list, err
	}
	listens := map[uint16]bool{}
	for _, s := range sockets {
		if s.Protocol == firewall.TCP && s.Listening {
			listens[s.Local.Port()] = true
		}
	}
	for _, s := range sockets {
		if s.Protocol != firewall.TCP || s.Listening || !listens[s.Local.Port()] || !isSSH(s) {
			continue
		}
		list = append(list, Session{s.Remote.Addr(), s.Local.Port(), "an SSH connection that is open now"})
	}
	known := map[Session]bool{}
	return slices.DeleteFunc(list, func(s Session) bool {
		key := Session{Remote: s.Remote, Port: s.Port}
		gone := known[key] || s.Remote.IsLoopback()
		known[key] = true
		return gone
	}), nil
}

// isSSH reports whether a connection is one to a server of SSH.
func isSSH(s Socket) bool {
	return s.Local.Port() == sshPort || strings.HasPrefix(s.Program, "sshd") || s.Program == "dropbear"
}

// parseSSH reads what sshd says of a session: its client's address and port, then its own.
func parseSSH(text string) (Session, bool) {
	f := strings.Fields(text)
	if len(f) != 4 {
		return Session{}, false
	}
	remote, err := netip.ParseAddr(f[0])
	port, err2 := strconv.ParseUint(f[3], 10, 16)
	if err != nil || err2 != nil {
		return Session{}, false
	}
	return Session{remote.Unmap().WithZone(""), uint16(port), "your own SSH connection"}, true
}

// KeepsOperators refuses a policy that would refuse sessions if they came again: a connection that is open survives the
// change, but who loses it stands outside. The error has the rules to add.
func KeepsOperators(p *firewall.Policy, sessions []Session) error {
	var lines []string
	var first Session
	for _, s := range sessions {
		if p.Judge(firewall.Flow{Protocol: firewall.TCP, Remote: s.Remote, Port: s.Port}).Allowed {
			continue
		}
		if line := fmt.Sprintf("- { allow: tcp/%d, from: [%s] }", s.Port, s.Remote); !slices.Contains(lines, line) {
			if len(lines) == 0 {
				first = s
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	group := "a group that is attached to this machine's role"
	if g := p.Groups(); len(g) > 0 {
		group = "a group of this machine (" + strings.Join(g, ", ") + ")"
	}
	return roundtrip.E(roundtrip.Conflict, "firewall.lock_out",
		"nothing was changed, for it would lock you out:\n%s, from %s to port %d,\nwould be refused if it came again. Add to %s:\n\n  %s\n\nor say --lock-out if you have another way in",
		first.How, first.Remote, first.Port, group, strings.Join(lines, "\n  "))
}

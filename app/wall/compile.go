package wall

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// Machine is for which machine groups are compiled.
type Machine struct {
	Roles     []string                     // none: those among whose machines it is
	Every     bool                         // all roles: in dev, and where a command looks at a declaration that is another machine's
	Addresses func() ([]netip.Addr, error) // of its network cards; nil: they are not looked at, and it has all roles
}

// Compile compiles the security groups of a machine (2 may this address connect?); nil where none are declared. The error is a
// *config.Problems with every mistake in them.
func Compile(c *config.Config, m Machine) (*firewall.Policy, []policy.Warning, error) {
	if c.Firewall == nil {
		return nil, nil, nil
	}
	who, err := m.who(c)
	if err != nil {
		return nil, nil, err
	}
	p, mistakes := firewall.Compile(c.Firewall, who)
	if p == nil {
		return nil, nil, declare.DoorProblems(c, mistakes).Err()
	}
	var warnings []policy.Warning
	for _, m := range mistakes {
		text := m.Message
		if m.Expected != "" {
			text += "; expected " + m.Expected
		}
		warnings = append(warnings, policy.Warning{Pos: m.Pos, Message: text})
	}
	return p, warnings, nil
}

// who says which roles the machine has: the ones that --role names, or those among whose addresses is one of its own.
func (m Machine) who(c *config.Config) (firewall.Who, error) {
	f, problems := c.Firewall, c.Problems()
	if len(m.Roles) > 0 {
		known := roleNames(f)
		for _, role := range m.Roles {
			if !slices.Contains(known, role) {
				problems.Add(f.Pos, "--role %s names no role of the firewall", role).Expect("one of %s", strings.Join(known, ", ")).Near(role, known)
			}
		}
		return firewall.Who{Roles: m.Roles}, problems.Err()
	}
	if len(f.Machines) == 0 || m.Addresses == nil || m.Every {
		return firewall.Who{Every: true}, nil
	}
	own, err := m.Addresses()
	if err != nil {
		return firewall.Who{}, err
	}
	roles := firewall.RolesOf(f, own)
	if len(roles) == 0 {
		problems.Add(f.Pos, "no address of this machine stands under machines:, so it is not known which groups hold for it").
			Expect("one of %s there, or --role with one of %s", addressList(own), strings.Join(roleNames(f), ", "))
	}
	return firewall.Who{Roles: roles}, problems.Err()
}

func roleNames(f *config.Firewall) []string {
	var all []string
	for _, at := range f.Attach {
		all = append(all, at.Role)
	}
	return all
}

// addressList joins the addresses by which others may know this machine.
func addressList(own []netip.Addr) string {
	var all []string
	for _, addr := range own {
		if addr.IsGlobalUnicast() {
			all = append(all, addr.String())
		}
	}
	if len(all) == 0 {
		return "its addresses"
	}
	return strings.Join(all, ", ")
}

package wall

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/foreign"
)

// ExportGroups writes the security groups of a declaration as others have them: nftables (of the machines of one role),
// terraform or aws-json. What can't be said there goes to s.Err.
func ExportGroups(form, file, role string, s process.Surroundings) error {
	c, err := declare.Read(file, "", s.WithoutSecrets())
	if err != nil {
		return err
	}
	if c.Firewall == nil {
		return roundtrip.E(roundtrip.Missing, "command.undeclared", "%s declares no firewall, so there are no groups to write", c.File)
	}
	var losses []foreign.Loss
	switch form {
	case "nftables":
		return exportNftables(c, role, s.Out)
	case "terraform":
		losses, err = foreign.Terraform(s.Out, c.Firewall)
	default:
		losses, err = foreign.AWS(s.Out, c.Firewall)
	}
	sayLosses(s.Err, losses)
	return err
}

func exportNftables(c *config.Config, role string, out io.Writer) error {
	roles := roleNames(c.Firewall)
	switch {
	case role == "" && len(roles) == 1:
		role = roles[0]
	case role == "":
		return invalid("each role has a ruleset of its own: say with --role which, one of %s", strings.Join(roles, ", "))
	case !slices.Contains(roles, role):
		return invalid("--role %s: there is no such role; expected one of %s", role, strings.Join(roles, ", "))
	}
	p, mistakes := firewall.Compile(c.Firewall, firewall.Who{Roles: []string{role}})
	if p == nil {
		return declare.DoorProblems(c, mistakes).Err()
	}
	return foreign.Nftables(out, p, role)
}

// ImportGroups writes a firewall: block for the answer of aws ec2 describe-security-groups in a file, or on standard input
// for "-".
func ImportGroups(file string, in io.Reader, s process.Surroundings) (err error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return invalid("%s can't be read: %v", file, err)
		}
		defer func() { _ = f.Close() }() // nothing was written
		in = f
	}
	losses, err := foreign.FromAWS(s.Out, in)
	sayLosses(s.Err, losses)
	return err
}

func sayLosses(w io.Writer, losses []foreign.Loss) {
	for _, l := range losses {
		if l.Pos.Line > 0 {
			fmt.Fprintf(w, "%s: ", l.Pos)
		}
		fmt.Fprintln(w, l.Text)
	}
}

package lab_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/lab"
	"github.com/roundtrip-dev/roundtrip/why"
)

var update = flag.Bool("update", false, "write docs/why-failures.md anew")

// failurePage is docs/why-failures.md: what the command says to each failure. Times and ids differ from run to run, so that
// without -update only this is compared: each failure's heading, its command, and what was found.
type failurePage struct {
	parts []string // one for each failure: what has to be on the page as it is
	text  strings.Builder
}

func (p *failurePage) add(tt *failed, a *why.Answer, shown func() string) {
	command := "roundtrip why " + strings.Join(quoted(tt.args), " ")
	found := "nothing stops it"
	if !a.Well {
		found = fmt.Sprintf("%s, `%s`, exit status %d", a.Layer, a.Reason, tt.exit)
	}
	head := fmt.Sprintf("## %s\n\nFound: %s.\n\n```\n$ %s\n", strings.ToUpper(tt.name[:1])+tt.name[1:], found, command)
	p.parts = append(p.parts, head)
	if *update {
		p.text.WriteString(head + shown() + "```\n\n")
	}
}

func (p *failurePage) check(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "why-failures.md")
	if *update {
		must(t, os.WriteFile(path, []byte(failureHead+strings.TrimRight(p.text.String(), "\n")+"\n"), 0o644))
	}
	page, err := os.ReadFile(path)
	must(t, err)
	for _, part := range p.parts {
		if !bytes.Contains(page, []byte(part)) {
			t.Errorf("docs/why-failures.md lacks this; go test ./test/lab -run Failures -update writes it anew:\n%s", part)
		}
	}
}

// shown is what the command prints to a person.
func (f *failing) shown(t *testing.T, tt *failed) string {
	t.Helper()
	out, _ := f.command(t, tt).Output() // the exit status was looked at
	return strings.ReplaceAll(string(out), f.Machine(lab.Edge).Folder+"/", "")
}

func quoted(args []string) []string {
	all := make([]string, len(args))
	for i, a := range args {
		if strings.ContainsAny(a, " {}\"?&") {
			a = "'" + a + "'"
		}
		all[i] = a
	}
	return all
}

const failureHead = `# Failures, and what why says of them

Each of these was made for real in the laboratory ([docs/lab.md](lab.md)): eight machines, a server on the edge with the declaration
` + "`test/lab/failures.yaml`" + `, and the command typed on the machine of the client (of the stranger, where a group drops it). What stands
here was printed there. [Why does a request fail?](why.md) tells how it is found.

`

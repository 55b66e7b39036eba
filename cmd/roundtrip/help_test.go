package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// columns are those of the narrowest terminal that help is written for.
const columns = 80

// tried runs a command line and returns what it said.
func tried(t *testing.T, args ...string) (status int, out, mistake string) {
	t.Helper()
	var o, e strings.Builder
	status = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// commands are the words of every command, hidden ones and the library's own excepted.
func commands(c *cobra.Command, words []string) [][]string {
	all := [][]string{words}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" {
			all = append(all, commands(sub, append(words[:len(words):len(words)], sub.Name()))...)
		}
	}
	return all
}

func TestHelp_FitsATerminal(t *testing.T) {
	t.Parallel()
	all := commands(newRoot(console{}), nil)
	if len(all) < 50 {
		t.Fatalf("found %d commands only", len(all))
	}
	for _, words := range all {
		status, out, mistake := tried(t, append(words, "--help")...)
		if status != exitOK || mistake != "" || !strings.Contains(out, "Usage:") {
			t.Errorf("%q --help: %d %s%s", words, status, out, mistake)
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%q --help: %d columns: %s", words, n, line)
			}
		}
	}
}

func TestMistakes_SayWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"chekc":                                  `there is no command "roundtrip chekc" (did you mean check?); roundtrip --help lists them`,
		"frobnicate":                             `there is no command "roundtrip frobnicate"; roundtrip --help lists them`,
		"export opnapi":                          `there is no command "roundtrip export opnapi" (did you mean openapi?); roundtrip export --help lists them`,
		"user list shop":                         `user list takes no argument, and shop was given; see roundtrip user list --help`,
		"serve --htps :1":                        `unknown flag: --htps (did you mean --https?); see roundtrip serve --help`,
		"firewall apply --nosuch":                `unknown flag: --nosuch; see roundtrip firewall apply --help`,
		"export proto a b":                       `export proto takes one file or folder, and 2 were given: a, b`,
		"journeys --number all":                  `--number takes a whole number, not "all"; see roundtrip journeys --help`,
		"serve --lock-out=perhaps":               `--lock-out takes true or false, not "perhaps"; see roundtrip serve --help`,
		"reasons store unique":                   `reasons takes one code, and 2 were given; see roundtrip reasons --help`,
		"export openapi --server api.shop.dev":   `--server api.shop.dev is no URL of an API: write it whole, such as https://api.example.com/api`,
		"export postman --server https://?a=b":   `--server https://?a=b is no URL of an API: write it whole, such as https://api.example.com/api`,
		"export openapi --server ftp://shop.dev": `--server ftp://shop.dev is no URL of an API: write it whole, such as https://api.example.com/api`,
	} {
		status, out, mistake := tried(t, strings.Fields(line)...)
		if status != exitUsage || out != "" || mistake != "roundtrip: "+want+"\n" {
			t.Errorf("%s: %d %s\ngot  %swant roundtrip: %s", line, status, out, mistake, want)
		}
	}
}

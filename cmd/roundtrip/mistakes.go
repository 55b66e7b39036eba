package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// errUsage marks mistakes of the command line.
var errUsage = errors.New("usage")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

// fileArg takes the one optional argument of most commands: a roundtrip.yaml or its folder.
func fileArg(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes one file or folder, and %d were given: %s", below(cmd), len(args), strings.Join(args, ", "))
	}
	return nil
}

// noArgs takes none. What somebody wrote behind a command that only has others below it is the name of one that there isn't.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usage("%s takes no argument, and %s was given; see %s --help", below(cmd), args[0], cmd.CommandPath())
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usage("there is no command %q%s; %s --help lists them", cmd.CommandPath()+" "+args[0], meant(args[0], names, ""), cmd.CommandPath())
}

// flagMistake says what is wrong with a flag in the words of the command line, and not of the library that reads it.
func flagMistake(cmd *cobra.Command, err error) error {
	see := "see " + cmd.CommandPath() + " --help"
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return usage("%v%s; %s", missing, meant(missing.GetSpecifiedName(), names, "--"), see)
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		what := wrong.GetFlag().Value.Type()
		switch what {
		case "int", "int64", "uint", "uint16", "uint64":
			what = "a whole number"
		case "duration":
			what = "a time such as 30s or 5m"
		case "bool":
			what = "true or false"
		}
		return usage("--%s takes %s, not %q; %s", wrong.GetFlag().Name, what, wrong.GetValue(), see)
	}
	return usage("%v; %s", err, see)
}

// meant asks whether another name was, if one is near.
func meant(word string, names []string, before string) string {
	if near := nearest.Of(word, names); near != "" {
		return " (did you mean " + before + near + "?)"
	}
	return ""
}

// below is the path of a command without the program's own name.
func below(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return path
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/certs"
)

func newTrust(c console) *cobra.Command {
	var undo bool
	cmd := &cobra.Command{
		Use:     "trust [FILE]",
		GroupID: "operate",
		Short:   "Let this machine trust the local certificate authority",
		Long: `Installs the certificate authority of the data folder into the stores of the
system and of the browsers, so that https://….localhost opens without a warning.
It needs the rights to do so (sudo) and says each thing that it does. --undo
removes exactly what was installed.`,
		Args: fileArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return certs.Trust(cmd.Context(), file(args), undo, c.surroundings())
		},
	}
	cmd.Flags().BoolVar(&undo, "undo", false, "remove it again")
	return cmd
}

func newUser(c console) *cobra.Command {
	var o app.UserOptions
	cmd := &cobra.Command{
		Use:     "user",
		GroupID: "operate",
		Short:   "Add and list accounts, set passwords and roles",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVarP(&o.File, "file", "f", ".", "the roundtrip.yaml, or its folder")
	cmd.PersistentFlags().StringVar(&o.Data, "data", "", "the folder of the database, if serve was given one")

	add := &cobra.Command{
		Use:   "add FIELD=VALUE…",
		Short: "Add an account; the password is read from standard input",
		Example: `  roundtrip user add handle=ana name="Ana Lima"
  echo "$PASSWORD" | roundtrip user add handle=bo --role moderator`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("user add needs the account's fields, such as handle=ana")
			}
			password, err := c.readPassword()
			if err != nil {
				return err
			}
			return app.UserAdd(cmd.Context(), o, args, password, c.surroundings())
		},
	}
	add.Flags().StringSliceVar(&o.Roles, "role", nil, "a role of the account (may be given several times)")

	passwd := &cobra.Command{
		Use:   "passwd LOGIN",
		Short: "Set a password (from standard input) and end the sessions",
		Args:  exactly(1, "the account's login, such as its handle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := c.readPassword()
			if err != nil {
				return err
			}
			return app.UserPassword(cmd.Context(), o, args[0], password, c.surroundings())
		},
	}
	roles := &cobra.Command{
		Use:     "roles LOGIN [ROLE…]",
		Short:   "Set an account's roles; none takes all away",
		Example: "  roundtrip user roles ana moderator",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("user roles needs the account's login, such as its handle")
			}
			o.Roles = args[1:]
			return app.UserRoles(cmd.Context(), o, args[0], c.surroundings())
		},
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the accounts with their roles",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.UserList(cmd.Context(), o, c.surroundings())
		},
	}
	cmd.AddCommand(add, passwd, roles, list)
	return cmd
}

// exactly wants n arguments and says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("user %s needs %s", cmd.Name(), what)
		}
		return nil
	}
}

// readPassword reads one line of standard input. It is not taken from the command line, where other users of the machine
// could see it.
func (c console) readPassword() (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(c.err, "password: ")
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		if err != nil || len(text) == 0 {
			return "", usage("no password was given (%v)", err)
		}
		return string(text), nil
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usage("no password came on standard input (%v)", err)
	}
	return line, nil
}

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/audit"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// OperatorOptions says which server's operators a command is about.
type OperatorOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the data folder, "" for the declared one
}

// operatorCommand is one command about operators; it runs in the server that runs, or here where none does.
type operatorCommand struct {
	Do   string // list, link, role, remove, audit
	Name string
	Role string
}

// OperatorList prints who may sign in to the console.
func OperatorList(ctx context.Context, o OperatorOptions, s process.Surroundings) error {
	return o.run(ctx, operatorCommand{Do: "list"}, s)
}

// OperatorLink prints a link that makes an operator of that role, once.
func OperatorLink(ctx context.Context, o OperatorOptions, role string, s process.Surroundings) error {
	return o.run(ctx, operatorCommand{Do: "link", Role: role}, s)
}

// OperatorRole gives an operator another role.
func OperatorRole(ctx context.Context, o OperatorOptions, name, role string, s process.Surroundings) error {
	return o.run(ctx, operatorCommand{Do: "role", Name: name, Role: role}, s)
}

// OperatorRemove takes an operator off the list and ends their sessions.
func OperatorRemove(ctx context.Context, o OperatorOptions, name string, s process.Surroundings) error {
	return o.run(ctx, operatorCommand{Do: "remove", Name: name}, s)
}

// OperatorAudit says whether the audit log is as it was written.
func OperatorAudit(_ context.Context, o OperatorOptions, s process.Surroundings) error {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return err
	}
	broken, n, err := audit.Verify(declare.DataFolder(c))
	if err != nil {
		return err
	}
	wrong, turned, err := audit.VerifyRefused(declare.DataFolder(c))
	switch broken = cmp.Or(broken, wrong); {
	case err != nil:
		return err
	case broken != "":
		return roundtrip.E(roundtrip.Unprocessable, "console.audit_broken", "the audit log was changed by somebody else: %s", broken)
	}
	fmt.Fprintf(s.Out, "the chain holds up to entry %d: none before it was changed or taken out\n", n)
	if turned > 0 {
		fmt.Fprintf(s.Out, "so does that of who was turned away at the door (%s), up to entry %d\n", audit.RefusedFile, turned)
	}
	fmt.Fprintln(s.Out, `whether entries behind it were cut off, only the server's log can tell: its last line with the message "audit" has the same n`)
	return nil
}

func (o OperatorOptions) run(ctx context.Context, order operatorCommand, s process.Surroundings) error {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return err
	}
	if reached, err := control.Ask(ctx, c, "operator", order, s.Out); reached || err != nil {
		return err
	}
	if err := os.MkdirAll(declare.DataFolder(c), 0o700); err != nil {
		return err
	}
	book, err := operators.New(operators.Options{Dir: declare.DataFolder(c), Now: s.Now, Rand: s.Rand})
	if err != nil {
		return err
	}
	log, err := audit.Open(declare.DataFolder(c), s.Now, 0)
	if err != nil {
		return err
	}
	desk := operatorDesk{
		book: book, now: s.Now(),
		note: func(e audit.Entry) error { _, err := log.Append(e); return err },
		link: func(token string) string { return console.LinkTo(consoleURL(c), token) },
		hint: "no server runs: the link can be used when it does",
	}
	return errors.Join(desk.do(order, s.Out), log.Close())
}

// consoleURL is where the console of a declaration will be found.
func consoleURL(c *config.Config) string {
	switch {
	case c.Console.Origin != "":
		return c.Console.Origin + "/"
	case c.Console.Listen == "":
		return "http://127.0.0.1:9443/" // where dev has it
	case c.Console.TLS.Mode != "":
		return "https://" + c.Console.Listen + "/"
	}
	return "http://" + c.Console.Listen + "/"
}

// doOperator does an order of the control socket.
func (a *App) doOperator(_ context.Context, order operatorCommand, out io.Writer) error {
	if a.console == nil {
		return roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "the server that runs has no console: declare console.listen and restart it")
	}
	desk := operatorDesk{
		book: a.console.Book(), now: a.around.Now(), note: a.console.Note,
		link: func(token string) string { return console.LinkTo(a.console.URL(), token) },
	}
	return desk.do(order, out)
}

// operatorDesk does what commands about operators ask for.
type operatorDesk struct {
	book *operators.Book
	now  time.Time
	note func(e audit.Entry) error
	link func(token string) string
	hint string // told with a link, "" for nothing
}

func (d *operatorDesk) do(order operatorCommand, out io.Writer) error {
	if order.Do == "list" {
		return d.list(out)
	}
	role, ok := operators.RoleOf(order.Role)
	if order.Do != "remove" && !ok {
		return roundtrip.E(roundtrip.Invalid, "command.invalid", "%q is no role of an operator; expected viewer, operator or owner", order.Role)
	}
	e := audit.Entry{From: "this machine", What: "operator." + order.Do, Target: order.Name, Note: order.Role}
	if err := d.note(e); err != nil { // what can't be noted is not done
		return err
	}
	err := d.change(order, role, out)
	if err != nil {
		e.Refused = roundtrip.AsError(err).Reason
		return errors.Join(err, d.note(e))
	}
	return nil
}

func (d *operatorDesk) change(order operatorCommand, role operators.Role, out io.Writer) error {
	switch order.Do {
	case "link":
		token, _, err := d.book.Invite(role)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", d.link(token))
		fmt.Fprintf(out, "Who opens it first becomes an operator with the role %s. It is good for %d minutes.\n", role, int(operators.LinkLife.Minutes()))
		if d.hint != "" {
			fmt.Fprintln(out, d.hint)
		}
	case "role":
		was, err := d.book.SetRole(order.Name, role)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s was %s and is %s now\n", order.Name, was, role)
	case "remove":
		if err := d.book.Remove(order.Name); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s may not sign in any more; open sessions ended\n", order.Name)
	default:
		return roundtrip.E(roundtrip.Invalid, "command.invalid", "operators can't be asked to %q", order.Do)
	}
	return nil
}

func (d *operatorDesk) list(out io.Writer) error {
	list, err := d.book.List()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(out, "there is no operator yet: roundtrip operator link --role owner makes the first one")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE\tSIGNED IN")
	for _, o := range list {
		fmt.Fprintf(w, "%s\t%s\t%s ago\n", o.Name, o.Role, terminal.Age(d.now.Sub(o.Seen)))
	}
	return w.Flush()
}

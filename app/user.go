package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// UserOptions says which accounts a user command is about.
type UserOptions struct {
	File  string // a roundtrip.yaml or its folder
	Data  string // the folder of the database, "" for the declared one
	Roles []string
}

// userCommand is one command about accounts; it runs in this process, or in the server that has the database open.
type userCommand struct {
	Do       string // add, password, roles, list
	Login    string
	Password string
	Fields   []string // name=value
	Roles    []string
}

// UserAdd makes an account of fields such as handle=ana.
func UserAdd(ctx context.Context, o UserOptions, fields []string, password string, s process.Surroundings) error {
	return o.run(ctx, userCommand{Do: "add", Fields: fields, Password: password, Roles: o.Roles}, s)
}

// UserPassword sets an account's password and ends its sessions.
func UserPassword(ctx context.Context, o UserOptions, login, password string, s process.Surroundings) error {
	return o.run(ctx, userCommand{Do: "password", Login: login, Password: password}, s)
}

// UserRoles replaces an account's roles.
func UserRoles(ctx context.Context, o UserOptions, login string, s process.Surroundings) error {
	return o.run(ctx, userCommand{Do: "roles", Login: login, Roles: o.Roles}, s)
}

// UserList prints all accounts.
func UserList(ctx context.Context, o UserOptions, s process.Surroundings) error {
	return o.run(ctx, userCommand{Do: "list"}, s)
}

func (o UserOptions) run(ctx context.Context, order userCommand, s process.Surroundings) error {
	return command{file: o.File, data: o.Data, path: "user", body: order}.run(ctx, s, func(a *App) error {
		return a.house.Load().run(ctx, order, s.Now(), s.Out)
	})
}

// run does one command in a house.
func (h *house) run(ctx context.Context, command userCommand, now time.Time, out io.Writer) error {
	if h.identity.Users() == nil {
		return roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "the declaration has no accounts: name their collection with identity.accounts")
	}
	switch command.Do {
	case "add":
		return h.addUser(ctx, command, now, out)
	case "password":
		if err := h.identity.SetPassword(ctx, command.Login, command.Password); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has a new password; all sessions have ended\n", command.Login)
	case "roles":
		if err := h.identity.SetRoles(ctx, command.Login, command.Roles); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %s\n", command.Login, rolesText(command.Roles))
	case "list":
		return h.listUsers(ctx, out)
	}
	return nil
}

func (h *house) addUser(ctx context.Context, command userCommand, now time.Time, out io.Writer) error {
	users := h.identity.Users()
	record := roundtrip.NewRecord(users)
	for _, pair := range command.Fields {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return roundtrip.E(roundtrip.Invalid, "command.invalid", "%q is no FIELD=VALUE, such as handle=ana", pair)
		}
		if err := putField(record, name, text); err != nil {
			return err
		}
	}
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: users, Input: record, Time: now}
	if err := h.schema.Check(call, &roundtrip.Principal{}); err != nil {
		return err
	}
	made, err := h.identity.CreateUser(ctx, record, command.Password, command.Roles)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "added %s (%s) with %s\n", h.loginOf(made), made.ID(), rolesText(command.Roles))
	return nil
}

// putField sets a field from a word of the command line.
func putField(record *roundtrip.Record, name, text string) error {
	i, ok := record.Collection.Lookup(name)
	if !ok {
		e := roundtrip.E(roundtrip.Invalid, "command.invalid", "%s has no field %q", record.Collection.Name, name)
		if near := nearest.Of(name, record.Collection.FieldNames()); near != "" {
			e.Public += fmt.Sprintf("; did you mean %q?", near)
		}
		return e
	}
	v, err := parseWord(record.Collection.Fields[i], text)
	if err != nil {
		return roundtrip.E(roundtrip.Invalid, "command.invalid", "%s: %q is no %s", name, text, record.Collection.Fields[i].Type)
	}
	record.Put(i, v)
	return nil
}

var errWord = errors.New("not of the field's type")

func parseWord(f *roundtrip.Field, text string) (roundtrip.Value, error) {
	switch f.Type.Value() {
	case roundtrip.BoolValue:
		v, err := strconv.ParseBool(text)
		return roundtrip.Bool(v), err
	case roundtrip.IntValue:
		v, err := strconv.ParseInt(text, 10, 64)
		return roundtrip.Int(v), err
	case roundtrip.FloatValue:
		v, err := strconv.ParseFloat(text, 64)
		return roundtrip.Float(v), err
	case roundtrip.TimeValue:
		v, err := time.Parse(time.RFC3339Nano, text)
		return roundtrip.Time(v), err
	case roundtrip.IDValue:
		id, ok := roundtrip.ParseID(text)
		if !ok {
			return roundtrip.Value{}, errWord
		}
		return roundtrip.Ref(id), nil
	case roundtrip.JSONValue:
		return roundtrip.Value{}, errWord // a file or structure can't be given as a word
	case roundtrip.TextValue, roundtrip.Null:
	}
	return roundtrip.Text(text), nil
}

// usersPage is how many accounts are read at once.
const usersPage = 500

func (h *house) listUsers(ctx context.Context, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLOGIN\tROLES\tSINCE")
	for after := roundtrip.ID(0); ; {
		users, err := h.identity.ListUsers(ctx, after, usersPage)
		if err != nil {
			return err
		}
		for _, u := range users {
			after = u.Account.ID()
			since := u.Account.Values[roundtrip.FieldCreateTime].Time().Format(time.DateOnly)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", after, h.loginOf(u.Account), strings.Join(u.Roles, " "), since)
		}
		if len(users) < usersPage {
			return w.Flush()
		}
	}
}

// loginOf returns what an account signs in with.
func (h *house) loginOf(account *roundtrip.Record) string {
	for _, name := range h.identity.Login() {
		if v := account.Get(name); !v.IsNull() {
			return v.Text()
		}
	}
	return account.ID().String()
}

func rolesText(roles []string) string {
	if len(roles) == 0 {
		return "no roles"
	}
	return "roles " + strings.Join(roles, ", ")
}

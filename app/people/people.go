// Package people does the orders of `roundtrip user`.
package people

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
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/schema"
)

// Desk is where orders about people are done.
type Desk struct {
	Identity *identity.Identity
	Schema   *schema.Schema
}

// Command is one command about accounts; it runs in this process, or in the server that has the database open.
type Command struct {
	Do       string // add, password, roles, list
	Login    string
	Password string
	Fields   []string // name=value
	Roles    []string
}

// Do does one command in a house.
func (d *Desk) Do(ctx context.Context, command Command, now time.Time, out io.Writer) error {
	if d.Identity.Users() == nil {
		return roundtrip.E(roundtrip.Unprocessable, "command.undeclared", "the declaration has no accounts: name their collection with identity.accounts")
	}
	switch command.Do {
	case "add":
		return d.addUser(ctx, command, now, out)
	case "password":
		if err := d.Identity.SetPassword(ctx, command.Login, command.Password); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has a new password; all sessions have ended\n", command.Login)
	case "roles":
		if err := d.Identity.SetRoles(ctx, command.Login, command.Roles); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %s\n", command.Login, RolesText(command.Roles))
	case "list":
		return d.listUsers(ctx, out)
	}
	return nil
}

func (d *Desk) addUser(ctx context.Context, command Command, now time.Time, out io.Writer) error {
	users := d.Identity.Users()
	record := roundtrip.NewRecord(users)
	for _, pair := range command.Fields {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return roundtrip.E(roundtrip.Invalid, "command.invalid", "%q is no FIELD=VALUE, such as handle=ana", pair)
		}
		if err := PutField(record, name, text); err != nil {
			return err
		}
	}
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: users, Input: record, Time: now}
	if err := d.Schema.Check(call, &roundtrip.Principal{}); err != nil {
		return err
	}
	made, err := d.Identity.CreateUser(ctx, record, command.Password, command.Roles)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "added %s (%s) with %s\n", d.LoginOf(made), made.ID(), RolesText(command.Roles))
	return nil
}

// PutField sets a field from a word of the command line.
func PutField(record *roundtrip.Record, name, text string) error {
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

func (d *Desk) listUsers(ctx context.Context, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLOGIN\tROLES\tSINCE")
	for after := roundtrip.ID(0); ; {
		users, err := d.Identity.ListUsers(ctx, after, usersPage)
		if err != nil {
			return err
		}
		for _, u := range users {
			after = u.Account.ID()
			since := u.Account.Values[roundtrip.FieldCreateTime].Time().Format(time.DateOnly)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", after, d.LoginOf(u.Account), strings.Join(u.Roles, " "), since)
		}
		if len(users) < usersPage {
			return w.Flush()
		}
	}
}

// LoginOf returns what an account signs in with.
func (d *Desk) LoginOf(account *roundtrip.Record) string {
	for _, name := range d.Identity.Login() {
		if v := account.Get(name); !v.IsNull() {
			return v.Text()
		}
	}
	return account.ID().String()
}

// RolesText writes roles for a person to read.
func RolesText(roles []string) string {
	if len(roles) == 0 {
		return "no roles"
	}
	return "roles " + strings.Join(roles, ", ")
}

var errWord = errors.New("not of the field's type")

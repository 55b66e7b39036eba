package app

import (
	"context"

	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/app/process"
)

// UserOptions says which accounts a user command is about.
type UserOptions struct {
	File  string // a roundtrip.yaml or its folder
	Data  string // the folder of the database, "" for the declared one
	Roles []string
}

// UserAdd makes an account of fields such as handle=ana.
func UserAdd(ctx context.Context, o UserOptions, fields []string, password string, s process.Surroundings) error {
	return o.run(ctx, people.Command{Do: "add", Fields: fields, Password: password, Roles: o.Roles}, s)
}

// UserPassword sets an account's password and ends its sessions.
func UserPassword(ctx context.Context, o UserOptions, login, password string, s process.Surroundings) error {
	return o.run(ctx, people.Command{Do: "password", Login: login, Password: password}, s)
}

// UserRoles replaces an account's roles.
func UserRoles(ctx context.Context, o UserOptions, login string, s process.Surroundings) error {
	return o.run(ctx, people.Command{Do: "roles", Login: login, Roles: o.Roles}, s)
}

// UserList prints all accounts.
func UserList(ctx context.Context, o UserOptions, s process.Surroundings) error {
	return o.run(ctx, people.Command{Do: "list"}, s)
}

func (o UserOptions) run(ctx context.Context, order people.Command, s process.Surroundings) error {
	return command{file: o.File, data: o.Data, path: "user", body: order}.run(ctx, s, func(a *App) error {
		return a.house.Load().desk().Do(ctx, order, s.Now(), s.Out)
	})
}

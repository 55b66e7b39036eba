package app

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/typescript"
)

// Types prints the types of a declaration's collections as a TypeScript module. Its error is a *config.Problems with every
// mistake.
func Types(file string, s process.Surroundings) error {
	c, err := declare.Read(file, "", s.WithoutSecrets())
	if err != nil {
		return err
	}
	built, err := schema.Build(c)
	if err != nil {
		return err
	}
	names := typescript.Names{Login: loginNames(c, built.Accounts())}
	for i := range c.Notices {
		names.Notifications = append(names.Notifications, c.Notices[i].Name)
	}
	for i := range c.Channels {
		names.Channels = append(names.Channels, c.Channels[i].Name)
	}
	_, err = s.Out.Write(typescript.Module(built.Schema, names))
	return err
}

// loginNames are the fields that name an account: the declared ones, or all unique texts and emails.
func loginNames(c *config.Config, accounts *roundtrip.Collection) []string {
	if len(c.Identity.Login) > 0 || accounts == nil {
		return c.Identity.Login
	}
	var names []string
	for _, f := range accounts.Fields {
		if f.Unique && (f.Type == roundtrip.TypeText || f.Type == roundtrip.TypeEmail) {
			names = append(names, f.Name)
		}
	}
	return names
}

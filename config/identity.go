package config

import (
	"fmt"
	"time"
)

func identityKeys() []key {
	signUp := choice("sign_up", []string{"open", "closed"}, func(i *Identity, s string) { i.SignUp = s == "open" })
	return []key{
		text("accounts", func(i *Identity) *string { return &i.Accounts }).must().takes("the name of a collection").eg("users").
			after(func(_ *decoder, target any, n *node) { target.(*Identity).AccountsPos = n.at }).
			says("The collection whose records are people's accounts. Passwords and roles are kept apart from it."),
		texts("login", func(i *Identity) *[]string { return &i.Login }).eg("[handle]").
			after(func(_ *decoder, target any, n *node) {
				for _, item := range n.items {
					target.(*Identity).LoginPos = append(target.(*Identity).LoginPos, item.at)
				}
			}).
			orElse("all its unique text and email fields").
			says("Fields of the accounts collection that name an account at sign-in. Each must be unique."),
		signUp.or("open").eg("closed").
			says("Whether strangers may make themselves an account. Operators can always add one with `roundtrip user add`."),
		block("password", func(i *Identity) *Identity { return i },
			integer("min", 8, 128, func(i *Identity) *int { return &i.MinLen }).or("10").eg("12").
				says("Fewest characters of a password.")).
			says("What a password must be."),
		block("sessions", func(i *Identity) *Identity { return i },
			duration("idle", "1m", "3650d", func(i *Identity) *time.Duration { return &i.Idle }).or("30d").eg("7d").
				says("A session ends when it was not used for so long."),
			duration("absolute", "1m", "3650d", func(i *Identity) *time.Duration { return &i.Absolute }).or("180d").eg("90d").
				says("A session ends after so long in any case.")).
			after(checkSessions).
			says("How long people stay signed in."),
		texts("roles", func(i *Identity) *[]string { return &i.Roles }).eg("[moderator]").orElse("none").
			each(matches(`^[a-z][a-z0-9_-]{0,62}$`, "is no role; expected small letters, digits, _ and -, a letter first")).
			says("Roles that operators may give to accounts; rules see them as auth.roles."),
		later("oidc", "passwords; signing in by other providers comes later"),
		later("passkeys", "passwords"),
		later("totp", "passwords"),
		later("keys", "sessions; API keys come later"),
		later("mail", "leave it out; an operator sets a new password with `roundtrip user passwd`"),
		later("verify", "leave it out; addresses are not verified yet"),
	}
}

func checkSessions(d *decoder, target any, n *node) {
	if i := target.(*Identity); i.Idle > i.Absolute {
		d.add(n, "sessions.idle (%s) is longer than sessions.absolute (%s)", days(i.Idle), days(i.Absolute)).
			Expect("idle to be the shorter one")
	}
}

// days writes a duration as it would be declared.
func days(v time.Duration) string {
	if day := 24 * time.Hour; v%day == 0 {
		return fmt.Sprintf("%dd", v/day)
	}
	return v.String()
}

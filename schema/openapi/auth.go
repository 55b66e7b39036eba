package openapi

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// auth writes down how people sign up, in and out. Without accounts there is nothing of it.
func (w *writer) auth() {
	users := w.schema.Accounts()
	if users == nil {
		return
	}
	w.tag("auth", "Who is asking. A page of the site itself gets the session as a cookie that no script can read, and no `token`. "+
		"Commands and apps get both, pages of another site the token alone.")
	w.authSchemas(users)
	grant := func(status int, says string, headers ...string) Answer {
		return Answer{
			Status: status, Says: says, Type: jsonType, schema: schemaRef("Grant"), Headers: w.withRates(append(headers, "Set-Cookie")),
			Example: `{"account":` + w.record(users) + `,"session":` + exampleSession + `,"token":"rt_s_…"}`,
		}
	}
	if w.SignUp {
		w.add(Operation{
			ID: "signUp", Method: "POST", Path: "/auth/sign-up", Tag: "auth", Title: "Sign up", Open: true,
			Says:   "Makes an account, a record of `" + users.Name + "`, and signs it in.",
			Bodies: []Body{{Type: jsonType, Example: w.input(users, "password", `"correct horse battery"`), schema: schemaRef("SignUp")}},
			Answers: append(w.authErrors("InvalidAccount", "SignUpClosed", "Taken", "TooLarge", "MediaType", "TooManyTries"),
				grant(201, "The account, signed in.", "Location")),
		})
	}
	name := "login"
	if len(w.Login) > 0 {
		name = w.Login[0]
	}
	w.add(Operation{
		ID: "signIn", Method: "POST", Path: "/auth/sign-in", Tag: "auth", Title: "Sign in", Open: true,
		Says:    "Names the account by one of " + strings.Join(codes(w.Login), ", ") + ", or by any of them as `login`. After 5 wrong tries for a name, or 20 from an address, in a minute, each further one has to wait.",
		Bodies:  []Body{{Type: jsonType, Example: `{"` + name + `":"ana","password":"correct horse battery"}`, schema: schemaRef("SignIn")}},
		Answers: append(w.authErrors("InvalidAccount", "WrongSignIn", "OtherSite", "TooLarge", "MediaType", "TooManyTries"), grant(200, "Signed in.")),
	})
	w.add(Operation{
		ID: "signOut", Method: "POST", Path: "/auth/sign-out", Tag: "auth", Title: "Sign out",
		Says:    "Ends this session, and clears the cookie. Strangers may ask it, too.",
		Answers: append(w.always("InvalidParameter", "OtherSite"), w.done("It is over.", "Set-Cookie")),
	})
	w.sessions(users)
}

func (w *writer) done(says string, headers ...string) Answer {
	return Answer{Status: 204, Says: says, Headers: w.withRates(headers)}
}

// sessions writes down what who is signed in may see and end.
func (w *writer) sessions(users *roundtrip.Collection) {
	w.add(Operation{
		ID: "getMe", Method: "GET", Path: "/auth/me", Tag: "auth", Title: "Who am I?", SignedIn: true,
		Says: "The account as it is now, its roles and the session.",
		Answers: append(w.always("InvalidParameter"), Answer{
			Status: 200, Says: "Who is signed in.", Type: jsonType, schema: schemaRef("Me"), Headers: w.readHeaders(),
			Example: `{"account":` + w.record(users) + `,"roles":[],"session":"0am65rkcg0000"}`,
		}),
	})
	w.add(Operation{
		ID: "listSessions", Method: "GET", Path: "/auth/sessions", Tag: "auth", Title: "List sessions", SignedIn: true,
		Says: "Where the account is signed in.",
		Answers: append(w.always("InvalidParameter"), Answer{
			Status: 200, Says: "All of its sessions.", Type: jsonType, Headers: w.readHeaders(), Example: `{"sessions":[` + exampleSession + `]}`,
			schema: object{{"type", "object"}, {"required", []string{"sessions"}}, {"properties", object{{"sessions", object{{"type", "array"}, {"items", schemaRef("Session")}}}}}},
		}),
	})
	w.add(Operation{
		ID: "endSession", Method: "DELETE", Path: "/auth/sessions/{id}", Tag: "auth", Title: "End a session", SignedIn: true,
		Says: "That device is signed out at once.", Parameters: []Parameter{w.idParameter()},
		Answers: append(w.always("InvalidParameter", "OtherSite", "Missing"), w.done("It is over.", "Set-Cookie")),
	})
	w.add(Operation{
		ID: "endOtherSessions", Method: "DELETE", Path: "/auth/sessions", Tag: "auth", Title: "End all other sessions", SignedIn: true,
		Says:    "All devices but this one are signed out.",
		Answers: append(w.always("InvalidParameter", "OtherSite"), w.done("They are over.")),
	})
	errors := w.always("WrongPassword", "OtherSite", "TooLarge", "MediaType")
	if !w.Rates {
		errors = append(errors, w.refuse("TooManyTries")...)
	} else {
		errors = without(errors, "TooManyRequests", w.refuse("TooManyTries")[0])
	}
	w.add(Operation{
		ID: "changePassword", Method: "POST", Path: "/auth/password", Tag: "auth", Title: "Change the password", SignedIn: true,
		Says:    "All other sessions of the account end.",
		Bodies:  []Body{{Type: jsonType, Example: `{"old":"correct horse battery","new":"a much better one"}`, schema: schemaRef("PasswordChange")}},
		Answers: append(errors, w.done("It is changed.")),
	})
}

// without takes a shared answer out, and another in.
func without(answers []Answer, shared string, other Answer) []Answer {
	for i := range answers {
		if answers[i].shared == shared {
			answers[i] = other
		}
	}
	return answers
}

// authErrors are the errors of who is not signed in yet.
func (w *writer) authErrors(names ...string) []Answer {
	return w.refuse(append(names, "Internal", "Unavailable", "Deadline", "Other")...)
}

const exampleSession = `{"id":"0am65rkcg0000","create_time":"` + exampleTime + `","last_use_time":"` + exampleTime +
	`","expire_time":"2026-12-22T22:37:14.829Z","name":"curl/7.88.1","address":"127.0.0.1","current":true}`

func (w *writer) authSchemas(users *roundtrip.Collection) {
	account := schemaRef(w.names[users])
	password := object{{"type", "string"}, {"format", "password"}}
	weak := password
	if w.MinLen > 0 {
		weak = weak.with("minLength", w.MinLen)
	}
	weak = weak.with("description", "None of the well-known ones.")
	moment := func(says string) object {
		return object{{"type", "string"}, {"format", "date-time"}, {"description", says}}
	}
	w.put("Session", object{
		{"type", "object"},
		{"description", "One device on which an account is signed in."},
		{"required", []string{"id", "create_time", "last_use_time", "expire_time", "name", "address", "current"}},
		{"properties", object{
			{"id", schemaRef("ID")},
			{"create_time", moment("When it was signed in.")},
			{"last_use_time", moment("When it was last used, to the minute.")},
			{"expire_time", moment("When it ends, if it is not used before.")},
			{"name", object{{"type", "string"}, {"description", "The `User-Agent` of the device."}}},
			{"address", object{{"type", []string{"string", "null"}}, {"description", "The address that it signed in from."}}},
			{"current", object{{"type", "boolean"}, {"description", "This is the session that asks."}}},
		}},
		{"examples", list{raw(exampleSession)}},
	})
	w.put("Grant", object{
		{"type", "object"},
		{"description", "Somebody who has just signed in."},
		{"required", []string{"account", "session"}},
		{"properties", object{
			{"account", account},
			{"session", schemaRef("Session")},
			{"token", object{{"type", "string"}, {"description", "For `Authorization: Bearer`. Not for a page of the site itself, which has the cookie."}}},
		}},
	})
	w.put("Me", object{
		{"type", "object"},
		{"description", "Who is signed in."},
		{"required", []string{"account", "roles", "session"}},
		{"properties", object{
			{"account", account}, {"roles", object{{"type", "array"}, {"items", w.role()}}}, {"session", schemaRef("ID")},
		}},
	})
	if w.SignUp {
		properties, required := inputMembers(users)
		w.put("SignUp", closed(objectOf("The fields of a new account, and its password.", properties.with("password", weak), append(required, "password"))).
			with("examples", list{raw(w.input(users, "password", `"correct horse battery"`))}))
	}
	var ways list
	for _, name := range append(append([]string(nil), w.Login...), "login") {
		if name == "login" && contains(w.Login, "login") && len(ways) > 0 && ways.named("login") {
			continue
		}
		ways = append(ways, closed(object{
			{"type", "object"},
			{"title", "by " + name},
			{"required", []string{name, "password"}},
			{"properties", object{{name, object{{"type", "string"}}}, {"password", password}}},
		}))
	}
	w.put("SignIn", object{{"description", "The account's name and its password."}, {"oneOf", ways}})
	w.put("PasswordChange", closed(object{
		{"type", "object"},
		{"description", "The password as it is, and as it is to be."},
		{"required", []string{"old", "new"}},
		{"properties", object{{"old", password}, {"new", weak}}},
	}))
}

// named reports whether one of the ways to sign in is of a name.
func (l list) named(name string) bool {
	for _, e := range l {
		if o, ok := e.(object); ok && len(o) > 1 && o[1].value == "by "+name {
			return true
		}
	}
	return false
}

// role is one of the declared roles.
func (w *writer) role() object {
	if len(w.schema.Roles) == 0 {
		return object{{"type", "string"}}
	}
	return object{{"type", "string"}, {"enum", w.schema.Roles}}
}

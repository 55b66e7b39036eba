package protobuf

// auth adds the service for signing in, where people have accounts.
func (b *builder) auth() {
	users := b.schema.Accounts()
	if users == nil {
		return
	}
	user := MessageName(b.schema, users)
	b.section("accounts and sessions")
	b.service("Auth", "Accounts and their sessions. Calls of an account have the metadata authorization: Bearer TOKEN.",
		line{"SignUp SignUpRequest Grant", "Makes an account of " + users.Name + " and signs in to it."},
		line{"SignIn SignInRequest Grant", ""},
		line{"SignOut " + empty + " " + empty, "Ends the session of the caller."},
		line{"read Me " + empty + " MeResponse", ""},
		line{"read ListSessions " + empty + " ListSessionsResponse", ""},
		line{"EndSession EndSessionRequest " + empty, ""},
		line{"EndOtherSessions " + empty + " " + empty, "Ends all sessions of the account but that of the caller."},
		line{"ChangePassword ChangePasswordRequest " + empty, "Changes the password, and ends all other sessions."},
	)
	b.message("SignUpRequest", "", line{user + " account = 1", ""}, line{"string password = 2", ""})
	b.message("SignInRequest", "",
		line{"string login = 1", "What names the account, in any of the fields that do."},
		line{"string field = 2", "Which field that is, if it is to be only that one."},
		line{"string password = 3", ""},
	)
	b.message("Grant", "",
		line{user + " account = 1", ""},
		line{"Session session = 2", ""},
		line{"string token = 3", "For the metadata authorization: Bearer TOKEN. Empty where a cookie was set for the page instead."},
	)
	b.message("Session", "",
		line{"string id = 1", ""},
		line{"google.protobuf.Timestamp create_time = 2", ""},
		line{"google.protobuf.Timestamp last_use_time = 3", ""},
		line{"google.protobuf.Timestamp expire_time = 4", ""},
		line{"string name = 5", "What signed in, as far as it said."},
		line{"string address = 6", "The network address that it signed in from."},
		line{"bool current = 7", "It is that of the caller."},
	)
	b.message("MeResponse", "",
		line{user + " account = 1", ""},
		line{"repeated string roles = 2", ""},
		line{"string session = 3", "The id of the caller's session."},
	)
	b.message("ListSessionsResponse", "", line{"repeated Session sessions = 1", ""})
	b.message("EndSessionRequest", "", line{"string id = 1", ""})
	b.message("ChangePasswordRequest", "", line{"string old = 1", ""}, line{"string new = 2", ""})
}

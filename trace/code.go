package trace

import "strings"

// Code is how a call of gRPC, gRPC-Web or Connect ended, which its HTTP status mostly does not say. The zero Code is of what
// is no call, and of calls whose end nobody saw.
type Code uint8

// CodeOf is the Code of a grpc-status (https://grpc.io/docs/guides/status-codes/). A number that nobody has declared is
// UNKNOWN, as clients take it.
func CodeOf(status int) Code {
	if status < 0 || status > 16 {
		status = 2
	}
	return Code(status) + 1
}

// codes is how many there are, with that of no call.
const codes = 18

// CodeNamed finds a Code by its name, however a language writes it: PERMISSION_DENIED, permission_denied, PermissionDenied.
func CodeNamed(name string) (Code, bool) {
	plain := strings.NewReplacer("_", "", "-", "")
	name = plain.Replace(name)
	if strings.EqualFold(name, "canceled") { // as Connect and Go write it
		return CodeOf(1), true
	}
	for c := CodeOf(0); c < codes; c++ {
		if strings.EqualFold(plain.Replace(c.String()), name) {
			return c, true
		}
	}
	return 0, false
}

// String returns the name that gRPC has for it, such as PERMISSION_DENIED; "" for none.
func (c Code) String() string {
	names := [codes]string{
		"", "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return ""
}

// refused reports whether the call came to no good end. One that its caller has cancelled, as every watch is in the end, was
// refused by nobody.
func (c Code) refused() bool { return c > CodeOf(1) } // CANCELLED

// failed reports whether what ended the call was on the side of servers: what an HTTP status of 5xx says.
func (c Code) failed() bool {
	return c == CodeOf(2) || c == CodeOf(4) || c >= CodeOf(13) && c <= CodeOf(15) // UNKNOWN, DEADLINE_EXCEEDED; INTERNAL, UNAVAILABLE, DATA_LOSS
}

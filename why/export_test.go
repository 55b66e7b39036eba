package why

import "net/http"

// UnsafeHeaders lets the rules be tested by themselves.
func UnsafeHeaders(h http.Header) []string { return unsafeHeaders(h) }

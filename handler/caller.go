package handler

import "net/netip"

// Caller is what a request says of who made it, before identity was asked. Package caller reads it.
type Caller struct {
	Token  string // what they prove themselves with, "" for nothing
	Cookie bool   // a browser sent the token on its own
	// A page of another origin made the request, which may not write with the cookie. It may open no WebSocket with it
	// either: that is no read that CORS would guard.
	Foreign bool
	Addr    netip.Addr // the client's, as the gate found it
}

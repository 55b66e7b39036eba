package handler

import "net/netip"

// Caller is who opens a stream, before identity was asked.
type Caller struct {
	Token   string // what they prove themselves with, "" for nothing
	Cookie  bool   // a browser sent the token on its own
	Foreign bool   // a page of another origin, which is not trusted with the cookie, made the request
	Addr    netip.Addr
}

package rpc

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// sound refuses a call whose head is wrong: what connect would look at next, in our words. It comes after [call.speaks].
func (c *call) sound() error {
	for _, check := range [...]func() error{c.checkVersion, c.checkTimeout, c.checkPacking} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkVersion refuses versions of Connect to come.
func (c *call) checkVersion() error {
	if c.protocol != connectUnary && c.protocol != connectStream {
		return nil
	}
	const name = "Connect-Protocol-Version"
	v := c.request.Header.Get(name)
	if v == "" || v == "1" {
		return nil
	}
	c.request.Header.Del(name) // else what writes errors would not know the call for one of Connect
	return inHeader(name, "the version "+strconv.Quote(cut(v, 20))+" of Connect is not spoken here; write "+name+": 1", "1 is expected")
}

// checkTimeout refuses a deadline that can't be read: to wait without one would be what nobody asked for.
func (c *call) checkTimeout() error {
	if c.protocol == connectUnary || c.protocol == connectStream {
		const name = "Connect-Timeout-Ms"
		v := c.request.Header.Get(name)
		if v == "" || digits(v, 10) {
			return nil
		}
		return inHeader(name, "the deadline "+strconv.Quote(cut(v, 20))+" of "+name+" can't be read; write milliseconds, such as 1500", "milliseconds are expected, at most ten digits")
	}
	const name = "Grpc-Timeout"
	v := c.request.Header.Get(name)
	if v == "" || strings.Contains("HMSmun", v[len(v)-1:]) && digits(v[:len(v)-1], 8) {
		return nil
	}
	return inHeader(name, "the deadline "+strconv.Quote(cut(v, 20))+" of grpc-timeout can't be read; write digits and a unit of H, M, S, m, u or n, such as 1500m",
		"at most eight digits and a unit are expected: H, M, S, m, u or n")
}

// digits reports whether a text is a whole number of at most so many digits.
func digits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// checkPacking refuses messages that are packed by what nobody here can unpack.
func (c *call) checkPacking() error {
	name := c.protocol.packing()
	return packing(name, c.request.Header.Get(name))
}

// packed reports whether messages with an envelope may be packed.
func (c *call) packed() bool { return c.request.Header.Get(c.protocol.packing()) == packer }

// packing is the header that says how messages are packed.
func (p protocol) packing() string {
	switch p {
	case grpc, grpcWeb:
		return "Grpc-Encoding"
	case connectStream:
		return "Connect-Content-Encoding"
	case connectUnary, noProtocol:
	}
	return "Content-Encoding"
}

// packing refuses what is not packed by gzip, or not at all.
func packing(name, by string) error {
	if by == "" || by == packer || by == "identity" {
		return nil
	}
	return mediaType("messages packed by " + strconv.Quote(cut(by, 20)) + " are not read here; send them packed by gzip, or as they are").
		With(roundtrip.Detail{Parameter: name, Code: "wrong_value", Message: "gzip or identity is expected"})
}

// checkQuery refuses a GET whose parameters are no call, or whose message is no good base64, of which connect would make an
// error of the server's.
func checkQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return roundtrip.E(roundtrip.Invalid, "request.malformed", "the query string has an escape that is none; write %25 for a percent sign")
	}
	if form := values.Get("encoding"); form != "json" && form != "proto" { // connect would refuse it without a word
		return mediaType("the encoding " + strconv.Quote(cut(form, 20)) + " is not read here; write encoding=json or encoding=proto")
	}
	if v := values.Get("connect"); v != "" && v != "v1" {
		return inQuery("connect", "the version "+strconv.Quote(cut(v, 20))+" of Connect is not spoken here; write connect=v1", "v1 is expected")
	}
	if !values.Has("message") {
		return inQuery("message", "the message is missing; write message={} or what the method takes", "the message of the call is expected")
	}
	if err := packing("compression", values.Get("compression")); err != nil {
		return err
	}
	if values.Get("base64") != "1" {
		return nil
	}
	text, alphabet := values.Get("message"), base64.URLEncoding
	if len(text)%4 != 0 {
		alphabet = base64.RawURLEncoding
	}
	if _, err := alphabet.DecodeString(text); err != nil {
		return inQuery("message", "the message is no good base64: its alphabet for URLs is expected, with - and _", "base64 for URLs (RFC 4648 section 5) is expected")
	}
	return nil
}

func inQuery(name, public, expected string) error {
	return roundtrip.E(roundtrip.Invalid, "request.malformed", "%s", public).With(roundtrip.Detail{Parameter: name, Code: "wrong_value", Message: expected})
}

func inHeader(name, public, expected string) error {
	return roundtrip.E(roundtrip.Invalid, "request.malformed", "%s", public).With(roundtrip.Detail{Parameter: name, Code: "header", Message: expected})
}

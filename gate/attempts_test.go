package gate_test

import "strings"

// attempt is a request as bytes. HOST and PATH stand for what the gate serves.
type attempt struct {
	name, request string
	want          string // status and reason of the refusal; "" where it passes as one plain request
}

const (
	get  = "GET PATH HTTP/1.1\r\nHost: HOST\r\n"
	post = "POST PATH HTTP/1.1\r\nHost: HOST\r\n"
	bad  = "400 request.malformed"
	long = "431 request.headers_too_large"
)

// attempts are the cases that were measured on other servers (docs/gate.md), with their variants, and our answer to each.
func attempts() []attempt {
	chunked := func(framing, body string) string { return post + framing + "\r\n" + body }
	return []attempt{
		{"plain", get + "\r\n", ""},
		{"plain length", post + "Content-Length: 5\r\n\r\nhello", ""},
		{"plain chunked", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), ""},

		// Two ways to say how long a body is.
		{"length, chunked", chunked("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, length", chunked("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), bad},
		{"chunked, length 0", chunked("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n"), bad},
		{"length, chunked in small letters", chunked("content-length: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n", "0\r\n\r\n"), bad},
		{"length, chunked far apart", chunked("Content-Length: 5\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", bad},
		{"two different lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", bad},
		{"list of equal lengths", post + "Content-Length: 5, 5\r\n\r\nhello", bad},
		{"signed length", post + "Content-Length: +2\r\n\r\nhi", bad},
		{"negative length", post + "Content-Length: -1\r\n\r\n", bad},
		{"hexadecimal length", post + "Content-Length: 0x5\r\n\r\nhello", bad},
		{"octal length", post + "Content-Length: 005\r\n\r\nhello", bad},
		{"length with underscore", post + "Content-Length: 1_0\r\n\r\nhellohello", bad},
		{"empty length", post + "Content-Length:\r\n\r\n", bad},
		{"length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", bad},
		{"length with space before colon", post + "Content-Length : 5\r\n\r\nhello", bad},
		{"length with tab before colon", post + "Content-Length\t: 5\r\n\r\nhello", bad},

		// Transfer-Encoding that one reader knows and another does not.
		{"xchunked", chunked("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), bad},
		{"gzip, chunked", chunked("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, chunked", chunked("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked twice", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, identity", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), bad},
		{"chunked with comma", chunked("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), bad},
		{"chunked in quotes", chunked("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), bad},
		{"chunked with parameter", chunked("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), bad},
		{"chunked after tab", chunked("Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n"), bad},
		{"chunked after vertical tab", chunked("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), bad},
		{"chunked with space before colon", chunked("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked on a folded line", chunked("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), bad},
		{"empty encoding", chunked("Transfer-Encoding:\r\n", "0\r\n\r\n"), bad},
		{"Chunked", chunked("Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), ""},
		{"chunked in HTTP/1.0", "POST PATH HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},

		// Lines that do not end where everybody thinks.
		{"bare LF after the request line", "GET PATH HTTP/1.1\nHost: HOST\r\n\r\n", bad},
		{"bare LF after a header", get + "A: b\n\r\n", bad},
		{"bare LF between headers", "GET PATH HTTP/1.1\r\nHost: HOST\nA: b\r\n\r\n", bad},
		{"bare LF as the end", get + "\n", bad},
		{"bare CR in a header", get + "A: b\rC: d\r\n\r\n", bad},
		{"CR CR LF", get + "A: b\r\r\n\r\n", bad},
		{"folded by space", get + "A: b\r\n c\r\n\r\n", bad},
		{"folded by tab", get + "A: b\r\n\tc\r\n\r\n", bad},
		{"space before the first header", "GET PATH HTTP/1.1\r\n Host: HOST\r\n\r\n", bad},
		{"bare LF in the chunk's size", chunked("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"), bad},
		{"bare LF after a chunk", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\n0\r\n\r\n"), bad},
		{"bare LF after the last chunk", chunked("Transfer-Encoding: chunked\r\n", "0\n\n"), bad},
		{"bare LF in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a\nhello\r\n0\r\n\r\n"), bad},
		{"quoted CR LF in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a=\"\r\nhello\"\r\n0\r\n\r\n"), bad},
		{"bare CR in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n"), bad},
		{"CR alone after the size", chunked("Transfer-Encoding: chunked\r\n", "5\rXhello\r\n0\r\n\r\n"), bad},
		{"an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"), ""},
		{"long extension", chunked("Transfer-Encoding: chunked\r\n", "5;"+strings.Repeat("a", 300)+"\r\nhello\r\n0\r\n\r\n"), bad},

		// Chunks.
		{"size with 0x", chunked("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size with sign", chunked("Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size with underscore", chunked("Transfer-Encoding: chunked\r\n", "0_5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size after space", chunked("Transfer-Encoding: chunked\r\n", " 5\r\nhello\r\n0\r\n\r\n"), bad},
		{"no size", chunked("Transfer-Encoding: chunked\r\n", "\r\nhello\r\n0\r\n\r\n"), bad},
		{"size beyond 64 bits", chunked("Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n"), bad},
		{"chunk longer than its size", chunked("Transfer-Encoding: chunked\r\n", "4\r\nhello\r\n0\r\n\r\n"), bad},
		{"folded trailer", chunked("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n c\r\n\r\n"), bad},
		{"bare LF in trailers", chunked("Transfer-Encoding: chunked\r\n", "0\r\nA: b\n\r\n"), bad},
		{"trailer with a framing name announced", chunked("Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n", "0\r\nContent-Length: 5\r\n\r\n"), bad},
		{"trailer with a framing name", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: evil\r\n\r\n"), ""},

		// Hosts.
		{"no Host", "GET PATH HTTP/1.1\r\n\r\n", bad},
		{"empty Host", "GET PATH HTTP/1.1\r\nHost:\r\n\r\n", bad},
		{"two Hosts", get + "Host: other\r\n\r\n", bad},
		{"two equal Hosts", get + "host: HOST\r\n\r\n", bad},
		{"bad Host", "GET PATH HTTP/1.1\r\nHost: a b\r\n\r\n", bad},
		{"Host with path", "GET PATH HTTP/1.1\r\nHost: HOST/x\r\n\r\n", bad},
		{"Host with user", "GET PATH HTTP/1.1\r\nHost: x@HOST\r\n\r\n", bad},
		{"absolute target", "GET http://HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", ""},
		{"absolute target with default port", "GET http://HOST:80PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", ""},
		{"absolute target, another Host", "GET http://HOSTPATH HTTP/1.1\r\nHost: other\r\n\r\n", bad},
		{"another absolute target", "GET http://otherPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"absolute target with user", "GET http://x@HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"absolute target of another scheme", "GET ftp://HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},

		// Names and values of headers.
		{"name with _ or .", get + "X_Real_IP: 1.1.1.1\r\nX.Forwarded.For: 1.1.1.1\r\n\r\n", ""},
		{"Content_Length", post + "Content_Length: 50\r\nContent-Length: 5\r\n\r\nhello", ""},
		{"forwarding headers", get + "X-Forwarded-For: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n\r\n", ""},
		{"forwarding header in Connection", get + "Connection: close, X-Forwarded-For\r\n\r\n", ""},
		{"NUL in a value", get + "A: b\x00c\r\n\r\n", bad},
		{"control character in a value", get + "A: b\x01c\r\n\r\n", bad},
		{"DEL in a value", get + "A: b\x7fc\r\n\r\n", bad},
		{"NUL in a name", get + "A\x00: b\r\n\r\n", bad},
		{"space in a name", get + "A b: c\r\n\r\n", bad},
		{"no name", get + ": b\r\n\r\n", bad},
		{"no colon", get + "A\r\n\r\n", bad},
		{"name that is not ASCII", get + "X-\xc3\xa4: b\r\n\r\n", bad},

		// Upgrades and methods.
		{"Upgrade: h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", ""},
		{"Upgrade: h2c with a body", post + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\nhello", ""},
		{"Upgrade: h2c twice", get + "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: h2c\r\n\r\n", bad},
		{"h2c, then websocket", get + "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n", bad},
		{"h2c and more", get + "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n", bad},
		{"foreign Upgrade", get + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n", bad},
		{"websocket and more", get + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", bad},
		{"websocket with a body", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", bad},
		{"websocket by POST", post + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", bad},
		{"TRACE", "TRACE PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"CONNECT", "CONNECT HOST:443 HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"CONNECT with a path", "CONNECT PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"method of 40 letters", strings.Repeat("A", 40) + " PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"method that is no token", "GE(T PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"almost the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n", bad},
		{"foreign Expect", post + "Expect: the-unexpected\r\nContent-Length: 5\r\n\r\nhello", "417 request.malformed"},
		{"GET with a body", get + "Content-Length: 5\r\n\r\nhello", ""},

		// Request lines.
		{"HTTP/0.9", "GET PATH\r\n\r\n", bad},
		{"version 0.9", "GET PATH HTTP/0.9\r\nHost: HOST\r\n\r\n", bad},
		{"version 1.2", "GET PATH HTTP/1.2\r\nHost: HOST\r\n\r\n", bad},
		{"version 2.0", "GET PATH HTTP/2.0\r\nHost: HOST\r\n\r\n", bad},
		{"version in small letters", "GET PATH http/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"two spaces", "GET  PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"tab for space", "GET\tPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"space in the target", "GET PATHa b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded NUL", "GET PATHa%00b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw NUL", "GET PATHa\x00b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw #", "GET PATH#b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw backslash", "GET PATHa\\b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded slash", "GET PATHa%2fb HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded dots", "GET PATH/%2e%2e/x HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"dots with a parameter", "GET PATH/..;a/x HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"dots with an encoded parameter", "GET PATH//%2e.%3B/x HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"1,001 parameters", "GET PATH?" + strings.Repeat("a&", 1000) + "a HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},

		// Sizes.
		{"header of 12 KB", get + "A: " + strings.Repeat("a", 12<<10) + "\r\n\r\n", ""},
		{"header of 17 KB", get + "A: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", long},
		{"header of 20 KB", get + "A: " + strings.Repeat("a", 20<<10) + "\r\n\r\n", long},
		{"header of 64 KB", get + "A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", long},
		{"target of 20 KB", "GET PATH" + strings.Repeat("a", 20<<10) + " HTTP/1.1\r\nHost: HOST\r\n\r\n", long},
		{"100 header lines", get + strings.Repeat("A: b\r\n", 99) + "\r\n", ""},
		{"101 header lines", get + strings.Repeat("A: b\r\n", 100) + "\r\n", long},
		{"300 header lines", get + strings.Repeat("A: b\r\n", 300) + "\r\n", long},
	}
}

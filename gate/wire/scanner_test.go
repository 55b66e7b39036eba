package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

const host = "Host: open.localhost\r\n"

// seeds are requests of which some are refused, and some only look like it.
func seeds() []string {
	return []string{
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "TRANSFER-ENCODING: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "A: b\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "\n",
		"GET / HTTP/1.1\n" + host + "\r\n",
		"GET / HTTP/1.1\r\n" + host + "A: b\rC: d\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "A: b\r\n\tc\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + host + "\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: open.localhost/x\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "A: b\x00\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"GET /\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"\r\nGET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 12\r\n\r\nA: b\n c\n\n\r\rx",
		"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
	}
}

// FuzzScanner compares with net/http: what the scanner lets pass, it must have understood as net/http does, or the heads
// of later requests would not be looked at.
func FuzzScanner_FollowsMessagesAsNetHTTPDoes(f *testing.F) {
	for _, request := range seeds() {
		f.Add([]byte(request))
		f.Add([]byte("GET /first HTTP/1.1\r\n" + host + "\r\n" + request + "GET /last HTTP/1.1\r\n" + host + "\r\n"))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		seen := wire.ScanStream(stream, 1)
		for _, piece := range []int{3, len(stream) + 1} {
			if again := wire.ScanStream(stream, piece); seen.Heads != again.Heads || seen.Why != again.Why || seen.Followed != again.Followed {
				t.Fatalf("byte by byte %+v, in pieces of %d %+v", seen, piece, again)
			}
		}
		from := bytes.NewReader(stream)
		in := bufio.NewReader(from)
		for n := int64(1); ; n++ {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if seen.Why != "" && n >= seen.Heads || !seen.Followed && n >= int64(len(seen.Ends)) {
				return
			}
			if n > seen.Heads {
				t.Fatalf("net/http reads request %d, the scanner saw %d heads", n, seen.Heads)
			}
			if n > int64(len(seen.Ends)) {
				t.Fatalf("net/http has read request %d, the scanner waits for more of it", n)
			}
			if end := int64(len(stream) - from.Len() - in.Buffered()); end != seen.Ends[n-1] {
				t.Fatalf("request %d ends after %d bytes for net/http, after %d for the scanner", n, end, seen.Ends[n-1])
			}
		}
	})
}

// BenchmarkScanner is what looking at a browser's request costs.
func BenchmarkScanner(b *testing.B) {
	request := []byte("GET /api/photos?limit=20&order=-created HTTP/1.1\r\n" + host +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Accept: application/json\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Referer: https://gallery.test/photos\r\nCookie: __Host-session=0123456789abcdefghjkmnpqrstvwxyz\r\n" +
		"Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\nConnection: keep-alive\r\n\r\n")
	feed := wire.NewFeed()
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		if !feed(request) {
			b.Fatal("a browser's request was refused")
		}
	}
}

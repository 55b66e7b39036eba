package rpc

import (
	"encoding/hex"
	"hash/crc32"
	"net/http"

	"connectrpc.com/connect"

	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// fresh tags the answer of a GET, and says that it is not modified where the browser has it already. Other calls are kept by
// nobody.
func (c *call) fresh() error {
	if c.request.Method != http.MethodGet {
		return nil
	}
	sums := make([]byte, 0, 8)
	sums = appendSum(sums, crc32.Checksum(c.out, c.door.crc))
	sums = appendSum(sums, crc32.ChecksumIEEE(c.out))
	etag := `"` + hex.EncodeToString(sums) + `"`
	c.header["Etag"] = []string{etag}
	if header := c.request.Header["If-None-Match"]; header != nil && input.MatchesNone(header, etag) {
		return connect.NewNotModifiedError(nil)
	}
	return nil
}

func appendSum(b []byte, v uint32) []byte {
	return append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

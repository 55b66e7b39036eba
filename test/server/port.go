package server

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Free returns an address of the loopback that nobody uses over TCP or UDP, for what has to know it before it listens, or
// listens there again. It is below those that a system hands out, so that nobody gets it meanwhile who did not ask for it.
func Free(t testing.TB) string {
	t.Helper()
	for range 1000 {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(12_000)))
		stream, err := net.Listen("tcp", at)
		if err != nil {
			continue
		}
		packets, err := net.ListenPacket("udp", at)
		_ = stream.Close()
		if err != nil {
			continue
		}
		_ = packets.Close()
		return at
	}
	t.Fatal("no port is free")
	return ""
}

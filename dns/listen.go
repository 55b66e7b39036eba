package dns

import (
	"context"
	"net"
)

// bufferBytes is what each socket keeps of queries that wait, so that a burst finds room.
const bufferBytes = 4 << 20

// ListenUDP opens the sockets of one address, host:port with a port that is not 0. Where the system can share an address
// between sockets there is one for each core: the system hands each client's queries to one of them, and their readers
// never wait for each other. The port must be held over TCP already: that is what keeps another server from sharing it too.
func ListenUDP(ctx context.Context, address string) (sockets []*net.UDPConn, err error) {
	defer func() {
		if err != nil {
			for _, c := range sockets {
				_ = c.Close()
			}
			sockets = nil
		}
	}()
	shared := net.ListenConfig{Control: share}
	for range sharers() {
		p, err := shared.ListenPacket(ctx, "udp", address)
		if err != nil {
			return sockets, err
		}
		c := p.(*net.UDPConn)
		sockets = append(sockets, c)
		widen(c)
	}
	return sockets, nil
}

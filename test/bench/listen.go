package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// perSource is how many sockets share one source address of the loopback: few enough for a server's limit by address.
const perSource = 40

// stream is how one kind of listener connects, subscribes and reads.
type stream interface {
	// open subscribes on a fresh connection and returns when the server has said that it listens.
	open(c net.Conn, in *bufio.Reader, s *server, topic, token string) error
	// next returns the next message's payload; it is valid until the next call.
	next(c net.Conn, in *bufio.Reader, keep []byte) ([]byte, error)
}

// crowd is many listeners of one server.
type crowd struct {
	conns []net.Conn
	group sync.WaitGroup

	mu     sync.Mutex // guards failed
	failed error
}

// heard is told of each message: which listener, its payload (valid until heard returns), and when it had come.
type heard func(i int, payload []byte, at time.Time)

// listen opens n listeners, each from one of many source addresses, a few at a time.
func listen(ctx context.Context, s *server, kind stream, n int, topic func(int) (topic, token string), tell heard) (*crowd, error) {
	c := &crowd{conns: make([]net.Conn, n)}
	var opening sync.WaitGroup
	places := make(chan struct{}, 32)
	for i := range n {
		places <- struct{}{}
		opening.Go(func() {
			defer func() { <-places }()
			if err := c.open(ctx, s, kind, i, topic, tell); err != nil {
				c.fail(err)
			}
		})
		if c.err() != nil {
			break
		}
	}
	opening.Wait()
	if err := c.err(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *crowd) open(ctx context.Context, s *server, kind stream, i int, topic func(int) (string, string), tell heard) error {
	source := &net.TCPAddr{IP: net.IPv4(127, 1, byte(i/perSource/250), byte(1+i/perSource%250))}
	conn, err := (&net.Dialer{LocalAddr: source, Timeout: 20 * time.Second}).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	c.conns[i] = conn
	in := bufio.NewReaderSize(conn, 2048)
	what, token := topic(i)
	if err := kind.open(conn, in, s, what, token); err != nil {
		return fmt.Errorf("%s, listener %d: %w", s.name, i, err)
	}
	c.group.Go(func() {
		var keep []byte
		for {
			payload, err := kind.next(conn, in, keep[:0])
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					c.fail(fmt.Errorf("%s, listener %d: %w", s.name, i, err))
				}
				return
			}
			tell(i, payload, time.Now())
			keep = payload
		}
	})
	return nil
}

func (c *crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = err
	}
}

// err returns the first failure of a listener.
func (c *crowd) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// close ends all listeners and waits for them.
func (c *crowd) close() {
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
	c.group.Wait()
}

// webSocket is our door of WebSocket (RFC 6455). The server's frames are read by hand: the client must be cheaper than the
// server.
type webSocket struct{}

func (webSocket) open(c net.Conn, in *bufio.Reader, s *server, topic, token string) error {
	head := "GET /api/live HTTP/1.1\r\nHost: " + s.host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: " + base64.StdEncoding.EncodeToString(make([]byte, 16)) + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		return err
	}
	if err := expect(in, 101); err != nil {
		return err
	}
	ask, err := json.Marshal(map[string]string{"subscribe": topic})
	if err != nil {
		return err
	}
	if _, err := c.Write(masked(text, ask)); err != nil {
		return err
	}
	answer, err := webSocket{}.next(c, in, nil)
	if err == nil && !bytes.Contains(answer, []byte(`"snapshot":`)) {
		err = fmt.Errorf("subscribing was answered with %.300s", answer)
	}
	return err
}

// The opcodes that are looked at (RFC 6455 section 5.2).
const (
	text  = 1
	hangs = 8
	ping  = 9
	pong  = 10
)

// masked makes a frame of a client; the mask is zero, which leaves the payload as it is.
func masked(opcode byte, payload []byte) []byte {
	frame := []byte{0x80 | opcode}
	if len(payload) < 126 {
		frame = append(frame, 0x80|byte(len(payload)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(payload)))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

func (webSocket) next(c net.Conn, in *bufio.Reader, keep []byte) ([]byte, error) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, err
		}
		length := uint64(head[1] & 0x7f)
		switch length {
		case 126:
			var b [2]byte
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return nil, err
			}
			length = uint64(binary.BigEndian.Uint16(b[:]))
		case 127:
			var b [8]byte
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return nil, err
			}
			length = binary.BigEndian.Uint64(b[:])
		}
		payload, err := readBytes(in, append(keep[:0], 0)[:0], int(length))
		if err != nil {
			return nil, err
		}
		switch head[0] & 0x0f {
		case text:
			if bytes.HasPrefix(payload, []byte(`{"head"`)) {
				continue
			}
			return payload, nil
		case ping:
			if _, err := c.Write(masked(pong, payload)); err != nil {
				return nil, err
			}
		case hangs:
			return nil, fmt.Errorf("the server closed: %q", payload)
		}
	}
}

// events is our door of server-sent events.
type events struct{}

func (events) open(c net.Conn, in *bufio.Reader, s *server, topic, token string) error {
	target := "/api/live?topic=" + strings.NewReplacer("?", "%3F", "=", "%3D", "&", "%26").Replace(topic)
	head := "GET " + target + " HTTP/1.1\r\nHost: " + s.host + "\r\nAccept: text/event-stream\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		return err
	}
	if err := expect(in, 200); err != nil {
		return err
	}
	answer, err := events{}.next(c, in, nil)
	if err == nil && !bytes.Contains(answer, []byte(`"snapshot":`)) {
		err = fmt.Errorf("subscribing was answered with %.300s", answer)
	}
	return err
}

// next passes over everything but data lines, the frames of chunks included.
func (events) next(_ net.Conn, in *bufio.Reader, keep []byte) ([]byte, error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		data := bytes.HasPrefix(line, []byte("data:"))
		if data {
			keep = append(keep[:0], line[5:]...)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // a long line
			if line, err = in.ReadSlice('\n'); data {
				keep = append(keep, line...)
			}
		}
		if data && !bytes.Contains(keep, []byte(`{"head"`)) {
			return keep, err
		}
	}
}

// peerEvents is PocketBase's realtime: the connection is told its id, and subscribes by a second request.
type peerEvents struct{}

func (peerEvents) open(c net.Conn, in *bufio.Reader, s *server, topic, _ string) error {
	if _, err := io.WriteString(c, "GET /api/realtime HTTP/1.1\r\nHost: "+s.host+"\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		return err
	}
	if err := expect(in, 200); err != nil {
		return err
	}
	first, err := events{}.next(c, in, nil)
	if err != nil {
		return err
	}
	var hello struct{ ClientID string }
	if err := json.Unmarshal(first, &hello); err != nil || hello.ClientID == "" {
		return fmt.Errorf("the first event is %.300s", first)
	}
	body := fmt.Appendf(nil, `{"clientId":%q,"subscriptions":[%q]}`, hello.ClientID, topic)
	second, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: c.LocalAddr().(*net.TCPAddr).IP}}).Dial("tcp", s.addr) // it must be the same client
	if err != nil {
		return err
	}
	defer func() { _ = second.Close() }()
	status, answer, err := (&worker{conn: second, in: bufio.NewReader(second)}).ask(post(s.host, "/api/realtime", body))
	if err == nil && status != 204 {
		err = fmt.Errorf("subscribing was answered with %d: %.300s", status, answer)
	}
	return err
}

func (peerEvents) next(c net.Conn, in *bufio.Reader, keep []byte) ([]byte, error) {
	return events{}.next(c, in, keep)
}

// expect reads the head of an answer and wants that status.
func expect(in *bufio.Reader, want int) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	ok := strings.HasPrefix(line, fmt.Sprintf("HTTP/1.1 %d", want))
	for header := ""; header != "\r\n"; {
		if header, err = in.ReadString('\n'); err != nil {
			return err
		}
	}
	if ok {
		return nil
	}
	rest := make([]byte, 500)
	n, _ := in.Read(rest)
	return fmt.Errorf("%s %s", strings.TrimSpace(line), rest[:n])
}

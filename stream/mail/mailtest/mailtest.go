// Package mailtest is a mail server for tests: SMTP (RFC 5321) over a real socket, with STARTTLS or TLS under an authority
// of its own, and a sign-in.
package mailtest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// User and Password sign in to the server.
const (
	User     = "gallery"
	Password = "the password of the tests"
)

// Options says what a server does.
type Options struct {
	TLS    bool                          // from the start; else STARTTLS is offered
	Clear  bool                          // STARTTLS is not offered
	Sign   bool                          // only who signed in may send
	Answer func(recipient string) string // to RCPT TO, such as "550 no such user"; nil or "": it is taken
	Hang   bool                          // says nothing after the greeting
}

// Letter is one that was taken.
type Letter struct {
	From, To string // of the envelope
	Signed   bool   // by somebody who signed in
	Secure   bool   // it came over TLS
	Message  *mail.Message
	Body     string
}

// Server is a running mail server.
type Server struct {
	Host string // 127.0.0.1
	Port int
	CA   []byte // of its authority, in PEM

	t        testing.TB
	o        Options
	listener net.Listener
	tls      *tls.Config
	running  sync.WaitGroup

	mu      sync.Mutex // guards the rest
	conns   map[net.Conn]struct{}
	letters []Letter
	came    chan struct{}
}

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, o: o, Host: "127.0.0.1", conns: map[net.Conn]struct{}{}, came: make(chan struct{}, 100)}
	s.certify()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Port = s.listener.Addr().(*net.TCPAddr).Port
	s.running.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

func (s *Server) certify() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (s *Server) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		s.running.Go(func() {
			defer func() {
				_ = conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			}()
			v := &visit{s: s, conn: conn}
			if s.o.TLS {
				v.secure()
			}
			v.run()
		})
	}
}

// Open returns how many connections are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Letters are those that were taken so far.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// Next waits until there are n letters.
func (s *Server) Next(n int, patience time.Duration) []Letter {
	s.t.Helper()
	for late := time.After(patience); ; {
		if got := s.Letters(); len(got) >= n {
			return got
		}
		select {
		case <-s.came:
		case <-late:
			s.t.Fatalf("only %d letters came, want %d", len(s.Letters()), n)
		}
	}
}

// visit is one connection.
type visit struct {
	s      *Server
	conn   net.Conn
	lines  *bufio.Reader
	letter Letter
}

func (v *visit) secure() {
	v.conn, v.letter.Secure = tls.Server(v.conn, v.s.tls), true
	v.lines = nil
}

func (v *visit) say(text string) bool {
	_, err := fmt.Fprint(v.conn, text+"\r\n")
	return err == nil
}

func (v *visit) line() (string, bool) {
	if v.lines == nil {
		v.lines = bufio.NewReader(v.conn)
	}
	line, err := v.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err == nil
}

func (v *visit) run() {
	if !v.say("220 mailtest ESMTP") {
		return
	}
	for {
		line, ok := v.line()
		if !ok || v.s.o.Hang && !v.hang() {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		answer := v.do(strings.ToUpper(verb), rest)
		if !v.say(answer) || strings.HasPrefix(answer, "221") {
			return
		}
		if strings.HasPrefix(answer, "220") {
			v.secure()
		}
	}
}

// hang reads until the client has gone.
func (v *visit) hang() bool {
	for {
		if _, ok := v.line(); !ok {
			return false
		}
	}
}

func (v *visit) do(verb, rest string) string {
	switch verb {
	case "EHLO":
		offer := "250-mailtest\r\n250-8BITMIME\r\n"
		if !v.letter.Secure && !v.s.o.Clear {
			offer += "250-STARTTLS\r\n"
		}
		return offer + "250 AUTH PLAIN"
	case "STARTTLS":
		return "220 go ahead"
	case "AUTH":
		return v.sign(rest)
	case "MAIL":
		if v.s.o.Sign && !v.letter.Signed {
			return "530 sign in first"
		}
		v.letter.From = path(rest)
		return "250 ok"
	case "RCPT":
		v.letter.To = path(rest)
		if v.s.o.Answer != nil {
			if answer := v.s.o.Answer(v.letter.To); answer != "" {
				return answer
			}
		}
		return "250 ok"
	case "DATA":
		return v.data()
	case "QUIT":
		return "221 bye"
	case "RSET", "NOOP":
		return "250 ok"
	}
	return "500 what?"
}

func (v *visit) sign(rest string) string {
	mechanism, encoded, _ := strings.Cut(rest, " ")
	text, err := base64.StdEncoding.DecodeString(encoded)
	if mechanism != "PLAIN" || err != nil || string(text) != "\x00"+User+"\x00"+Password {
		return "535 wrong"
	}
	v.letter.Signed = true
	return "235 welcome"
}

// path reads FROM:<a@b> and TO:<a@b>.
func path(rest string) string {
	_, rest, _ = strings.Cut(rest, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}

func (v *visit) data() string {
	if !v.say("354 go on") {
		return "221 gone"
	}
	var text bytes.Buffer
	for {
		line, ok := v.line()
		if !ok {
			return "221 gone"
		}
		if line == "." {
			break
		}
		text.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
	raw := text.String()
	message, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		v.s.t.Errorf("a letter that is none: %v\n%s", err, raw)
		return "554 no letter"
	}
	_, v.letter.Body, _ = strings.Cut(raw, "\r\n\r\n")
	v.letter.Message = message
	v.s.mu.Lock()
	v.s.letters = append(v.s.letters, v.letter)
	v.s.mu.Unlock()
	select {
	case v.s.came <- struct{}{}:
	default:
	}
	return "250 taken"
}

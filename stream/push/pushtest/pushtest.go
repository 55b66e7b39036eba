// Package pushtest is a browser with its push service, for tests: it takes Web Push messages as the RFCs 8030, 8188, 8291
// and 8292 say, reads them with the browser's keys, and checks who sent them. It shares no code with the sender.
package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Message is one that came.
type Message struct {
	Browser string // the name of the browser
	Text    string // decrypted
	Topic   string
	TTL     string
	Subject string // of who sent it
}

// Service is a push service.
type Service struct {
	*httptest.Server
	t   testing.TB
	key string // the public key that messages must be signed with, "" until a browser subscribes
	now func() time.Time

	mu       sync.Mutex // guards the rest
	browsers map[string]*Browser
	messages []Message
	came     chan struct{}
}

// Browser is one subscription.
type Browser struct {
	Endpoint, P256dh, Auth string // as PushSubscription.toJSON gives them

	key     *ecdh.PrivateKey
	secret  []byte
	answers []int // of the service to its next messages; 201 when there are none left
}

// Start runs a service until the test ends. key is what browsers subscribe with.
func Start(t testing.TB, now func() time.Time) *Service {
	t.Helper()
	s := &Service{t: t, now: now, browsers: map[string]*Browser{}, came: make(chan struct{}, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	return s
}

// Subscribe makes a browser of that name. key is the server's public key in Base64url.
func (s *Service) Subscribe(name, key string) *Browser {
	s.t.Helper()
	b := &Browser{Endpoint: s.URL + "/to/" + name, secret: make([]byte, 16)}
	var err error
	if b.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		s.t.Fatal(err)
	}
	if _, err := rand.Read(b.secret); err != nil {
		s.t.Fatal(err)
	}
	b.P256dh = base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes())
	b.Auth = base64.RawURLEncoding.EncodeToString(b.secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers["/to/"+name], s.key = b, key
	return b
}

// Answer sets what the service says to the next messages to a browser.
func (s *Service) Answer(name string, statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers["/to/"+name].answers = statuses
}

// Messages are those that were taken so far.
func (s *Service) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Next waits until there are n messages.
func (s *Service) Next(n int, patience time.Duration) []Message {
	s.t.Helper()
	for late := time.After(patience); ; {
		if got := s.Messages(); len(got) >= n {
			return got
		}
		select {
		case <-s.came:
		case <-late:
			s.t.Fatalf("only %d pushes came, want %d", len(s.Messages()), n)
		}
	}
}

func (s *Service) take(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.browsers[r.URL.Path]
	if b == nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(b.answers) > 0 {
		status := b.answers[0]
		b.answers = b.answers[1:]
		if status/100 != 2 {
			w.WriteHeader(status)
			return
		}
	}
	m := Message{Browser: strings.TrimPrefix(r.URL.Path, "/to/"), Topic: r.Header.Get("Topic"), TTL: r.Header.Get("TTL")}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		m.Text, err = b.read(body)
	}
	if err == nil {
		m.Subject, err = s.checkSender(r)
	}
	if err == nil && (len(body) > 4096 || r.Header.Get("Content-Encoding") != "aes128gcm" || m.TTL == "" ||
		!regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`).MatchString(m.Topic)) {
		err = fmt.Errorf("%d bytes, headers %v", len(body), r.Header)
	}
	if err != nil {
		s.t.Errorf("a push that no service would take: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.messages = append(s.messages, m)
	w.WriteHeader(http.StatusCreated)
	select {
	case s.came <- struct{}{}:
	default:
	}
}

// mac is HMAC with SHA-256, of which the HKDF of RFC 5869 is made: with one block, Extract and Expand are one mac each.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// read is the browser's side of RFC 8291.
func (b *Browser) read(body []byte) (string, error) {
	if len(body) < 21+65 || body[20] != 65 {
		return "", fmt.Errorf("a header of %d bytes", len(body))
	}
	salt, size, sender, sealed := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86], body[86:]
	if int(size) < len(sealed) {
		return "", fmt.Errorf("the record is longer than it says: %d", size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return "", err
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		return "", err
	}
	one := []byte{1}
	secret := mac(mac(b.secret, shared), []byte("WebPush: info\x00"), b.key.PublicKey().Bytes(), sender, one)
	extracted := mac(salt, secret)
	key := mac(extracted, []byte("Content-Encoding: aes128gcm\x00"), one)[:16]
	nonce := mac(extracted, []byte("Content-Encoding: nonce\x00"), one)[:12]
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	text, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return "", err
	}
	text = []byte(strings.TrimRight(string(text), "\x00"))
	if len(text) == 0 || text[len(text)-1] != 2 {
		return "", fmt.Errorf("no delimiter at the end of the last record")
	}
	return string(text[:len(text)-1]), nil
}

// checkSender is the push service's side of RFC 8292. It returns the contact.
func (s *Service) checkSender(r *http.Request) (string, error) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "vapid t=")
	token, key, ok2 := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !ok || !ok2 || len(parts) != 3 || key != s.key {
		return "", fmt.Errorf("authorization %q, want the key %q", r.Header.Get("Authorization"), s.key)
	}
	var decoded [3][]byte
	for i, p := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return "", err
		}
	}
	var head struct{ Typ, Alg string }
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if json.Unmarshal(decoded[0], &head) != nil || json.Unmarshal(decoded[1], &claims) != nil || head.Alg != "ES256" || len(decoded[2]) != 64 {
		return "", fmt.Errorf("the token is %s %s", decoded[0], decoded[1])
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return "", err
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(decoded[2][:32]), new(big.Int).SetBytes(decoded[2][32:])) {
		return "", fmt.Errorf("the signature is not of the key")
	}
	left := time.Unix(claims.Exp, 0).Sub(s.now())
	if claims.Aud != s.URL || left <= 0 || left > 24*time.Hour {
		return "", fmt.Errorf("the token is for %s and lasts %v", claims.Aud, left)
	}
	return claims.Sub, nil
}

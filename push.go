package roundtrip

import "time"

// PushSubscription is one browser that shows an account's notifications while no page is open (Web Push, RFC 8030). Its
// endpoint is a secret: whoever knows it and the keys can send to the browser.
type PushSubscription struct {
	Account  ID
	Session  ID     // that it ends with, or 0
	Endpoint string // URL of the browser's push service
	P256dh   []byte // the browser's public key, an uncompressed point on P-256 (RFC 8291 section 3.1)
	Auth     []byte // the secret that it shares with us, 16 bytes
	Created  time.Time
}

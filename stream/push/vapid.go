package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"time"
)

// tokenLife is how long a push service may accept a token; RFC 8292 section 2 allows a day.
const tokenLife = 12 * time.Hour

// vapid proves to push services who sends (RFC 8292): browsers subscribe to its public key, and each message has a token
// that its private key signed.
type vapid struct {
	key     *ecdsa.PrivateKey
	public  string // Base64url of the uncompressed point
	subject string // mailto: or https: URL of whoever answers for the messages
}

// newVapid makes the key of a seed: always the same one.
func newVapid(seed []byte, subject string) (*vapid, error) {
	scalar := sha256.Sum256(append([]byte("vapid "), seed...))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	for err != nil { // once in 2^32
		scalar = sha256.Sum256(scalar[:])
		key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return &vapid{key: key, public: base64.RawURLEncoding.EncodeToString(public), subject: subject}, nil
}

// authorization returns the value of the Authorization header for one endpoint: a JSON Web Token with ES256 (RFC 7515, RFC
// 7518 section 3.4).
func (v *vapid) authorization(endpoint string, now time.Time, random io.Reader) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"aud": u.Scheme + "://" + u.Host, "exp": now.Add(tokenLife).Unix(), "sub": v.subject})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(random, v.key, sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return "vapid t=" + text + "." + base64.RawURLEncoding.EncodeToString(signature[:]) + ", k=" + v.public, nil
}

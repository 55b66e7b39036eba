package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	authBytes    = 16   // of the secret that a browser shares with us
	pointBytes   = 65   // of an uncompressed point on P-256
	saltBytes    = 16   //
	recordBytes  = 4096 // of the one record: what every push service takes (RFC 8030 section 7.2)
	messageBytes = 3000 // of the text in it, at the most
)

// encrypt makes the body of a message that only one browser can read: RFC 8291, in the coding aes128gcm of RFC 8188. own is
// a key of this message alone, salt is random.
func encrypt(message, browser, auth []byte, own *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	if len(auth) != authBytes || len(salt) != saltBytes || len(message) > messageBytes {
		return nil, fmt.Errorf("a secret of %d bytes, a salt of %d, a message of %d", len(auth), len(salt), len(message))
	}
	theirs, err := ecdh.P256().NewPublicKey(browser)
	if err != nil {
		return nil, fmt.Errorf("the browser's key: %w", err)
	}
	shared, err := own.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	public := own.PublicKey().Bytes()
	secret, err := derive(shared, auth, "WebPush: info\x00"+string(browser)+string(public), sha256.Size) // RFC 8291 section 3.3
	if err != nil {
		return nil, err
	}
	key, err := derive(secret, salt, "Content-Encoding: aes128gcm\x00", 16) // RFC 8188 section 2.2
	if err != nil {
		return nil, err
	}
	nonce, err := derive(secret, salt, "Content-Encoding: nonce\x00", 12) // section 2.3; the first record's number is 0
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	body := append([]byte(nil), salt...)
	body = binary.BigEndian.AppendUint32(body, recordBytes)
	body = append(body, byte(len(public)))
	body = append(body, public...)
	return seal.Seal(body, nonce, append(append([]byte(nil), message...), 2), nil), nil // 2: the last record, without padding
}

func derive(secret, salt []byte, info string, size int) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, salt, info, size)
}

// checkKeys reports whether a browser's keys can be used.
func checkKeys(browser, auth []byte) error {
	if len(auth) != authBytes {
		return errors.New("auth has not 16 bytes")
	}
	if len(browser) != pointBytes {
		return errors.New("p256dh has not 65 bytes")
	}
	if _, err := ecdh.P256().NewPublicKey(browser); err != nil {
		return errors.New("p256dh is no point on P-256")
	}
	return nil
}

package vault

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	keyMin = 32          // characters: a key is drawn, not thought up, since nothing slows guessing down
	mark   = "sealed 1 " // begins an encrypted file; its nonce and its text follow
	// markFile says that the folder is encrypted, and knows the right key from a wrong one.
	markFile = "sealed"
)

// newSeal makes the cipher: XChaCha20-Poly1305 with a key that is derived from the operator's (HKDF-SHA-256, RFC 5869).
func newSeal(key string) (cipher.AEAD, error) {
	if len(key) < keyMin {
		return nil, fmt.Errorf("%s has %d characters and needs %d: openssl rand -hex 32 makes one", KeyEnv, len(key), keyMin)
	}
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "roundtrip certificates 1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(derived)
}

// close encrypts. The name is bound to the text, so that nobody can put one file in the place of another.
func (v *Vault) close(name string, content []byte) ([]byte, error) {
	out := make([]byte, len(mark)+v.seal.NonceSize(), len(mark)+v.seal.NonceSize()+len(content)+v.seal.Overhead())
	nonce := out[copy(out, mark):]
	if _, err := io.ReadFull(v.rand, nonce); err != nil {
		return nil, err
	}
	return v.seal.Seal(out, nonce, content, []byte(name)), nil
}

func isSealed(content []byte) bool { return bytes.HasPrefix(content, []byte(mark)) }

// open decrypts what was encrypted, and returns what was not as it is.
func (v *Vault) open(name string, content []byte) ([]byte, error) {
	if !isSealed(content) {
		return content, nil
	}
	if v.seal == nil {
		return nil, v.needsKey()
	}
	content = content[len(mark):]
	if len(content) < v.seal.NonceSize() {
		return nil, fmt.Errorf("%s is cut off: take it from a backup, or remove it", filepath.Join(v.dir, name))
	}
	plain, err := v.seal.Open(nil, content[:v.seal.NonceSize()], content[v.seal.NonceSize():], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s can't be decrypted: it was changed, or encrypted with another %s", filepath.Join(v.dir, name), KeyEnv)
	}
	return plain, nil
}

func (v *Vault) needsKey() error {
	return fmt.Errorf("the certificates in %s are encrypted: set %s as it was, or move the folder away to start anew (certificates are then ordered again)", v.dir, KeyEnv)
}

// checkKey reads the mark of the folder.
func (v *Vault) checkKey() error {
	content, err := os.ReadFile(filepath.Join(v.dir, markFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case v.seal == nil:
		return v.needsKey()
	}
	if _, err := v.open(markFile, content); err != nil {
		return fmt.Errorf("%s is not the key that the certificates in %s were encrypted with: set it as it was, or move the folder away to start anew (certificates are then ordered again)", KeyEnv, v.dir)
	}
	return nil
}

// sealAll encrypts what is in the clear. The mark comes first: from then on nobody opens the folder without the key.
func (v *Vault) sealAll() error {
	if _, err := os.Stat(filepath.Join(v.dir, markFile)); errors.Is(err, fs.ErrNotExist) {
		if err := v.Write(markFile, []byte("roundtrip")); err != nil {
			return err
		}
	}
	return v.each(func(name string) error {
		path := filepath.Join(v.dir, filepath.FromSlash(name))
		content, err := os.ReadFile(path)
		if err != nil || isSealed(content) {
			return err
		}
		return v.Write(name, content)
	})
}

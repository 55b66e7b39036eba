package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// keptAccount is an account as it is kept: one for each issuer, e-mail address and external account.
type keptAccount struct {
	Directory string       `json:"directory"`
	Email     string       `json:"email,omitempty"`
	KeyID     string       `json:"key_id,omitempty"`
	Account   acme.Account `json:"account"`
	Key       string       `json:"key"` // PEM, PKCS #8
}

// accountFile is where an account is kept.
func (i *issuer) accountFile() string {
	sum := sha256.Sum256([]byte(i.directory + "\n" + i.email + "\n" + i.declared.KeyID))
	return "acme/accounts/" + hex.EncodeToString(sum[:8]) + ".json"
}

// account returns the account at an issuer, made where there is none. fresh makes another one in the place of one that the
// issuer has forgotten. Names that are got at the same time share one: it is looked up and made under a lock.
func (m *Manager) account(ctx context.Context, client *acmez.Client, i *issuer, fresh bool) (acme.Account, error) {
	unlock, err := m.keeper.Lock(ctx, "accounts/"+i.accountFile())
	if err != nil {
		return acme.Account{}, err
	}
	defer unlock()
	if !fresh {
		account, err := i.readAccount(m.keeper)
		if !errors.Is(err, fs.ErrNotExist) {
			return account, err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return acme.Account{}, err
	}
	account := acme.Account{PrivateKey: key, TermsOfServiceAgreed: true} // who declares an issuer agrees to its terms
	if i.email != "" {
		account.Contact = []string{"mailto:" + i.email}
	}
	if i.declared.KeyID != "" {
		mac, err := i.declared.Key.Value()
		if err != nil {
			return acme.Account{}, err
		}
		eab := acme.EAB{KeyID: i.declared.KeyID, MACKey: strings.TrimRight(strings.TrimSpace(string(mac)), "=")}
		if err := account.SetExternalAccountBinding(ctx, client.Client, eab); err != nil {
			return acme.Account{}, fmt.Errorf("the external account %s: %w", i.declared.KeyID, err)
		}
	}
	if account, err = client.NewAccount(ctx, account); err != nil {
		return acme.Account{}, fmt.Errorf("making an account: %w", err)
	}
	return account, i.writeAccount(m.keeper, account, key)
}

func (i *issuer) readAccount(k Keeper) (acme.Account, error) {
	content, err := k.Read(i.accountFile())
	if err != nil {
		return acme.Account{}, err
	}
	var kept keptAccount
	if err := json.Unmarshal(content, &kept); err != nil {
		return acme.Account{}, fmt.Errorf("%s is damaged: %w", i.accountFile(), err)
	}
	block, _ := pem.Decode([]byte(kept.Key))
	if block == nil {
		return acme.Account{}, fmt.Errorf("%s holds no key", i.accountFile())
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return acme.Account{}, fmt.Errorf("%s: %w", i.accountFile(), err)
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return acme.Account{}, fmt.Errorf("%s holds a key of another kind", i.accountFile())
	}
	kept.Account.PrivateKey = signer
	return kept.Account, nil
}

func (i *issuer) writeAccount(k Keeper, account acme.Account, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	account.ExternalAccountBinding = nil // it was for the making alone
	content, err := json.MarshalIndent(keptAccount{
		Directory: i.directory, Email: i.email, KeyID: i.declared.KeyID, Account: account,
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, "", "  ")
	if err != nil {
		return err
	}
	return k.Write(i.accountFile(), append(content, '\n'))
}

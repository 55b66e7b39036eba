package push_test

import (
	"crypto/ecdh"
	"encoding/base64"
	"testing"

	"github.com/roundtrip-dev/roundtrip/stream/push"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291 section 5 and appendix A.
func TestEncrypt_IsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	own, err := ecdh.P256().NewPrivateKey(bytesOf(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := push.Encrypt([]byte("When I grow up, I want to be a watermelon"),
		bytesOf(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
		bytesOf(t, "BTBZMqHH6r4Tts7J_aSIgg"), own, bytesOf(t, "DGv6ra1nlYgDCS1FRnbzlw"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_" +
		"yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if text := base64.RawURLEncoding.EncodeToString(got); text != want {
		t.Fatalf("got\n%s\nwant\n%s", text, want)
	}
}

func TestEncrypt_RefusesBadKeys(t *testing.T) {
	t.Parallel()
	own, err := ecdh.P256().NewPrivateKey(bytesOf(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	good := own.PublicKey().Bytes()
	for name, tt := range map[string]struct{ browser, auth []byte }{
		"no point":     {make([]byte, 65), make([]byte, 16)},
		"short point":  {good[:33], make([]byte, 16)},
		"short secret": {good, make([]byte, 15)},
		"no secret":    {good, nil},
	} {
		if _, err := push.Encrypt([]byte("x"), tt.browser, tt.auth, own, make([]byte, 16)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := push.Encrypt(make([]byte, 5000), good, make([]byte, 16), own, make([]byte, 16)); err == nil {
		t.Error("a message that fits no record was taken")
	}
}

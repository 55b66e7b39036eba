package probe_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/probe"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func signer(t testing.TB, fill byte) *probe.Signer {
	t.Helper()
	s, err := probe.New(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSigner_KnowsItsOwnUntilTheyExpire(t *testing.T) {
	t.Parallel()
	s, id, until := signer(t, 1), trace.ID{1, 2, 3, 15: 16}, time.Unix(1_800_000_000, 0)
	label := s.Sign(id, until)
	if len(label) != probe.Len || strings.Trim(label, "0123456789abcdefghijklmnopqrstuv") != "" {
		t.Errorf("label %q", label)
	}
	if got, err := s.Verify([]byte(label), until.Add(-time.Second)); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.Verify([]byte(label), until); !errors.Is(err, probe.ErrExpired) {
		t.Errorf("at its end: %v", err)
	}
	if _, err := signer(t, 2).Verify([]byte(label), until.Add(-time.Second)); !errors.Is(err, probe.ErrForged) {
		t.Errorf("another key: %v", err)
	}
	for i := range label {
		for _, c := range []byte("0v") {
			bad := []byte(label)
			if bad[i] == c {
				continue
			}
			bad[i] = c
			if _, err := s.Verify(bad, until.Add(-time.Second)); !errors.Is(err, probe.ErrForged) {
				t.Errorf("with another digit %d: %v", i, err)
			}
		}
	}
	for _, bad := range []string{"", label[1:], label + "0", strings.ToUpper(label), strings.Repeat("-", probe.Len), label[:probe.Len-1] + "w"} {
		if _, err := s.Verify([]byte(bad), until.Add(-time.Second)); !errors.Is(err, probe.ErrForged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got, want := s.Name(id, until, "example.test"), label+".diag.example.test"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzVerify(f *testing.F) {
	s, until := signer(f, 1), time.Unix(1_800_000_000, 0)
	good := s.Sign(trace.ID{1}, until)
	f.Add(good)
	f.Add("")
	f.Fuzz(func(t *testing.T, label string) {
		if _, err := s.Verify([]byte(label), until.Add(-1)); err == nil && label != good {
			t.Errorf("%q is good", label)
		}
	})
}

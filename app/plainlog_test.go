package app

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestPlainLog(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(newPlainLog(&out))
	log.Debug("not for people")
	log.Info("certificate issued", "name", "shop.test")
	log.With("route", "/app/").Warn("upstream unwell", "error", errors.New("refused\x1b[2J\nnow"), "since", "")
	want := regexp.MustCompile(`^  \d\d:\d\d:\d\d  certificate issued  name: shop\.test
  \d\d:\d\d:\d\d  warn: upstream unwell  route: /app/  error: refused \[2J now
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("%q", out.String())
	}
}

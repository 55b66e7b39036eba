package wire

import (
	"crypto/tls"
	"net"
	"strings"
)

// Clients that are made with OpenSSL refuse our certificate before they encrypt, and so say it in the clear, where TLS 1.3 wants
// it encrypted. crypto/tls takes the alert for a record that
// nobody can read: "bad record MAC" is all that it says. What the client said stands in the last bytes that came.

// alertRecord is the length of a record with an alert that is not encrypted (RFC 8446 section 5.1).
const alertRecord = 7

// heard keeps the last bytes that came while hands are shaken.
type heard struct {
	on   bool
	last [alertRecord]byte
}

// note takes in what was read.
func (h *heard) note(p []byte) {
	if n := min(len(p), alertRecord); n > 0 {
		copy(h.last[:], h.last[n:])
		copy(h.last[alertRecord-n:], p[len(p)-n:])
	}
}

// alert returns the alert that stands at the end of what came, ok where one does.
func (h *heard) alert() (alert uint8, ok bool) {
	b := h.last
	return b[6], b[0] == 21 && b[1] == 3 && b[3] == 0 && b[4] == 2 && (b[5] == 1 || b[5] == 2)
}

// overheard returns the error of a handshake, or what the client said in the clear where crypto/tls could not read it. Its form
// is then that of an alert which came as it should.
func (t *tracked) overheard(err error) error {
	if alert, ok := t.heard.alert(); ok && strings.Contains(err.Error(), "bad record MAC") {
		return &net.OpError{Op: "remote error", Err: tls.AlertError(alert)}
	}
	return err
}

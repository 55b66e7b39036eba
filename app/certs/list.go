package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/control"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
)

// CertOptions says whose certificates a command is about.
type CertOptions struct {
	File string // a roundtrip.yaml or its folder
	Data string // the folder of the database, "" for the declared one
	JSON bool
}

// certCommand is the order on the control socket.
type certCommand struct{}

// Certs prints how the certificates of a declaration stand: as the server that runs has them, or from the data folder where
// none does. It reports whether all are well: none has ended, and the last try to get each did not fail.
func Certs(ctx context.Context, o CertOptions, s process.Surroundings) (well bool, err error) {
	c, err := declare.Read(o.File, o.Data, s.WithoutSecrets())
	if err != nil {
		return false, err
	}
	var answer bytes.Buffer
	var states []cert.State
	running, err := control.Ask(ctx, c, "certs", certCommand{}, &answer)
	switch {
	case err != nil:
		return false, err
	case running:
		err = json.Unmarshal(answer.Bytes(), &states)
	default:
		states, err = lookAtCerts(c, s)
	}
	if err != nil {
		return false, err
	}
	if o.JSON {
		err = terminal.JSON(s.Out, states)
	} else {
		writeCerts(s.Out, states, running, s.Now())
	}
	well = true
	for i := range states {
		well = well && !states[i].Bad(s.Now())
	}
	return well, err
}

// lookAtCerts reads what is kept.
func lookAtCerts(c *config.Config, s process.Surroundings) ([]cert.State, error) {
	if err := CertProblems(c); err != nil {
		return nil, err
	}
	key, _ := s.Getenv(vault.KeyEnv)
	v, err := vault.Look(vault.Options{Dir: declare.CertFolder(c), Key: key, Rand: s.Rand})
	if err != nil {
		return nil, err
	}
	return cert.Look(c, v, zoneOf(c), s.Now)
}

const (
	certNames   = 36 // how much of a name is shown
	certIssuers = 22 // and of an issuer
)

// writeCerts writes the table, and below it what failed, since that is read to the end.
func writeCerts(out io.Writer, states []cert.State, running bool, now time.Time) {
	if len(states) == 0 {
		fmt.Fprintln(out, "no site of the declaration has TLS")
		return
	}
	rows := make([][]string, 0, len(states))
	for i := range states {
		st := &states[i]
		issuer, days := "-", "-"
		if st.Issuer != "" {
			issuer = terminal.Shorten(st.Issuer, certIssuers)
		}
		if !st.NotAfter.IsZero() {
			days = DaysLeft(st.NotAfter.Sub(now))
		}
		rows = append(rows, []string{terminal.Shorten(st.Name, certNames), string(st.Source), issuer, days, NextStep(st, running, now)})
	}
	terminal.Table(out, []string{"NAME", "SOURCE", "ISSUER", "DAYS", "NEXT"}, rows)
	for i := range states {
		if st := &states[i]; st.Error != "" {
			text := st.Name + ": " + st.Error
			if st.Tries > 0 {
				text += " (" + terminal.Tries(st.Tries) + ")"
			}
			fmt.Fprintln(out)
			for _, line := range terminal.Wrap(text, terminal.Columns) {
				fmt.Fprintln(out, line)
			}
		}
	}
	if !running {
		fmt.Fprintln(out, "\nNo server runs here: this is what is kept in the data folder.")
	}
}

// DaysLeft is how long a certificate holds, in whole days.
func DaysLeft(left time.Duration) string {
	if left <= 0 {
		return "ended"
	}
	return fmt.Sprint(int(left / (24 * time.Hour)))
}

// NextStep says what will be done about a certificate, and when.
func NextStep(st *cert.State, running bool, now time.Time) string {
	in := func(at time.Time) string {
		if left := at.Sub(now); left > 0 {
			return "in " + terminal.Age(left)
		}
		return "now"
	}
	switch {
	case st.Source == config.TLSFiles:
		return "-" // another program's work
	case !running && st.Source == config.TLSLocal:
		return "made by itself"
	case !running:
		return "when a server runs"
	case st.UnderWay:
		return "being ordered"
	case !st.NextTry.IsZero():
		return "try " + in(st.NextTry)
	case st.NotAfter.IsZero():
		return "order now"
	}
	return "renewal " + in(st.Renewal)
}

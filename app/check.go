package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/certs"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
)

// Check builds the whole house of a declaration without opening a door, and says what serve would do. Its error is a
// *config.Problems with every mistake.
func Check(ctx context.Context, file string, s process.Surroundings) error {
	c, err := declare.Read(file, "", s)
	if err != nil {
		return err
	}
	if err := certs.CertProblems(c); err != nil {
		return err
	}
	if err := consoleProblems(c, s.Now()); err != nil {
		return err
	}
	if err := declare.FileProblems(c, s.Now()); err != nil {
		return err
	}
	h, p, err := dry(ctx, c, s)
	if err != nil {
		return err
	}
	warnings := slices.Concat(h.warnings, declare.MissingFolders(c))
	for _, w := range warnings {
		p := c.Problems()
		if w.Line != "" && w.Pos.Line > 0 {
			p.Beside(w.Pos.File, declare.Sparse(map[int]string{w.Pos.Line: w.Line}))
		}
		fmt.Fprintf(s.Out, "%s: warning: %s\n%s", w.Pos, w.Message, p.Excerpt(w.Pos))
	}
	if err := p.Err(); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s: no mistakes", c.File)
	if n := len(warnings); n > 0 {
		fmt.Fprintf(s.Out, ", %d to look at", n)
	}
	fmt.Fprintf(s.Out, "\n  %s, %s", terminal.Count(len(c.Sites), "site"), terminal.Count(len(c.Collections), "collection"))
	if c.Firewall != nil {
		fmt.Fprintf(s.Out, ", %s", terminal.Count(len(c.Firewall.Groups), "security group"))
	}
	fmt.Fprintln(s.Out)
	for _, z := range h.zones {
		fmt.Fprintf(s.Out, "  the zone %s has %s (roundtrip zone %s prints them)\n", z.Name(), terminal.Count(z.Count(), "record"), z.Name())
	}
	if !p.Empty() {
		fmt.Fprintf(s.Out, "  the database would be changed in %s (roundtrip plan shows them)\n", terminal.Count(len(p.Steps), "safe step"))
	}
	certs.SayOrders(c, s)
	return nil
}

// Plan prints what a declaration would change in its database, and reports whether all of it would be applied if serve
// were started with the same allowLoss.
func Plan(ctx context.Context, file, data string, allowLoss []string, s process.Surroundings) (applicable bool, err error) {
	s = s.WithoutSecrets() // and neither certificates nor keys are read: a plan is of the collections alone
	c, err := declare.Read(file, data, s)
	if err != nil {
		return false, err
	}
	b, err := newBase(c, s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return false, err
	}
	built, err := schema.Build(c)
	if err != nil {
		return false, err
	}
	p, err := preview(ctx, c, b, built, s.Now())
	if err != nil {
		return false, err
	}
	if err := p.Allow(allowLoss); err != nil {
		return false, err
	}
	if p.Empty() {
		fmt.Fprintln(s.Out, "nothing to change: the database is as declared")
		return true, nil
	}
	fmt.Fprint(s.Out, p)
	if n := len(p.Refused()); n > 0 {
		fmt.Fprintf(s.Out, "\n%s would be refused, and so the server would not start\n", terminal.Count(n, "step"))
		return false, nil
	}
	if len(allowLoss) > 0 {
		fmt.Fprintf(s.Out, "\n%s: applied when the server starts with --allow-data-loss %s\n", terminal.Count(len(p.Steps), "step"), strings.Join(allowLoss, ","))
		return true, nil
	}
	fmt.Fprintf(s.Out, "\n%s: applied when the server starts\n", terminal.Count(len(p.Steps), "safe step"))
	return true, nil
}

// dry builds the house and compares it with the database, changing nothing.
func dry(ctx context.Context, c *config.Config, s process.Surroundings) (*house, *plan.Plan, error) {
	m := names.AsServe()
	a := &App{options: Options{HTTPS: m.HTTPS, HTTP: m.HTTP, DNS: m.DNS}, around: s, log: slog.New(slog.DiscardHandler), config: c}
	b, err := newBase(c, s, a.log, nil)
	if err != nil {
		return nil, nil, err
	}
	h, err := a.assemble(c, b)
	if err != nil {
		return nil, nil, err
	}
	files := *c
	files.Sites = nil
	for _, site := range c.Sites { // certificates of the local authority are made by serve, those of files must be there
		if site.TLS.Mode == config.TLSFiles {
			files.Sites = append(files.Sites, site)
		}
	}
	if err := cert.NewStore(nil, s.Now).Load(files.Sites); err != nil {
		return nil, nil, err
	}
	p, err := preview(ctx, c, b, h.schema, s.Now())
	return h, p, err
}

// preview compares collections with the database, which need not be there yet.
func preview(ctx context.Context, c *config.Config, b *base, s *schema.Schema, now time.Time) (*plan.Plan, error) {
	if _, err := os.Stat(c.Store.Database); errors.Is(err, fs.ErrNotExist) {
		return plan.Make(&plan.History{}, s.Schema, now), nil
	}
	return b.store.Preview(ctx, s.Schema)
}

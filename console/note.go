package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/audit"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// Entry is one deed in the audit log.
type Entry = audit.Entry

type noteKey struct{}

// withNote lets [Note] find the log.
func (c *Console) withNote(ctx context.Context) context.Context {
	return context.WithValue(ctx, noteKey{}, c)
}

// Note writes a deed of the request's operator into the audit log; it is on the disk when Note returns. Who, Role and From
// are filled in. Call it before the deed: what can't be noted must not be done, and the error says so.
func Note(ctx context.Context, e Entry) error {
	c, ok := ctx.Value(noteKey{}).(*Console)
	if !ok {
		return roundtrip.E(roundtrip.Internal, "app.internal", "nobody keeps an audit log here")
	}
	o, _ := OperatorFrom(ctx)
	e.Who, e.Role, e.From = o.Name, o.Role.String(), o.From
	return c.note(e)
}

// Note writes a deed of somebody who did not come over the net, such as a command of this machine.
func (c *Console) Note(e Entry) error { return c.note(e) }

func (c *Console) note(e Entry) error { return c.noteIn(audit.File, e) }

// noteRefused writes that a stranger was turned away into the log of those: they can fill that one alone.
func (c *Console) noteRefused(e Entry) error {
	return c.noteIn(audit.RefusedFile, e)
}

func (c *Console) noteIn(file string, e Entry) error {
	log := c.log(file)
	if log == nil {
		return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the console does not run")
	}
	e, err := log.Append(e)
	if err != nil {
		return &roundtrip.Error{
			Kind: roundtrip.Unavailable, Reason: "console.file_failed", Op: "console.note", Err: err,
			Public: "the audit log can't be written, so this was not done; see the server's log and the disk",
		}
	}
	if c.options.Dev { // the terminal is for what the developer does
		return nil
	}
	// What stands in the server's log as well can't be changed by changing the file alone.
	c.options.Log.Info("audit", "file", file, "n", e.N, "who", e.Who, "from", e.From, "what", e.What, "target", e.Target, "refused", e.Refused, "chain", e.Chain)
	return nil
}

// showAudit shows the newest entries: an owner those of everybody, others their own.
func (c *Console) showAudit(r *http.Request) (any, error) {
	o, _ := OperatorFrom(r.Context())
	who := o.Name
	if o.Role >= operators.Owner {
		who = ""
	}
	n, err := number(r, "n", 100, 1000)
	if err != nil {
		return nil, err
	}
	log, refused := c.log(audit.File), c.log(audit.RefusedFile)
	list, err := log.Last(n, who)
	if err != nil {
		return nil, roundtrip.Wrap("console.audit", err)
	}
	others, err := refused.Last(n, who)
	if err != nil {
		return nil, roundtrip.Wrap("console.audit", err)
	}
	list = append(list, others...)
	slices.SortStableFunc(list, func(a, z Entry) int { return z.Time.Compare(a.Time) })
	return struct {
		Entries []Entry `json:"entries"`
		Broken  string  `json:"broken,omitempty"` // where the chain of a log is broken: somebody changed it
	}{list[:min(n, len(list))], cmp.Or(log.Broken(), refused.Broken())}, nil
}

// log is one of the two, nil before Run.
func (c *Console) log(file string) *audit.Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file == audit.RefusedFile {
		return c.refused
	}
	return c.audit
}

// number reads a query parameter between 1 and most.
func number(r *http.Request, name string, usual, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, roundtrip.E(roundtrip.Invalid, "request.invalid", "%s is a number from 1 to %d", name, most).
			With(roundtrip.Detail{Parameter: name, Code: "out_of_range", Message: "a number from 1 to " + strconv.Itoa(most)})
	}
	return n, nil
}

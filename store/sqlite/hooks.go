package sqlite

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// tell leaves a job for each webhook that the schema in force declares for a write. The body is made here, so that it shows
// the record as this write left it, or as it was before it went, whatever happens until it is sent. The form is that of the
// Standard Webhooks specification (https://www.standardwebhooks.com).
func (t *tx) tell(tb *table, action roundtrip.Action, row roundtrip.Row) {
	if tb.now == nil {
		return
	}
	c := tb.now.c
	hooks := c.Hooks[action]
	if len(hooks) == 0 {
		return
	}
	b := append(t.body[:0], `{"type":"`...)
	b = append(b, c.Name...)
	b = append(b, '.')
	b = append(b, action.Event()...)
	b = append(b, `","timestamp":"`...)
	b = roundtrip.AppendTime(b, t.now.UnixMicro())
	b = append(b, `","data":`...)
	b = roundtrip.AppendRecord(b, tb.c, row)
	t.body = append(b, '}')
	payload, key := string(t.body), c.Name+"/"+roundtrip.ID(row.Int(roundtrip.FieldID)).String()
	by := t.by()
	for _, hook := range hooks {
		t.jobs = append(t.jobs, job{kind: store.JobWebhook + hook, key: key, payload: payload, by: by.first()})
	}
}

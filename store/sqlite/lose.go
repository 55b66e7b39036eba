package sqlite

import (
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
)

// jobFiles is how many files one job removes.
const jobFiles = 100

// lose does, before any step, what the drops of a plan leave behind beside the table: jobs for the bytes of files, and
// the end of accounts. A drop is no write of records: it moves no counter and tells no stream.
func (t *tx) lose(p *plan.Plan) error {
	for _, step := range p.Steps {
		if step.Loss == nil {
			continue
		}
		for _, column := range step.Loss.Files {
			if err := t.removeColumn(step.Loss.Table, column); err != nil {
				return failed("schema.apply: "+step.Text, err, t.conn.Late())
			}
		}
		if step.Loss.Column == "" {
			if err := t.endAccountsOf(step.Loss); err != nil {
				return failed("schema.apply: "+step.Text, err, t.conn.Late())
			}
		}
	}
	return nil
}

// removeColumn leaves the jobs to remove the bytes of all files in a column.
func (t *tx) removeColumn(table, column string) error {
	sql := fmt.Sprintf(`INSERT INTO _outbox (kind, payload, due, tries)
		SELECT ?, json_group_array(file), ?, 0 FROM (
			SELECT json_extract(%[2]s, '$.id') AS file, row_number() OVER (ORDER BY "id") / ? AS part
			FROM %[1]s WHERE json_valid(%[2]s))
		WHERE file IS NOT NULL GROUP BY part`, quoted(table), quoted(column))
	return t.exec(sql, roundtrip.Text(store.JobFilesRemove), roundtrip.Time(t.now), roundtrip.Int(jobFiles))
}

// endAccountsOf removes what the accounts of a dropped collection prove themselves with. Clients may choose ids, so an id
// that another collection has too is left alone.
func (t *tx) endAccountsOf(loss *plan.Loss) error {
	var b strings.Builder
	fmt.Fprintf(&b, " WHERE account IN (SELECT \"id\" FROM %s)", quoted(loss.Table))
	for _, other := range loss.Stay {
		fmt.Fprintf(&b, " AND account NOT IN (SELECT \"id\" FROM %s)", quoted(other))
	}
	if err := t.exec("DELETE FROM _note_sources WHERE note IN (SELECT id FROM _notes" + b.String() + ")"); err != nil {
		return err
	}
	for _, table := range []string{"_sessions", "_accounts", "_notes", "_inbox", "_push"} {
		if err := t.exec("DELETE FROM " + table + b.String()); err != nil {
			return err
		}
	}
	return nil
}

package sqlite

import (
	"fmt"
	"os"
	"syscall"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// headMark is a position that the log of changes has reached, kept outside of the database: in its lock file. A database
// file that was put back from a copy has not got that far; then cursors of before would lead into other changes than those
// that they stand for, so that whoever holds one would miss some and never be told. Such a database gets a new epoch.
//
// The mark is written after commits and lags a little, never the other way round. Where there is none the epoch is a new one
// too: that costs everybody a snapshot, and loses nothing.
type headMark struct {
	epoch    string // "" for no mark
	position int64
}

// markForm is the lock file: our pid for whoever finds it locked, then the mark with the file's own number, which a copy of
// the whole folder does not have.
const markForm = "%d\n%s %d %d\n"

// read returns the mark that the file holds.
func (l *lock) read() headMark {
	text := make([]byte, 200)
	n, _ := l.file.ReadAt(text, 0) // an empty file has no mark
	var m headMark
	var pid int
	var number uint64
	if got, err := fmt.Sscanf(string(text[:n]), markForm, &pid, &m.epoch, &m.position, &number); err != nil || got != 4 || number != l.number() {
		return headMark{}
	}
	return m
}

// keep writes the mark. It need not reach the disk: an older one is as good, if less watchful.
func (l *lock) keep(epoch string, position int64) error {
	if epoch == "" {
		epoch = "-"
	}
	text := fmt.Appendf(nil, markForm, os.Getpid(), epoch, position, l.number())
	if _, err := l.file.WriteAt(text, 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(text)))
}

// number is that of the file in its file system.
func (l *lock) number() uint64 {
	info, err := l.file.Stat()
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return stat.Ino
}

// settleEpoch returns the epoch of the database: the one that it has, or a new one where it is not known to go on from where
// it was.
func settleEpoch(conn *raw.Conn, was headMark) (string, error) {
	head, err := readInt(conn, "SELECT max(position) FROM _changes")
	if err != nil {
		return "", err
	}
	same, err := readInt(conn, "SELECT count(*) FROM _meta WHERE name = 'epoch' AND value = ?", roundtrip.Text(was.epoch))
	if err != nil || same == 1 && was.position <= head {
		return was.epoch, err
	}
	epoch := newEpoch()
	return epoch, conn.Exec("INSERT OR REPLACE INTO _meta (name, value) VALUES ('epoch', ?)", roundtrip.Text(epoch))
}

// keepMark notes how far the log has come.
func (w *writer) keepMark() {
	if w.marked == w.tx.position {
		return
	}
	w.marked = w.tx.position
	if err := w.lock.keep(w.epoch, w.marked); err != nil {
		w.s.log.Warn("the position of the log can't be noted", "err", err)
	}
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// Open locks and opens the database, making the file if there is none, and starts the writer. It fails if another
// process has it open. Whoever calls Open calls Close, or Run, which closes when its context ends. A store is opened once.
func (s *Store) Open(ctx context.Context) error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if s.opened {
		return errors.New("sqlite: the store was opened already")
	}
	if err := makeFile(s.opts.Path); err != nil {
		return err
	}
	lock, err := takeLock(s.opts.Path)
	if err != nil {
		return err
	}
	conn, err := s.connect()
	var epoch string
	if err == nil {
		conn.Guard(ctx)
		if err = prepareFile(conn); err == nil {
			epoch, err = settleEpoch(conn, lock.was)
		}
		conn.Unguard()
	}
	var w *writer
	if err == nil {
		w, err = newWriter(s, conn)
	}
	if err != nil {
		if conn != nil {
			_ = conn.Close()
		}
		lock.release()
		return fmt.Errorf("opening the database %s: %w", s.opts.Path, err)
	}
	w.lock, w.epoch, w.marked = lock, epoch, -1
	w.keepMark()
	s.lock, s.opened = lock, true
	s.running.Go(func() { w.run(); close(s.stopped) })
	s.running.Go(s.tend)
	s.running.Go(s.audit)
	s.running.Go(s.plans)
	close(s.ready)
	return nil
}

// makeFile makes the database file and its folder if they are not there, for our own user alone: it holds password
// hashes. SQLite gives its other files the same mode.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("making the folder of the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making the database file: %w", err)
	}
	return f.Close()
}

// Run opens the store if it is not open, and closes it when ctx ends.
func (s *Store) Run(ctx context.Context) error {
	select {
	case <-s.ready:
	default:
		if err := s.Open(ctx); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return s.Close()
}

// Ready is closed when the store is open.
func (s *Store) Ready() <-chan struct{} { return s.ready }

// Close commits what waits, ends all goroutines and closes the file. Calls after it fail with store.closed.
func (s *Store) Close() error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if !s.opened || s.lock == nil {
		return nil
	}
	close(s.closing)
	s.running.Wait()
	err := s.pool.close()
	s.lock.release()
	s.lock = nil
	return err
}

// tend lets go of the snapshots of idle readers, so that the WAL can be written back, and makes busy ones renew theirs
// at least once a second.
func (s *Store) tend() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.closing:
			return
		case <-tick.C:
			if n%4 == 0 {
				s.commits.Add(1)
			}
			s.pool.rest()
		}
	}
}

func (s *Store) connect() (*raw.Conn, error) {
	conn, err := raw.Open(s.opts.Path, s.opts.StatementDeadline)
	if err != nil {
		return nil, err
	}
	for _, p := range pragmas() {
		if err := conn.Exec(p); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// closed is what a call gets while the store is not open.
func closed() error {
	return roundtrip.E(roundtrip.Unavailable, "store.closed", "The server is stopping.")
}

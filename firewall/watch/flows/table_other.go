//go:build !linux

package flows

import "errors"

// Table is the connection table, which only Linux has.
type Table struct{}

// Open fails: there is no such table.
func Open(Options) (*Table, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (t *Table) Close() error { return nil }

// Each fails.
func (t *Table) Each(func(*Flow)) error { return errors.ErrUnsupported }

// Cut fails.
func (t *Table) Cut(*Flow) (Ended, error) { return Ended{}, errors.ErrUnsupported }

// Fill fails.
func (t *Table) Fill() (Fill, error) { return Fill{}, errors.ErrUnsupported }

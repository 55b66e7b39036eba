package acme

// Looks returns how often it was looked for what is due.
func (m *Manager) Looks() int64 { return m.looks.Load() }

// InTurn tells the tests which challenges are tried.
func InTurn(able []string, tries int) []string { return inTurn(able, tries) }

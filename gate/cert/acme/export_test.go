package acme

// Looks returns how often it was looked for what is due.
func (m *Manager) Looks() int64 { return m.looks.Load() }

package live

// Form numbers a way to write a message besides JSON. The door that asks for one deals the numbers.
type Form uint8

// Forms writes messages in other forms, by the declaration that it belongs to: a message is written by the one under which
// its records were read, whatever is in force by then. It may be used by many goroutines.
type Forms interface {
	// Form writes a message. Its result is kept and shared, and not changed any more.
	Form(form Form, f *Frame) ([]byte, error)
}

// formed is a message in one form.
type formed struct {
	form  Form
	bytes []byte
	err   error
}

// In returns the message in a form. It is written by the first who asks, once for all who get the message; others writes it
// where it has no records, so that it is the same under every declaration.
func (f *Frame) In(form Form, others Forms) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.made {
		if m := &f.made[i]; m.form == form {
			return m.bytes, m.err
		}
	}
	m := formed{form: form}
	if f.forms != nil {
		others = f.forms
	}
	m.bytes, m.err = others.Form(form, f)
	f.made = append(f.made, m)
	return m.bytes, m.err
}

// Beat reports whether the message is the heartbeat, which is of no topic.
func (f *Frame) Beat() bool { return f.beat }

// sealed closes a message of the group with its cursor.
func (g *group) sealed(b []byte, position int64) *Frame {
	f := g.hub.end(b, position)
	f.forms = g.house.Forms
	return f
}

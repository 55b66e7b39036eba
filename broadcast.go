package roundtrip

// Broadcast is one declared channel: what is sent on it reaches those who are there, and is kept nowhere.
type Broadcast struct {
	Name     string
	Pos      Pos
	Of       *Collection // each record of it has a channel of its own; nil: keys are free, and the rules know the caller alone
	Join     Rule        // "" with Of: whoever may read the record
	Send     Rule        // "": nobody
	Presence bool        // those who are there are told who else is
}

package firewall

import "strings"

// columns is how wide what is printed may be.
const columns = 80

// String says it for people, in 80 columns.
func (e Explanation) String() string {
	var b strings.Builder
	if e.Allowed {
		b.WriteString("yes: " + e.Flow + " passes\n")
		say(&b, e.Because)
		if e.Note != "" {
			say(&b, "note: "+e.Note)
		}
		if e.Where != "" {
			b.WriteString("  " + e.Where + "\n")
		}
		return b.String()
	}
	b.WriteString("no: nothing allows " + e.Flow + "\n")
	if e.Because != "" {
		say(&b, e.Because)
	}
	for _, blocker := range e.Blockers {
		say(&b, blocker.Why)
		b.WriteString("    " + blocker.Where + "\n")
	}
	for i, w := range e.Would {
		if i == 0 {
			b.WriteString("it would pass if\n")
		} else {
			b.WriteString("or if\n")
		}
		say(&b, w)
	}
	return b.String()
}

// Short is the explanation as one sentence, for the note of a hop: what would let the flow pass, or why it does. A client has no
// address in it, since journeys keep the network alone.
func (e Explanation) Short() string {
	if e.Allowed || len(e.Would) == 0 {
		return e.Because
	}
	would := e.Would[0]
	if e.client != "" {
		would = strings.Replace(would, " had "+e.client+" in ", " had the client's address in ", 1)
	}
	return "would pass if " + would
}

// say writes a text a little in, with its lines broken, the ones after the first a little further in.
func say(b *strings.Builder, text string) {
	const indent = "  "
	at := len(indent)
	b.WriteString(indent)
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case at+1+n > columns:
			b.WriteString("\n" + indent + "  ")
			at = len(indent) + 2
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
}

package roundtrip

import "strings"

// Rule is one access rule as it was declared. Source "" means that there is none: nobody may.
type Rule struct {
	Source string
	Pos    Pos // of the first character of Source
}

// Who is whom a rule lets, as far as strangers may know it. The source is for those who may read the declaration: it can tell
// how people are blocked, which roles there are, or what is looked for.
type Who uint8

// The kinds of rules.
const (
	ByRule   Who = iota // it depends
	Nobody              // there is no rule, or it is false
	Anybody             // true
	SignedIn            // auth.id != null
)

// Who returns whom the rule lets.
func (r Rule) Who() Who {
	switch strings.Join(strings.Fields(r.Source), "") {
	case "", "false":
		return Nobody
	case "true":
		return Anybody
	case "auth.id!=null":
		return SignedIn
	}
	return ByRule
}

// String says it in words that follow "May read:".
func (w Who) String() string {
	switch w {
	case Nobody:
		return "nobody"
	case Anybody:
		return "anybody"
	case SignedIn:
		return "who is signed in"
	case ByRule:
	}
	return "whom a rule lets"
}

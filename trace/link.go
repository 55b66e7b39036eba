package trace

import "strings"

// linksMax is how many links one journey holds; what else it is joined with is left out.
const linksMax = 6

// Role says what another journey is to this one. Links lead back in time only, since a journey that has ended is not
// written to any more: what followed from it is found by [Recorder.Following].
type Role uint8

// The roles.
const (
	Over      Role = iota + 1 // the connection that it came over
	Cause                     // the request whose write set it off; a group of writes has several
	Lookup                    // the query that found the name
	Preflight                 // the preflight that asked for it
	Parent                    // a trace of somebody whom we don't trust: its id is a claim
)

// String returns the role's word.
func (r Role) String() string {
	names := [...]string{"", "connection", "cause", "query", "preflight", "parent"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// Link joins a journey with an earlier one.
type Link struct {
	Role     Role
	Evidence Evidence
	ID       ID
}

// Link joins the journey with an earlier one. It belongs to the goroutine that serves the journey.
func (j *Journey) Link(l Link) {
	if j == nil || j.nlink == len(j.links) || l.ID == (ID{}) {
		return
	}
	j.links[j.nlink] = l
	j.nlink++
}

// Kept says why a journey is kept longer than most, as bits.
type Kept uint16

// The causes.
const (
	Errored Kept = 1 << iota // it failed
	Denied                   // something refused it
	Slow                     // slower than most of its route
	First                    // the first with this route and reason for some time
	Pinned                   // somebody who may wants it kept
	Probed                   // it was made to find something out
	Sampled                  // one of so many
	Traced                   // a caller whom we trust said that it traces it
	Missed                   // it waited, or would have been refused
)

var keptWords = [...]string{"error", "deny", "slow", "first", "pinned", "probe", "sample", "traced", "wait"}

// Words returns a word for each cause.
func (k Kept) Words() []string {
	var words []string
	for i, w := range keptWords {
		if k&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// KeptOf returns the cause of a word; ok is false where there is none.
func KeptOf(word string) (k Kept, ok bool) {
	for i, w := range keptWords {
		if strings.EqualFold(w, word) {
			return 1 << i, true
		}
	}
	return 0, false
}

// KeptWords returns all words that [KeptOf] knows.
func KeptWords() []string { return keptWords[:] }

package acme

import "time"

// State is how one name stands.
type State struct {
	Name     string
	Issuer   string    // host of the issuer that signed, "" while there is no certificate
	NotAfter time.Time // when the certificate ends, zero while there is none
	Renewal  time.Time // when it is to be renewed
	NextTry  time.Time // after a failure; zero where the last try was good
	Tries    int       // that failed since the last success
	Failed   time.Time // the last of them
	Error    string    // of that, "" where it was good
	UnderWay bool      // an attempt runs now
}

func (s *subject) state(now time.Time, issuers []*issuer) State {
	r := s.current()
	state := State{Name: s.name, Tries: r.Tries, Failed: r.Failed, Error: r.Error, UnderWay: s.busy()}
	if r.Tries > 0 {
		state.NextTry = s.notBefore()
	}
	if c := s.cert.Load(); c != nil {
		state.Issuer, state.NotAfter = hostOf(r.Directory), c.Leaf.NotAfter
		_, state.Renewal = s.wants(now, issuers)
	}
	return state
}

package cert

import (
	"crypto/x509"
	"log/slog"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// State is how the certificate of one name stands.
type State struct {
	Name     string         `json:"name"`
	Source   config.TLSMode `json:"source"`             // auto, local or files
	Issuer   string         `json:"issuer,omitempty"`   // who signed it; "" while there is none
	NotAfter time.Time      `json:"not_after,omitzero"` // when it ends; zero while there is none
	Renewal  time.Time      `json:"renewal,omitzero"`   // when it will be renewed; zero where that is not our work
	NextTry  time.Time      `json:"next_try,omitzero"`  // after a failure
	Tries    int            `json:"tries,omitempty"`    // that failed since the last success
	Error    string         `json:"error,omitempty"`    // of the last try, where it failed
	UnderWay bool           `json:"under_way,omitempty"`
}

// Bad reports whether somebody should look: the certificate has ended, or the last try to get one failed.
func (s *State) Bad(now time.Time) bool {
	return s.Error != "" || !s.NotAfter.IsZero() && now.After(s.NotAfter)
}

// States returns how each certificate stands, in declared order.
func (s *Store) States() []State {
	ordered := map[string]acme.State{}
	if s.acme != nil {
		for _, state := range s.acme.States() {
			ordered[state.Name] = state
		}
	}
	var states []State
	for _, e := range s.table.Load().entries {
		switch e.mode {
		case config.TLSAuto:
			states = append(states, fromOrder(ordered[e.name]))
		case config.TLSFiles:
			state := fromLeaf(e.name, e.mode, e.cert.Load().Leaf)
			e.mu.Lock()
			state.Error = e.problem
			e.mu.Unlock()
			states = append(states, state)
		default:
			c := e.cert.Load()
			state := fromLeaf(e.name, e.mode, c.Leaf)
			state.Issuer, state.Renewal = "local authority", renewAt(c)
			states = append(states, state)
		}
	}
	return states
}

func fromOrder(s acme.State) State {
	return State{
		Name: s.Name, Source: config.TLSAuto, Issuer: s.Issuer, NotAfter: s.NotAfter, Renewal: s.Renewal, NextTry: s.NextTry,
		Tries: s.Tries, Error: s.Error, UnderWay: s.UnderWay,
	}
}

func fromLeaf(name string, mode config.TLSMode, leaf *x509.Certificate) State {
	issuer := leaf.Issuer.CommonName
	if len(leaf.Issuer.Organization) > 0 {
		issuer = leaf.Issuer.Organization[0]
	}
	return State{Name: name, Source: mode, Issuer: issuer, NotAfter: leaf.NotAfter}
}

// Look tells the same of a declaration that no server serves now, from what is kept: it orders and changes nothing.
func Look(c *config.Config, k acme.Keeper, zone acme.Zone, now func() time.Time) ([]State, error) {
	m, err := acme.New(acme.Options{Keeper: k, Zone: zone, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := m.Declare(c.ACME, c.Sites); err != nil {
		return nil, err
	}
	ordered := map[string]acme.State{}
	for _, state := range m.States() {
		ordered[state.Name] = state
	}
	var states []State
	for i := range c.Sites {
		site := &c.Sites[i]
		name := strings.ToLower(strings.TrimSuffix(site.Name, "."))
		switch site.TLS.Mode {
		case config.TLSOff:
		case config.TLSAuto:
			states = append(states, fromOrder(ordered[name]))
		case config.TLSFiles:
			leaf, err := readLeaf(site.TLS, name, now())
			if err != nil {
				states = append(states, State{Name: name, Source: site.TLS.Mode, Error: err.Error()})
				continue
			}
			states = append(states, fromLeaf(name, site.TLS.Mode, leaf))
		default: // made in memory when a server starts
			states = append(states, State{Name: name, Source: config.TLSLocal, Issuer: "local authority"})
		}
	}
	return states, nil
}

package names

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// DownSites tells tests which sites serve nothing.
func DownSites(sites []config.Site, states map[string][]pool.State, now time.Time) []string {
	return downSites(sites, states, now)
}

// Lacks tells tests which secondaries lack what is served.
func Lacks(zone string, serial uint32, c transfer.Copy) bool {
	return Behind(&State{Zones: []zoneState{{Name: zone, Serial: serial}}}, &c)
}

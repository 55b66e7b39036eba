package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Recursive makes the machine dns what a provider runs: a resolver (Unbound) that begins at a root (NSD, on the machine's
// second address), which delegates each zone to the name server at an address. Nothing is remembered for long, so that who
// asks twice is answered twice.
func (l *Lab) Recursive(ctx context.Context, delegated map[string]netip.Addr) error {
	m := l.Machine(DNS)
	resolver, root := m.Addresses[0], m.Addresses[2]
	var zone strings.Builder
	fmt.Fprintf(&zone, ". 0 SOA a.root. nobody.root. 1 3600 600 86400 0\n. 0 NS a.root.\na.root. 0 A %s\n", root)
	for name, at := range delegated {
		fmt.Fprintf(&zone, "%s. 0 NS ns1.%s.\nns1.%s. 0 A %s\n", name, name, name, at)
	}
	files := map[string]string{
		"root.zone":  zone.String(),
		"hints":      fmt.Sprintf(". 3600 NS a.root.\na.root. 3600 A %s\n", root),
		"nsd.conf":   strings.NewReplacer("ROOT", root.String(), "FOLDER", m.Folder).Replace(rootConf),
		"recur.conf": strings.NewReplacer("RESOLVER", resolver.String(), "FOLDER", m.Folder).Replace(resolverConf),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(m.Folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, s := range []struct{ program, conf, ready string }{{"nsd", "nsd.conf", "nsd started"}, {"unbound", "recur.conf", "start of service"}} {
		p, err := m.Start(s.program, "-d", "-c", filepath.Join(m.Folder, s.conf))
		if err != nil {
			return err
		}
		if err := p.Await(ctx, s.ready, 1); err != nil {
			return fmt.Errorf("%s on %s: %w", s.program, m.Name, err)
		}
	}
	return nil
}

const rootConf = `server:
  server-count: 1
  ip-address: ROOT
  username: ""
  chroot: ""
  zonesdir: FOLDER
  zonelistfile: FOLDER/zone.list
  xfrdfile: FOLDER/xfrd.state
  xfrdir: FOLDER
  pidfile: ""
  verbosity: 1
remote-control:
  control-enable: no
zone:
  name: .
  zonefile: root.zone
`

const resolverConf = `server:
  verbosity: 1
  interface: RESOLVER
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  do-ip6: no
  username: ""
  chroot: ""
  directory: FOLDER
  pidfile: ""
  use-syslog: no
  root-hints: FOLDER/hints
  local-zone: test. nodefault
  module-config: iterator
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 5
remote-control:
  control-enable: no
`

// Package firewall is the second station of the path: may this address connect at all? It has the semantics of EC2 security
// groups: stateful, allow only, the union of all groups of a machine.
package firewall

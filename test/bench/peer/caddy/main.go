// Command caddy is Caddy as it ships, to measure against. It is a module of its own, so that nothing of it reaches
// Roundtrip's dependencies.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }

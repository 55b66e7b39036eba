package main

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// exitLayer is what the number of a layer is added to, for the exit status of commands that tell who stopped a request:
// 11 the name server, 12 the firewall, 14 TLS, 16 CORS and so on, in the order of [trace.Layer].
const exitLayer = 10

// stoppedAt ends a command that has told which layer stopped a request.
type stoppedAt struct{ layer trace.Layer }

func (e *stoppedAt) Error() string { return "stopped at " + e.layer.String() }

func (e *stoppedAt) exit() int { return exitLayer + int(e.layer) }

// exitAt is nil where no layer stopped the request.
func exitAt(l trace.Layer) error {
	if l == 0 {
		return nil
	}
	return &stoppedAt{l}
}

// layerNamed is the layer with a name, and the application where none has it.
func layerNamed(name string) trace.Layer {
	for l := trace.DNS; l.String() != "unknown"; l++ {
		if l.String() == name {
			return l
		}
	}
	return trace.App
}

// layerOf is the layer that decided how a journey ended, 0 where it went well. What no hop tells is told by the reason.
func layerOf(v *trace.View) trace.Layer {
	switch {
	case v.Reason == "":
		return 0
	case v.Layer != "":
		return layerNamed(v.Layer)
	case strings.HasPrefix(v.Reason, "client."):
		return trace.Client
	}
	return trace.App
}

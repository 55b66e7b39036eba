// Command roundtrip runs a backend that is declared in one file, roundtrip.yaml.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
)

func main() {
	// What net/http says by itself, of a receiver that talks out of turn for one, is a line of JSON as all others are.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(slog.NewJSONHandler(os.Stderr, nil), slog.LevelWarn).Writer())
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

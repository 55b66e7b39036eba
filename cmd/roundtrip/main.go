// Command roundtrip runs a backend that is declared in one file, roundtrip.yaml.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

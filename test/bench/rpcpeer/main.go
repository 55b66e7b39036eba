// Command rpcpeer is what the benchmark of gRPC compares with: the photos of the benchmark as somebody would serve them who
// writes the server by hand, with grpc-go, generated messages and the same store and rules; and, with -floor, the least that
// net/http's HTTP/2 needs for an answer of that length.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/test/bench/rpcpeer/photos"
)

func main() {
	addr := flag.String("listen", "", "host:port")
	file := flag.String("config", "", "the declaration whose collections and rules are served")
	database := flag.String("database", "", "the database file")
	floor := flag.Int("floor", 0, "answer every call with a message of so many bytes, without a store")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *floor > 0 {
		err = serveFloor(ctx, *addr, *floor)
	} else {
		err = serve(ctx, *addr, *file, *database)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rpcpeer:", err)
		os.Exit(1)
	}
}

// serve answers calls until ctx ends.
func serve(ctx context.Context, addr, file, database string) error {
	declared, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return err
	}
	built, err := schema.Build(declared)
	if err != nil {
		return err
	}
	rules, err := policy.New(built.Schema, make([]byte, 32))
	if err != nil {
		return err
	}
	kept, err := sqlite.New(sqlite.Options{Path: database, Now: time.Now, IDs: roundtrip.NewIDs(2, time.Now)})
	if err != nil {
		return err
	}
	if err := kept.Open(ctx); err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	plan, err := kept.Plan(ctx, built.Schema)
	if err != nil {
		return err
	}
	if err := kept.Apply(ctx, built.Schema, plan); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	photos.RegisterPhotosServer(server, newService(built, rules, kept))
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	return server.Serve(listener)
}

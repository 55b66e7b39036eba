// Command bench measures Roundtrip beside PocketBase and beside itself with journeys off: reads by id, lists of the 20
// newest, lists of one author, and creates, in turns on the same machine, with the same records, rules and indexes; what
// journeys cost; then listeners: what a message to one, a hundred and ten thousand of them costs and how late it comes; then calls of gRPC
// beside a server that is written by hand with grpc-go; then the gate beside Caddy and NGINX, the name server beside CoreDNS, NSD and Knot, and the site beside a flood that the kernel drops. It prints
// one report in Markdown.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// options is what the command line says.
type options struct {
	bin    string
	dir    string
	rounds int
	length time.Duration
	only   string
}

// progress tells the person who waits what is being done.
type progress func(format string, args ...any)

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "", "the roundtrip program; without it the peer is measured alone")
	flag.StringVar(&o.dir, "dir", "", "keep the programs and their data below this folder (default: a temporary one)")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each measure is taken on each server, in turns")
	flag.DurationVar(&o.length, "length", 4*time.Second, "how long one run takes")
	flag.StringVar(&o.only, "only", "", "take only the measures whose name begins with this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout, func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stderr, format+"\n", args...) }); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run prepares the servers, measures, reports, and ends every process that it began.
func run(ctx context.Context, o options, out io.Writer, say progress) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 45*time.Minute)
	defer cancel()
	dir := o.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "roundtrip-bench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if strings.HasPrefix(o.only, gateName) {
		return measureGate(ctx, o, dir, out, say)
	}
	if strings.HasPrefix(o.only, namesName) {
		return measureNames(ctx, o, dir, out, say)
	}
	if strings.HasPrefix(o.only, journeysName) {
		return measureJourneys(ctx, o, dir, out, say)
	}
	if strings.HasPrefix(o.only, rpcName) {
		return measureRPC(ctx, o, dir, out, say)
	}
	if o.only == floodName {
		return measureFlood(ctx, o, dir, out, say)
	}
	var servers []*server
	defer func() {
		for _, s := range servers {
			if e := s.stop(); err == nil {
				err = e
			}
		}
	}()
	peer, err := preparePeer(ctx, dir, say)
	if err != nil {
		return err
	}
	servers = append(servers, peer)
	if o.bin != "" {
		for _, name := range []string{"Roundtrip", "Roundtrip, journeys off"} {
			s, err := prepareOurs(ctx, dir, name, o.bin, say)
			if s != nil {
				servers = append(servers, s)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := startAll(ctx, servers); err != nil {
		return err
	}
	rows, err := measureAll(ctx, o, servers, say)
	if err != nil {
		return err
	}
	if err := report(out, o, servers, rows); err != nil || o.bin == "" || !strings.HasPrefix(streamsName, o.only) {
		return err
	}
	streams, err := measureStreams(ctx, o, dir, servers[0], servers[1], say)
	if err != nil {
		return err
	}
	if err := streams.report(out, o); err != nil || o.only != "" {
		return err
	}
	if err := measureJourneys(ctx, o, dir, out, say); err != nil {
		return err
	}
	if err := measureRPC(ctx, o, dir, out, say); err != nil {
		return err
	}
	if err := measureGate(ctx, o, dir, out, say); err != nil {
		return err
	}
	if err := measureNames(ctx, o, dir, out, say); err != nil {
		return err
	}
	if err := measureFlood(ctx, o, dir, out, say); !errors.Is(err, lab.ErrNoNamespaces) {
		return err
	}
	say("no flood is measured: this machine can't make network namespaces")
	return nil
}

// preparePeer builds PocketBase from the module proxy and fills it.
func preparePeer(ctx context.Context, dir string, say progress) (*server, error) {
	binary := filepath.Join(dir, "peer")
	if _, err := os.Stat(binary); err != nil {
		say("building PocketBase (minutes, the first time)")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
		build.Dir = "peer"
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the peer: %w\n%s", err, text)
		}
	}
	s, err := newServer(ctx, dir, "PocketBase", binary, pocketBase())
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(s.home(), "data")); err != nil {
		return nil, err
	}
	s.settings = "v0.39.11 as it ships: WAL, synchronous=NORMAL (an acknowledged write can be lost with the power), request log on, --dev=false"
	s.args = []string{"serve", "--http=" + s.addr, "--dev=false", "--dir=" + filepath.Join(s.home(), "data")}
	say("filling PocketBase")
	return s, seedPeer(ctx, s)
}

// prepareOurs gives our server a declaration in a folder of its own and fills it.
func prepareOurs(ctx context.Context, dir, name, bin string, say progress) (*server, error) {
	s, err := newServer(ctx, dir, strings.ReplaceAll(name, ",", ""), bin, roundTrip())
	if err != nil {
		return nil, err
	}
	s.name = name
	s.settings = "WAL, synchronous=FULL (durable when acknowledged), commits in groups, journeys and access log on"
	declaration, err := os.ReadFile("roundtrip.yaml")
	if err != nil {
		return nil, err
	}
	if name != "Roundtrip" {
		declaration = append(declaration, "\njourneys: off\n"...)
		s.settings = "the same, with journeys: off"
	}
	file := filepath.Join(s.home(), "roundtrip.yaml")
	if err := os.WriteFile(file, declaration, 0o600); err != nil {
		return nil, err
	}
	data := filepath.Join(s.home(), "data")
	if err := os.RemoveAll(data); err != nil {
		return nil, err
	}
	s.args = []string{"serve", file, "--data", data, "--http", s.addr}
	say("filling %s", s.name)
	return s, seedOurs(ctx, s)
}

// startAll starts the filled servers one after the other and looks at each when it has come to rest.
func startAll(ctx context.Context, servers []*server) error {
	for _, s := range servers {
		var times []time.Duration
		for range 5 {
			if err := s.stop(); err != nil {
				return err
			}
			if err := s.start(ctx, fmt.Sprintf(s.read, s.photos[0])); err != nil {
				return err
			}
			times = append(times, s.ready)
		}
		s.ready = median(times)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		rest, err := s.resident()
		if err != nil {
			return err
		}
		s.rest = rest
	}
	return nil
}

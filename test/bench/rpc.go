package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

// rpcName begins the names of what calls of gRPC cost.
const rpcName = "rpc"

// rpcServer is one contender of gRPC: an edge, and what its service is called.
type rpcServer struct {
	*edge

	service string // /bench.v1.Photos/
	host    string // authority
	watch   []byte // what asks for all photos that come, after a first message that says that the stream is there
	count   func(message []byte) int
}

// shape is how h2load asks: clients, and calls that each has under way.
type shape struct{ clients, streams int }

// rpcRow is one measure on one server.
type rpcRow struct {
	name   string
	server *rpcServer
	rounds []*result
}

// measureRPC tells what a call of gRPC costs: here, on a server that somebody wrote with grpc-go over the same store and rules, and
// at the least that net/http's HTTP/2 needs. Without TLS, since all would pay the same for it.
func measureRPC(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	if o.bin == "" {
		return errors.New("gRPC is measured on the roundtrip program: -bin")
	}
	if _, err := exec.LookPath("h2load"); err != nil {
		return errors.New("h2load is needed (Debian: apt-get install nghttp2-client)")
	}
	ours, err := prepareOurs(ctx, dir, "Roundtrip", o.bin, say)
	if err != nil {
		return err
	}
	if err := ours.stop(); err != nil { // its records are copied
		return err
	}
	servers, err := rpcServers(ctx, dir, ours, say)
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range servers {
			if e := s.stop(); err == nil {
				err = e
			}
		}
	}()
	for _, s := range servers {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	id, author := ours.photos[photos/2], ours.people[0]
	var rows []*rpcRow
	for _, by := range []shape{{8, 16}, {64, 1}} {
		some, err := measureUnary(ctx, o, servers, by, id, say)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	streams, err := measureRPCStreams(ctx, o, servers[:2], author, say)
	if err != nil {
		return err
	}
	return rpcReport(out, o, servers, rows, streams)
}

// rpcServers prepares the contenders: grpc-go first, which the others are compared with.
func rpcServers(ctx context.Context, dir string, ours *server, say progress) ([]*rpcServer, error) {
	binary := filepath.Join(dir, "rpcpeer")
	say("building the peer on grpc-go")
	if text, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./rpcpeer").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the peer: %w\n%s", err, text)
	}
	w := &ground{dir: filepath.Join(dir, rpcName)}
	edges := make([]*edge, 3)
	for i, c := range []struct{ name, program string }{{"grpc-go", binary}, {"Roundtrip", ours.binary}, {"net-http", binary}} {
		var err error
		if edges[i], err = w.newEdge(ctx, c.name, c.program); err != nil {
			return nil, err
		}
	}
	declared := filepath.Join(ours.home(), "roundtrip.yaml")
	for _, e := range edges[:2] {
		if text, err := exec.CommandContext(ctx, "cp", "-r", filepath.Join(ours.home(), "data"), e.home()).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("copy the records: %w: %s", err, text)
		}
	}
	theirs, mine, floor := edges[0], edges[1], edges[2]
	theirs.settings = "a server by hand: grpc-go, generated messages, the same store, rules and records"
	theirs.args = []string{"-listen", theirs.addr, "-config", declared, "-database", filepath.Join(theirs.home(), "data", "bench.db")}
	mine.settings = "the whole path: gate, journeys, identity, rules, the same store; HTTP/2 without TLS"
	mine.args = []string{"serve", declared, "--data", filepath.Join(mine.home(), "data"), "--http", mine.addr}
	floor.settings = "net/http's HTTP/2, a fixed answer of the same length, no store: the floor of every server that is built on it"
	floor.args = []string{"-listen", floor.addr, "-floor", strconv.Itoa(photoBytes)}
	snapshot := protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 1) // page_size: 1
	return []*rpcServer{
		{edge: theirs, service: "/photos.Photos/", host: theirs.addr, count: func([]byte) int { return 1 }},
		{edge: mine, service: "/bench.v1.Photos/", host: "bench.test", watch: snapshot, count: countChanges},
		{edge: floor, service: "/photos.Photos/", host: floor.addr},
	}, nil
}

// photoBytes is about the length of a photo as a message of protobuf: fractions of a second take more or less.
const photoBytes = 168

// countChanges counts the changes of a WatchPhotosResponse, field 2.
func countChanges(message []byte) int {
	n := 0
	for len(message) > 0 {
		number, kind, used := protowire.ConsumeField(message)
		if used < 0 {
			return n
		}
		if number == 2 && kind >= 0 {
			n++
		}
		message = message[used:]
	}
	return n
}

// measureUnary lets h2load read one photo over and over, on each server in turns.
func measureUnary(ctx context.Context, o options, servers []*rpcServer, by shape, id string, say progress) ([]*rpcRow, error) {
	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), id)
	body := filepath.Join(servers[0].home(), "get.bin")
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	if err := os.WriteFile(body, append(frame, message...), 0o600); err != nil {
		return nil, err
	}
	var rows []*rpcRow
	name := fmt.Sprintf("Get, %d connections of %d calls", by.clients, by.streams)
	for _, s := range servers {
		if err := s.tryGet(ctx, message); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if _, err := s.get(ctx, body, by, time.Second); err != nil { // warm up
			return nil, err
		}
		rows = append(rows, &rpcRow{name: name, server: s})
	}
	for round := range o.rounds {
		for _, r := range rows {
			one, err := r.server.get(ctx, body, by, o.length)
			if err != nil {
				return nil, err
			}
			r.rounds = append(r.rounds, one)
			say("%s, round %d, %s: %v server CPU a call", name, round+1, r.server.name, one.perCPU())
		}
	}
	return rows, nil
}

// tryGet makes sure that the photo comes.
func (s *rpcServer) tryGet(ctx context.Context, message []byte) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	var answer []byte
	if err := c.Invoke(ctx, s.service+"Get", &message, &answer); err != nil {
		return err
	}
	if len(answer) < photoBytes-8 || len(answer) > photoBytes+8 {
		return fmt.Errorf("the photo came as %d bytes, not as about %d: %q", len(answer), photoBytes, answer)
	}
	return nil
}

// get runs h2load and counts the server's CPU time with it.
func (s *rpcServer) get(ctx context.Context, body string, by shape, length time.Duration) (*result, error) {
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "h2load", "-t1", "-c"+strconv.Itoa(by.clients), "-m"+strconv.Itoa(by.streams), "-D"+strconv.Itoa(max(1, int(length.Seconds()))),
		"-d", body, "-H", ":authority: "+s.host, "-H", "content-type: application/grpc", "-H", "te: trailers", "http://"+s.addr+s.service+"Get")
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: h2load: %w\n%s", s.name, err, text)
	}
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	r, err := readLoad(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w:\n%s", s.name, err, text)
	}
	r.cpu = after - before
	return r, nil
}

func (s *rpcServer) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(s.host),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})))
}

// bytesCodec hands messages on as they are: the client must be cheaper than the server.
type bytesCodec struct{}

// Name is what stands behind application/grpc+.
func (bytesCodec) Name() string { return "proto" }

// Marshal takes a *[]byte.
func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

// Unmarshal fills a *[]byte.
func (bytesCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(b)
	return nil
}

// rpcReport writes the figures as Markdown; ratios are to grpc-go.
func rpcReport(out io.Writer, o options, servers []*rpcServer, rows []*rpcRow, streams []*rpcStreams) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n### gRPC\n\nOne photo of about %d bytes by its id, by h2load, %d rounds of %v each in turns; HTTP/2 without TLS.\n\n", photoBytes, o.rounds, o.length)
	for _, s := range servers {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.settings)
	}
	b.WriteString("\n| measure | server | server CPU each | per server CPU-second | to grpc-go | per second | spread |\n| --- | --- | --: | --: | --: | --: | --: |\n")
	var base *result
	for _, r := range rows {
		all := join(r.rounds)
		if r.server == servers[0] {
			base = all
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %s | %.0f | %s |\n", r.name, r.server.name, micros(all.perCPU()), rate(all), ratio(rate(all), rate(base)),
			all.perSecond(), (&row{rounds: r.rounds}).spread())
	}
	fmt.Fprintf(&b, "\n%d photos are created over gRPC while %d streams watch:\n\n", createdWatched, watchersRPC)
	b.WriteString("| server | server CPU a delivery | deliveries a CPU-second | to grpc-go | until all had all | messages |\n| --- | --: | --: | --: | --: | --: |\n")
	for _, s := range streams {
		fmt.Fprintf(&b, "| %s | %s | %.0f | %s | %.2f s | %d |\n", s.server.name, micros(s.perDelivery()), s.rate(), ratio(s.rate(), streams[0].rate()), s.took.Seconds(), s.messages)
	}
	_, err := io.WriteString(out, strings.ReplaceAll(b.String(), "net-http", "floor: net/http"))
	return err
}

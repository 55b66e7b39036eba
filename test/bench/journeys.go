package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

// journeysName begins the names of what journeys cost.
const journeysName = "journeys"

// viewersOf is how many operators follow the newest journeys meanwhile.
const viewersOf = 3

// mode is one way to run the same server.
type mode struct {
	name, journeys string
	viewers        int
}

func modes() []mode {
	return []mode{
		{name: "journeys off", journeys: "off"},
		{name: "journeys", journeys: "{ log: false }"},
		{name: "journeys and 3 viewers", journeys: "{ log: false }", viewers: viewersOf},
		{name: "journeys and access log", journeys: "{ log: true }"},
	}
}

// measureJourneys tells what it costs to record each request: the same server with journeys off, on, followed by three
// operators, and with a line of the log for each request besides.
func measureJourneys(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	if o.bin == "" {
		return errors.New("journeys are measured on the roundtrip program: -bin")
	}
	behind, stop, err := serveKilobyte(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var servers []*server
	defer func() {
		for _, s := range servers {
			if e := s.stop(); err == nil {
				err = e
			}
		}
	}()
	var watching watchers
	defer watching.stop()
	for _, m := range modes() {
		s, err := prepareOurs(ctx, dir, m.name, o.bin, say)
		if err != nil {
			return err
		}
		servers = append(servers, s)
		desk, err := freeAddr(ctx)
		if err != nil {
			return err
		}
		if err := declareJourneys(s, m, desk, behind); err != nil {
			return err
		}
		if err := s.start(ctx, fmt.Sprintf(s.read, s.photos[0])); err != nil {
			return err
		}
		if m.viewers > 0 {
			if err := watching.watch(ctx, s, desk, m.viewers); err != nil {
				return err
			}
		}
	}
	rows, err := journeysRows(ctx, o, servers, say)
	if err != nil {
		return err
	}
	if watching.events() == 0 {
		return errors.New("the operators saw nothing, so that watching was not measured")
	}
	return journeysReport(out, servers, rows)
}

// journeysRows takes each measure on all servers.
func journeysRows(ctx context.Context, o options, servers []*server, say progress) ([]*pairedRow, error) {
	var rows []*pairedRow
	for _, m := range journeysMeasures() {
		if !strings.HasPrefix(journeysName+" "+m.name, o.only) && o.only != "" {
			continue
		}
		askers := make([][]asker, len(servers))
		for i, s := range servers {
			if err := try(ctx, s, m, m.form(s)[0]); err != nil {
				return nil, err
			}
			some, done, err := askREST(ctx, s, m)
			if err != nil {
				return nil, err
			}
			defer done()
			askers[i] = some
		}
		some, err := measurePaired(ctx, m.name, servers, askers, say)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	const calls = "Get over gRPC"
	if !strings.HasPrefix(journeysName+" "+calls, o.only) && o.only != "" {
		return rows, nil
	}
	askers := make([][]asker, len(servers))
	for i, s := range servers {
		some, done, err := askGRPC(ctx, s)
		if err != nil {
			return nil, err
		}
		defer done()
		askers[i] = some
	}
	some, err := measurePaired(ctx, calls, servers, askers, say)
	return append(rows, some...), err
}

func journeysMeasures() []measure {
	list := func(s *server) []request {
		return []request{get(s.host, strings.Replace(s.newest, "page_size=20", "page_size=50", 1))}
	}
	return []measure{
		{"read by id", 16, readByID, isRecord},
		{"list of 50", 16, list, isListOf(50)},
		{"create", 64, create, isRecord},
		{"proxied 1 KiB", 16, func(s *server) []request { return []request{get(s.host, "/up/1k.bin")} }, isKilobyte},
	}
}

func isKilobyte(_ *server, answer []byte) error {
	if len(answer) != 1<<10 {
		return fmt.Errorf("%d bytes came back, not 1,024", len(answer))
	}
	return nil
}

// serveKilobyte is what the proxy route leads to.
func serveKilobyte(ctx context.Context) (addr string, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	text := bytes.Repeat([]byte("k"), 1<<10)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Length"] = []string{"1024"}
		_, _ = w.Write(text)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l)
	}()
	return l.Addr().String(), func() {
		_ = s.Close()
		<-ended
	}, nil
}

// askREST connects the clients of a measure.
func askREST(ctx context.Context, s *server, m measure) (all []asker, done func(), err error) {
	requests := m.form(s)
	var conns []net.Conn
	done = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for i := range m.clients {
		w, err := newWorker(ctx, s.addr)
		if err != nil {
			return nil, done, err
		}
		conns = append(conns, w.conn)
		next := i * len(requests) / m.clients
		all = append(all, func(context.Context) error {
			r := requests[next%len(requests)]
			next++
			_ = w.conn.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := w.conn.Write(r); err != nil {
				return err
			}
			status, _, err := readAnswer(w.in, nil)
			if err == nil && status != 200 && status != 201 {
				err = fmt.Errorf("%s: %.200q was answered with %d", s.name, r, status)
			}
			return err
		})
	}
	return all, done, nil
}

// askGRPC connects 4 clients, each of which has 4 calls under way.
func askGRPC(ctx context.Context, s *server) (all []asker, done func(), err error) {
	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), s.photos[photos/2])
	var conns []*grpc.ClientConn
	done = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for range 4 {
		c, err := grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(s.host),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})))
		if err != nil {
			return nil, done, err
		}
		conns = append(conns, c)
		for range 4 {
			all = append(all, func(ctx context.Context) error {
				var answer []byte
				if err := c.Invoke(ctx, "/bench.v1.Photos/Get", &message, &answer); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				if len(answer) < photoBytes-8 || len(answer) > photoBytes+8 {
					return fmt.Errorf("%s: the photo came as %d bytes, not as about %d", s.name, len(answer), photoBytes)
				}
				return nil
			})
		}
	}
	return all, done, all[0](ctx)
}

// journeysReport writes the figures as Markdown.
func journeysReport(out io.Writer, servers []*server, rows []*pairedRow) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n### Journeys\n\nThe same program in %d ways at once on %s, loaded in turns of %v, there and back (A B C D D C B A, each time in another order): such a block gives one ratio to journeys off. "+
		"What is shown is the median of the blocks' ratios, in brackets between which values the middle half of them lies, and the interval in which the median is with 95 %% certainty: "+
		"blocks are taken until it is within ±%.1f %%, at least %d and at most %d. CPU is the server process's own. To reach: at most 3 %% more CPU, less throughput and later p99.\n\n",
		len(servers), cpuModel(), sliceLength, sureEnough*100, blocksLeast, blocksMost)
	for _, s := range servers {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.settings)
	}
	b.WriteString("\n| measure (clients) | mode | server CPU each | CPU to off | 95 % | throughput to off | p99 to off | blocks |\n| --- | --- | --: | --: | --- | --: | --: | --: |\n")
	for _, r := range rows {
		if r.server == servers[0] {
			fmt.Fprintf(&b, "| %s (%d) | %s | %s | | | %.0f/s | | %d |\n", r.measure, r.clients, r.server.name, micros(r.all.perCPU()), r.all.perSecond(), len(r.cpu))
			continue
		}
		low, high := interval(r.cpu)
		sure := ""
		if !r.sure() {
			sure = ", not sure enough"
		}
		fmt.Fprintf(&b, "| | %s | %s | %s | %s to %s%s | %s | %s | %d |\n", r.server.name, micros(r.all.perCPU()), middle(r.cpu),
			percent(low), percent(high), sure, middle(r.speed), middle(r.late), len(r.cpu))
	}
	_, err := out.Write(b.Bytes())
	return err
}

// middle writes the median and the quartiles.
func middle(ratios []float64) string {
	return fmt.Sprintf("%s (%s to %s)", percent(ratioAt(ratios, 0.5)), percent(ratioAt(ratios, 0.25)), percent(ratioAt(ratios, 0.75)))
}

// percent writes a ratio as what it differs from one.
func percent(ratio float64) string { return fmt.Sprintf("%+.1f %%", (ratio-1)*100) }

// declareJourneys writes the declaration of a mode, with a route to a server behind.
func declareJourneys(s *server, m mode, desk, behind string) error {
	declaration, err := os.ReadFile("roundtrip.yaml")
	if err != nil {
		return err
	}
	s.settings = "journeys: " + m.journeys
	if m.viewers > 0 {
		s.settings += fmt.Sprintf(", and %d operators follow the live list", m.viewers)
	}
	const api = "      - { path: /api/, to: api }\n"
	with := strings.Replace(string(declaration), api, api+"      - { path: /up/, proxy: 'http://"+behind+"' }\n", 1)
	text := fmt.Sprintf("%s\njourneys: %s\nconsole: { listen: '%s' }\n", with, m.journeys, desk)
	return os.WriteFile(filepath.Join(s.home(), "roundtrip.yaml"), []byte(text), 0o600)
}

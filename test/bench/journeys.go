package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// journeysName begins the names of what journeys cost.
const journeysName = "journeys"

// viewersOf is how many operators look at the newest journeys meanwhile.
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

// measureJourneys tells what it costs to record each request: the same server with journeys off, on, watched by three
// operators, and with a line of the log for each request besides.
func measureJourneys(ctx context.Context, o options, dir string, out io.Writer, say progress) (err error) {
	if o.bin == "" {
		return errors.New("journeys are measured on the roundtrip program: -bin")
	}
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
		if err := declareJourneys(s, m, desk); err != nil {
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
	o.only = ""
	rows, err := measureEach(ctx, o, servers, measures()[:2], say)
	if err != nil {
		return err
	}
	if watching.events() == 0 {
		return errors.New("the operators saw nothing, so that watching was not measured")
	}
	return journeysReport(out, o, servers, rows)
}

// journeysReport writes the figures as Markdown. Ratios are of rounds that ran next to each other, and the one in the middle
// is shown, since what else a machine does moves figures more than journeys do.
func journeysReport(out io.Writer, o options, servers []*server, rows []*row) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n### Journeys\n\nThe same server in %d ways, in turns, %d rounds of %v each; to reach: at most 3 %% more CPU and less throughput than with journeys off.\n\n",
		len(servers), o.rounds, o.length)
	for _, s := range servers {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.settings)
	}
	b.WriteString("\n| measure (clients) | mode | server CPU each | to off | per second | to off | p50 | p99 |\n| --- | --- | --: | --: | --: | --: | --: | --: |\n")
	var off *row
	for _, r := range rows {
		if r.server == servers[0] {
			off = r
		}
		var cpu []time.Duration
		var busier, faster []float64
		for i, one := range r.rounds {
			cpu = append(cpu, one.perCPU())
			busier = append(busier, float64(one.perCPU())/float64(max(1, off.rounds[i].perCPU())))
			faster = append(faster, one.perSecond()/max(1, off.rounds[i].perSecond()))
		}
		fmt.Fprintf(&b, "| %s (%d) | %s | %s | %s | %.0f | %s | %s | %s |\n", r.measure, r.clients, r.server.name, micros(median(cpu)),
			percent(median(busier)), r.all.perSecond(), percent(median(faster)), micros(r.all.quantile(0.50)), micros(r.all.quantile(0.99)))
	}
	_, err := out.Write(b.Bytes())
	return err
}

// percent writes a ratio as what it differs from one.
func percent(ratio float64) string { return fmt.Sprintf("%+.1f %%", (ratio-1)*100) }

// declareJourneys writes the declaration of a mode.
func declareJourneys(s *server, m mode, desk string) error {
	declaration, err := os.ReadFile("roundtrip.yaml")
	if err != nil {
		return err
	}
	s.settings = "journeys: " + m.journeys
	if m.viewers > 0 {
		s.settings += fmt.Sprintf(", and %d operators look at the newest 100 ten times a second", m.viewers)
	}
	text := fmt.Sprintf("%s\njourneys: %s\nconsole: { listen: '%s' }\n", declaration, m.journeys, desk)
	return os.WriteFile(filepath.Join(s.home(), "roundtrip.yaml"), []byte(text), 0o600)
}

// watchers are the operators who look at the newest journeys.
type watchers struct {
	all    sync.WaitGroup
	cancel []context.CancelFunc
	mu     sync.Mutex // guards seen
	seen   int
}

func (w *watchers) events() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *watchers) stop() {
	for _, cancel := range w.cancel {
		cancel()
	}
	w.all.Wait()
}

var claimLink = regexp.MustCompile(`#claim=([A-Za-z0-9_.~-]+)`)

// firstLink returns the link that makes the first operator; the server writes it just after its first answer.
func firstLink(ctx context.Context, s *server) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		text, err := os.ReadFile(s.log)
		if err != nil {
			return "", err
		}
		if link := claimLink.FindSubmatch(text); link != nil {
			return string(link[1]), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
	}
	return "", fmt.Errorf("%s wrote no link for its first operator", s.name)
}

// watch signs an operator in by the link in the server's log, and lets n of them look.
func (w *watchers) watch(ctx context.Context, s *server, desk string, n int) error {
	link, err := firstLink(ctx, s)
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	who, err := json.Marshal(map[string]string{"token": link, "name": "bench", "password": "seven slow journeys over the hill"})
	if err != nil {
		return err
	}
	answer, err := postJSON(ctx, client, "http://"+desk+"/api/claim", who)
	if err != nil {
		return fmt.Errorf("%s: sign in: %w: %.300s", s.name, err, answer)
	}
	ctx, cancel := context.WithCancel(ctx)
	w.cancel = append(w.cancel, cancel)
	for range n {
		w.all.Go(func() { w.look(ctx, client, "http://"+desk+"/api/journeys?n=100") })
	}
	return nil
}

// look asks for the newest journeys ten times a second, as a page that is open does.
func (w *watchers) look(ctx context.Context, client *http.Client, url string) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		text, err := getText(ctx, client, url)
		if err != nil {
			continue // nothing seen in the end is told
		}
		w.mu.Lock()
		w.seen += strings.Count(text, `"hops":[`)
		w.mu.Unlock()
	}
}

func getText(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	return answered(client, req)
}

// postJSON posts JSON and returns the answer, whose status must be a good one.
func postJSON(ctx context.Context, client *http.Client, url string, body []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	return answered(client, req)
}

// answered returns the text of an answer, whose status must be a good one.
func answered(client *http.Client, req *http.Request) (string, error) {
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode/100 != 2 {
		err = errors.New(answer.Status)
	}
	return strings.TrimSpace(string(text)), err
}

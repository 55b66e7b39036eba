package socket_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Who answers a close has its connection ended at once. The server's clock would let it wait for an hour.
func TestWebSocket_EndsWhenTheClientHasAnswered(t *testing.T) {
	t.Parallel()
	h := openHouse(t, func(h *house) { h.now = func() time.Time { return time.Now().Add(time.Hour) } })
	ana := h.person("ana")
	for range 20 {
		ana.open().subscribe("photos")
	}
	big := append([]byte{0x81, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}, make([]byte, 64<<10+1)...)
	for name, c := range map[string]struct {
		who  *person
		sent []byte
		code ws.StatusCode
	}{
		"refused at the door":    {ana, nil, 4429},
		"a message that is none": {h.stranger(), []byte{0x81, 0x80, 0, 0, 0, 0}, 4400},
		"a message too long":     {h.stranger(), big, 1009},
	} {
		s := c.who.raw()
		if _, err := s.Write(c.sent); err != nil {
			t.Fatal(err)
		}
		header, err := ws.ReadHeader(s)
		must(t, err)
		payload := make([]byte, header.Length)
		_, err = io.ReadFull(s, payload)
		must(t, err)
		if code, _ := ws.ParseCloseFrameData(payload); header.OpCode != ws.OpClose || code != c.code {
			t.Fatalf("%s: %v %d", name, header, code)
		}
		must(t, ws.WriteFrame(s, ws.MaskFrame(ws.NewCloseFrame(payload))))
		if n, err := io.Copy(io.Discard, s); n != 0 || err != nil {
			t.Errorf("%s: the connection does not end: %d bytes, %v", name, n, err)
		}
	}
}

// raw connects and leaves reading to the test.
func (p *person) raw() net.Conn {
	p.h.t.Helper()
	header := http.Header{}
	if p.token != "" {
		header.Set("Authorization", "Bearer "+p.token)
	}
	conn, early, _, err := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header)}.Dial(p.h.t.Context(), "ws"+strings.TrimPrefix(p.h.server.URL, "http")+"/api/live")
	must(p.h.t, err)
	p.h.t.Cleanup(func() { _ = conn.Close() })
	must(p.h.t, conn.SetDeadline(time.Now().Add(patience)))
	return &dialled{Conn: conn, early: early}
}

// dialled reads what came with the handshake first.
type dialled struct {
	net.Conn

	early *bufio.Reader
}

func (d *dialled) Read(p []byte) (int, error) {
	if d.early != nil && d.early.Buffered() > 0 {
		return d.early.Read(p)
	}
	return d.Conn.Read(p)
}

func TestWebSocket_ARefusalIsInTheJourney(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	for range 20 {
		ana.open().subscribe("photos")
	}
	for reason, c := range map[string]struct {
		who    *person
		header []string
		code   int
	}{
		"stream.connections": {ana, nil, 4429},
		"auth.csrf_rejected": {h.stranger(), []string{"Cookie", "session=" + ana.token, "Origin", "https://other.test"}, 4403},
		"auth.invalid":       {h.stranger(), []string{"Cookie", "session=rt_s_none"}, 4401},
	} {
		s := c.who.open(c.header...)
		if code := s.closed(); code != c.code {
			t.Errorf("%s: closed with %d", reason, code)
		}
		if e, _ := errors.AsType[wsutil.ClosedError](s.end); !strings.HasPrefix(e.Reason, reason+": ") {
			t.Errorf("closed with the words %q, want them to begin with %s", e.Reason, reason)
		}
		h.journey(101, reason)
	}
}

// journey waits for one that ended like this.
func (h *house) journey(status int, reason string) {
	h.t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); runtime.Gosched() {
		for _, j := range h.journeys.Select(trace.Filter{}, 64) {
			if j.Status == status && j.Reason.Code() == reason {
				return
			}
		}
	}
	h.t.Errorf("no journey with status %d says %s", status, reason)
}

func TestLive_NamesWhatIsNeeded(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for path, want := range map[string]string{
		"live":                      "live?topic=photos%3Ffilter%3D…",
		"live?topics=photos":        `there is no parameter "topics" here; read here are topic and cursor; did you mean "topic"?`,
		"live?topic=photos&level=1": `there is no parameter "level" here`,
	} {
		status, v := h.stranger().do("GET", path, "")
		detail, _ := v["detail"].(string)
		if status != 400 || !strings.Contains(detail, want) || strings.Contains(detail, "%%") {
			t.Errorf("%s: %d %s", path, status, detail)
		}
	}
}

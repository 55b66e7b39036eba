package gate_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// attacker is a client that writes frames by itself.
type attacker struct {
	*http2.Framer

	conn    net.Conn
	block   bytes.Buffer
	encoder *hpack.Encoder
	last    uint32
	goAway  chan http2.ErrCode // gets the code of the server's GOAWAY, and is closed when the connection ends
}

// attack connects to the gate and has said its preface.
func (h *house) attack(t *testing.T, settings ...http2.Setting) *attacker {
	t.Helper()
	c, err := tls.Dial("tcp", h.secure, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	return speak(t, c, settings...)
}

// attackClear is attack without TLS.
func (h *house) attackClear(t *testing.T, settings ...http2.Setting) *attacker {
	t.Helper()
	return speak(t, dial(t, h.plain), settings...)
}

// speak says the preface of HTTP/2.
func speak(t *testing.T, c net.Conn, settings ...http2.Setting) *attacker {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	a := &attacker{Framer: http2.NewFramer(c, c), conn: c, goAway: make(chan http2.ErrCode, 1)}
	a.AllowIllegalWrites = true
	a.encoder = hpack.NewEncoder(&a.block)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	go a.listen()
	return a
}

// listen reads what the server says until it hangs up.
func (a *attacker) listen() {
	defer close(a.goAway)
	for {
		f, err := a.ReadFrame()
		if err != nil {
			return
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			select {
			case a.goAway <- g.ErrCode:
			default:
			}
		}
	}
}

// head encodes a request.
func (a *attacker) head(method string, fields ...string) []byte {
	a.block.Reset()
	all := append([]string{":method", method, ":scheme", "https", ":authority", "gallery.localhost", ":path", "/api/x"}, fields...)
	for i := 0; i < len(all); i += 2 {
		_ = a.encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return a.block.Bytes()
}

// request opens the next stream.
func (a *attacker) request(method string, end bool, fields ...string) (uint32, error) {
	if a.last == 0 {
		a.last = 1
	} else {
		a.last += 2
	}
	return a.last, a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.last, BlockFragment: a.head(method, fields...), EndStream: end, EndHeaders: true})
}

// floods are what a client can send that costs it little: each sends one round of it.
var floods = map[string]func(a *attacker) error{
	"rapid reset (CVE-2023-44487)": func(a *attacker) error {
		id, err := a.request("GET", true)
		return errors.Join(err, a.WriteRSTStream(id, http2.ErrCodeCancel))
	},
	"made you reset: WINDOW_UPDATE of 0 (CVE-2025-8671)": func(a *attacker) error {
		id, err := a.request("GET", true)
		return errors.Join(err, a.WriteWindowUpdate(id, 0))
	},
	"made you reset: a window that overflows": func(a *attacker) error {
		id, err := a.request("GET", true)
		return errors.Join(err, a.WriteWindowUpdate(id, 1<<31-1), a.WriteWindowUpdate(id, 1<<31-1))
	},
	"made you reset: DATA on a stream that has ended": func(a *attacker) error {
		id, err := a.request("GET", true)
		return errors.Join(err, a.WriteData(id, false, []byte("x")))
	},
	"made you reset: a stream that depends on itself": func(a *attacker) error {
		id, err := a.request("GET", true)
		return errors.Join(err, a.WritePriority(id, http2.PriorityParam{StreamDep: id}))
	},
	"CONTINUATION without end (CVE-2023-45288)": func(a *attacker) error {
		if a.last == 0 {
			a.last = 1
			return a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.head("GET")})
		}
		return a.WriteContinuation(1, false, nil)
	},
	"empty DATA": func(a *attacker) error {
		if a.last == 0 {
			if _, err := a.request("POST", false); err != nil {
				return err
			}
		}
		return a.WriteData(a.last, false, nil)
	},
	"DATA of padding alone": func(a *attacker) error {
		if a.last == 0 {
			if _, err := a.request("POST", false); err != nil {
				return err
			}
		}
		return a.WriteDataPadded(a.last, false, nil, make([]byte, 10))
	},
	"PING": func(a *attacker) error { return a.WritePing(false, [8]byte{1}) },
	"SETTINGS": func(a *attacker) error {
		return a.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
	},
	"WINDOW_UPDATE of the connection": func(a *attacker) error { return a.WriteWindowUpdate(0, 1) },
	"PRIORITY":                        func(a *attacker) error { return a.WritePriority(3, http2.PriorityParam{StreamDep: 1}) },
	"frames of no known type":         func(a *attacker) error { return a.WriteRawFrame(0xee, 0, 0, nil) },
}

func TestGate_CutsFloodsOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, round := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cutsFlood(t, round, (*house).attack, "gallery.localhost")
		})
		t.Run(name+", without TLS", func(t *testing.T) {
			t.Parallel()
			cutsFlood(t, round, (*house).attackClear, "")
		})
	}
}

func cutsFlood(t *testing.T, round func(a *attacker) error, attack func(*house, *testing.T, ...http2.Setting) *attacker, host string) {
	t.Helper()
	h := open(t, ok)
	a := attack(h, t)
	other := h.client(t, true)
	sent := 0
	for ; sent < 50_000; sent++ {
		if round(a) != nil {
			break
		}
		if sent%1000 == 0 {
			if got := h.do(t, other, http.MethodGet, "https://gallery.localhost/api/other", nil); got.StatusCode != 200 {
				t.Fatalf("another client got %s", got.Status)
			}
		}
	}
	code, said := <-a.goAway // the connection has ended, or its deadline has
	if said && code != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("GOAWAY %v", code)
	}
	if got := h.do(t, other, http.MethodGet, "https://gallery.localhost/api/other", nil); got.StatusCode != 200 {
		t.Errorf("another client got %s", got.Status)
	}
	s := h.await(t, "journey of the flood", func(s trace.Snapshot) bool { return s.Reason.Code() == "client.flood" })
	if s.Kind != trace.Connection || s.Client.String() != "127.0.0.1" || s.Host != host || !strings.Contains(s.Hops[0].Note, "too much: ") {
		t.Errorf("journey: %+v", s)
	}
}

// A browser that leaves a page resets what it asked for, uploads go on for a moment after they were refused, and long
// downloads have their windows moved all the time: nobody is cut off for that.
func TestGate_LetsHTTP2ClientsWorkHard(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("x"), 8<<20)
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		_, _ = w.Write(big)
	})
	c := h.client(t, true)
	for range 3 {
		if got := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/big", nil); len(got.body) != len(big) {
			t.Fatalf("%d bytes", len(got.body))
		}
	}
	for range 20 {
		h.do(t, c, http.MethodPost, "https://gallery.localhost/api/big", bytes.NewReader(big)) // over the limit of the body
	}
	a := h.attack(t)
	for range 300 {
		id, err := a.request("GET", true)
		if err := errors.Join(err, a.WriteRSTStream(id, http2.ErrCodeCancel)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.WritePing(false, [8]byte{1}); err != nil {
		t.Fatal(err)
	}
	for _, s := range h.recorder.Select(trace.Filter{}, 1<<20) {
		if s.Reason.Code() == "client.flood" {
			t.Errorf("a connection was cut: %+v", s.Hops)
		}
	}
}

// One byte of HPACK can name a header that is accounted with 33: many streams of that, whose answers are not taken, must
// stay cheap.
func TestGate_HeaderBombsOverHTTP2StayCheap(t *testing.T) {
	h := open(t, ok)
	before := heap()
	const connections = 5
	for range connections {
		a := h.attack(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		a.encoder.SetMaxDynamicTableSize(4096)
		for range streamsMax {
			fields := make([]string, 0, 2*700)
			for range 600 {
				fields = append(fields, "a", "")
			}
			if _, err := a.request("GET", true, fields...); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.WritePing(false, [8]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.get(t, "https://gallery.localhost/api/other"); got.StatusCode != 200 {
		t.Errorf("another client got %s", got.Status)
	}
	if grown := heap() - before; grown > connections*streamsMax*64<<10 {
		t.Errorf("%d streams hold %d KiB each", connections*streamsMax, grown/(connections*streamsMax)>>10)
	} else {
		t.Logf("%d streams hold %d KiB each", connections*streamsMax, grown/(connections*streamsMax)>>10)
	}
}

const streamsMax = 100

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// settings returns what the server says first on a connection.
func (h *house) settings(t *testing.T, c net.Conn) map[uint16]uint32 {
	t.Helper()
	f, err := http2.NewFramer(c, c).ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	all := map[uint16]uint32{}
	if err := f.(*http2.SettingsFrame).ForeachSetting(func(s http2.Setting) error {
		all[uint16(s.ID)] = s.Val
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

package socket_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func TestWebSocket_WhatIsWrongIsClosedWithItsCode(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	frame := func(head byte, n int, mask bool) []byte {
		b := []byte{head, byte(n)}
		if n >= 126 {
			b = binary.BigEndian.AppendUint64([]byte{head, 127}, uint64(n))
		}
		if mask {
			b[1] |= 0x80
			b = append(b, 0, 0, 0, 0)
		}
		return append(b, make([]byte, min(n, 200))...)
	}
	text := func(s string) []byte { return append([]byte{0x81, 0x80 | byte(len(s)), 0, 0, 0, 0}, s...) }
	for name, c := range map[string]struct {
		sent []byte
		code int
	}{
		"not masked":              {frame(0x81, 2, false), 1002},
		"a reserved bit":          {frame(0xc1, 2, true), 1002},
		"a reserved opcode":       {frame(0x83, 2, true), 1002},
		"a ping in two parts":     {frame(0x09, 2, true), 1002},
		"a ping that is long":     {frame(0x89, 126, true), 1002},
		"a part of nothing":       {frame(0x80, 2, true), 1002},
		"binary":                  {frame(0x82, 2, true), 1003},
		"too long":                {frame(0x81, 64<<10+1, true), 1009},
		"no UTF-8":                {text("\xff\xfe"), 1007},
		"no JSON":                 {text("hello"), 4400},
		"no verb":                 {text(`{"id":1}`), 4400},
		"two verbs":               {text(`{"subscribe":"photos","ping":true}`), 4400},
		"an unknown member":       {text(`{"subscrib":"photos"}`), 4400},
		"a name twice":            {text(`{"ping":true,"ping":true}`), 4400},
		"two objects":             {text(`{"ping":true} {}`), 4400},
		"an id that is no number": {text(`{"id":"1","ping":true}`), 4400},
	} {
		s := h.stranger().open()
		if _, err := s.conn.Write(c.sent); err != nil {
			t.Fatal(err)
		}
		if code := s.closed(); code != c.code {
			t.Errorf("%s: closed with %d, want %d", name, code, c.code)
		}
	}
}

func TestWebSocket_PartsPingsAndTheClose(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger().open()
	part := func(head byte, text string) {
		_, err := s.conn.Write(append([]byte{head, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
		must(t, err)
	}
	part(0x01, `{"id":5,`)
	part(0x89, "between")
	part(0x00, `"ping":`)
	part(0x80, `true}`)
	if v := s.next(); v["id"] != 5.0 || v["ok"] != true {
		t.Fatalf("%v", v)
	}
	must(t, ws.WriteFrame(s.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(3333, "bye")))))
	if code := s.closed(); code != 3333 {
		t.Errorf("closed with %d", code)
	}
}

func TestWebSocket_Limits(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.make("photos", `{}`)
	for range 20 {
		ana.open().subscribe("photos")
	}
	if code := ana.open().closed(); code != 4429 {
		t.Errorf("the 21st connection of an account is closed with %d", code)
	}
	s := h.stranger().open()
	for i := range 100 {
		s.say(fmt.Sprintf(`{"id":%d,"subscribe":"photos?level=%d"}`, i, i))
		if v := s.next(); v["error"] != nil {
			t.Fatalf("topic %d: %v", i, v)
		}
	}
	other := h.stranger().open()
	for i := 0; wsutil.WriteClientText(other.conn, fmt.Appendf(nil, `{"id":%d,"ping":true}`, i)) == nil; i++ { // until it ends, however slow the machine is
	}
	if code := other.closed(); code != 4429 {
		t.Errorf("a flood is closed with %d", code)
	}
	h.client = netip.MustParseAddr("192.0.2.99")
	var all []*stream
	for range 50 {
		s := h.stranger().open()
		s.say(`{"id":1,"ping":true}`)
		s.next() // it has its place: the handshake alone does not say so
		all = append(all, s)
	}
	if code := h.stranger().open().closed(); code != 4429 {
		t.Errorf("the 51st stranger of an address is closed with %d", code)
	}
	all[0].conn.Close()
	late := time.Now().Add(patience)
	for { // the place is free when the server has noticed
		s := h.stranger().open()
		s.say(`{"id":1,"ping":true}`)
		if _, ok := s.within(patience); ok {
			break
		}
		if time.Now().After(late) {
			t.Fatal("a place that came free is not given out")
		}
	}
}

// A client that does not read is told to come back, and others don't feel it.
func TestWebSocket_SlowReadersDelayNobody(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	slow, _, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(h.server.URL, "http")+"/api/live")
	must(t, err)
	defer slow.Close()
	must(t, slow.(*net.TCPConn).SetReadBuffer(16<<10))
	must(t, wsutil.WriteClientText(slow, []byte(`{"subscribe":"photos"}`)))
	quick := h.stranger().open()
	quick.subscribe("photos?page_size=1")
	body := `{"caption":"` + strings.Repeat("x", 200<<10) + `"}`
	for range 45 { // 9 MB: more than the sockets and the queue hold
		id := ana.make("photos", body)
		if v := quick.next(); changes(v) != "+"+id {
			t.Fatalf("another message for the one who reads: %.200v", v)
		}
	}
	must(t, slow.SetReadDeadline(time.Now().Add(patience)))
	for {
		header, err := ws.ReadHeader(slow)
		payload := make([]byte, header.Length)
		if err == nil {
			_, err = io.ReadFull(slow, payload)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return // where the machine is slow, it is cut off after 30 seconds before it hears the code
		}
		must(t, err)
		if header.OpCode == ws.OpClose {
			if code := binary.BigEndian.Uint16(payload); code != 4100 {
				t.Errorf("closed with %d", code)
			}
			return
		}
	}
}

package e2e

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// watchInbox opens a live connection that watches an inbox.
func watchInbox(t *testing.T, s *server.Server, token string) (net.Conn, io.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	d := ws.Dialer{
		Header: ws.HandshakeHeaderHTTP{"Authorization": {"Bearer " + token}},
		NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.HTTPS)
		},
		TLSConfig: &tls.Config{
			ServerName: "pokes.test", NextProtos: []string{"http/1.1"}, RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		},
	}
	conn, early, _, err := d.Dial(ctx, "wss://pokes.test/api/live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(server.Patience))
	if err := wsutil.WriteClientText(conn, []byte(`{"id":1,"subscribe":"inbox"}`)); err != nil {
		t.Fatal(err)
	}
	if early != nil {
		return conn, early
	}
	return conn, conn
}

// until reads messages until one has a text, and returns it.
func until(t *testing.T, from io.Reader, text string) string {
	t.Helper()
	for {
		head, err := ws.ReadHeader(from)
		if err != nil || head.Length > 1<<20 {
			t.Fatal(head, err)
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(from, payload); err != nil {
			t.Fatal(err)
		}
		if head.OpCode == ws.OpText && strings.Contains(string(payload), text) {
			return string(payload)
		}
	}
}

// A page that has shown a notification says so, and it is not pushed any more; what comes after it is.
func TestOutward_WhatAPageHasShownIsNotPushed(t *testing.T) {
	t.Parallel()
	s, push, _ := startPokes(t, "10s")
	ana, anaID := join(t, s, "ana")
	bo, boID := join(t, s, "bo")
	cy, _ := join(t, s, "cy")
	subscribe(t, ana, push, "ana")
	subscribe(t, bo, push, "bo")
	conn, from := watchInbox(t, s, ana.Token)
	until(t, from, `"snapshot"`)
	cy.Do("POST", "pokes", server.JSON{"of": anaID})
	shown := until(t, from, `"changes"`)
	_, cursor, _ := strings.Cut(shown, `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if err := wsutil.WriteClientText(conn, []byte(`{"ack":"`+cursor+`"}`)); err != nil {
		t.Fatal(err)
	}
	if err := wsutil.WriteClientText(conn, []byte(`{"id":2,"ping":true}`)); err != nil {
		t.Fatal(err)
	}
	until(t, from, `"ok":true`)                     // the ack has come, too
	cy.Do("POST", "pokes", server.JSON{"of": boID}) // due after ana's
	if m := push.Next(1, server.Patience)[0]; m.Browser != "bo" {
		t.Fatalf("pushed %+v", m)
	}
	s.Stop()
	if all := push.Messages(); len(all) != 1 {
		t.Fatalf("pushed %+v", all)
	}
}

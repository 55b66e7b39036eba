package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"time"
)

// serveFloor answers every request like a call of gRPC that did nothing: what a server on net/http can't be cheaper than.
func serveFloor(ctx context.Context, addr string, size int) error {
	message := make([]byte, 5+size)
	binary.BigEndian.PutUint32(message[1:], uint32(size))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Addr: addr, Protocols: protocols, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in [512]byte
			for {
				if _, err := r.Body.Read(in[:]); err != nil {
					break
				}
			}
			h := w.Header()
			h["Content-Type"] = []string{"application/grpc"}
			h["Trailer"] = []string{"Grpc-Status"}
			_, _ = w.Write(message) // who has gone needs no answer
			h["Grpc-Status"] = []string{"0"}
		}),
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

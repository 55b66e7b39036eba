package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	watchersRPC    = 40   // fewer than strangers of one address may have
	createdWatched = 1000 // photos
	creatorsRPC    = 8    // calls that create at once
)

// rpcStreams is what a thousand messages to each of some watchers cost, all rounds together.
type rpcStreams struct {
	server   *rpcServer
	got      int
	messages int
	cpu      time.Duration
	took     time.Duration
}

func (s *rpcStreams) perDelivery() time.Duration { return s.cpu / time.Duration(max(s.got, 1)) }

func (s *rpcStreams) rate() float64 { return float64(s.got) / max(s.cpu.Seconds(), 0.01) }

// measureRPCStreams creates photos while streams watch, on each server in turns.
func measureRPCStreams(ctx context.Context, o options, servers []*rpcServer, author string, say progress) ([]*rpcStreams, error) {
	all := make([]*rpcStreams, len(servers))
	for i, s := range servers {
		all[i] = &rpcStreams{server: s}
	}
	for round := range o.rounds {
		for _, one := range all {
			if err := one.run(ctx, author); err != nil {
				return nil, fmt.Errorf("%s: %w", one.server.name, err)
			}
			say("streams, round %d, %s: %v server CPU a delivery", round+1, one.server.name, one.perDelivery())
		}
	}
	return all, nil
}

// run is one round.
func (s *rpcStreams) run(ctx context.Context, author string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := s.server.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var got, messages atomic.Int64
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	all := make(chan error, watchersRPC)
	for range watchersRPC {
		stream, err := s.watch(ctx, conn)
		if err != nil {
			return err
		}
		watching.Go(func() { all <- s.read(stream, &got, &messages) })
	}
	before, err := s.server.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.create(ctx, conn, author); err != nil {
		return err
	}
	for range watchersRPC {
		if err := <-all; err != nil {
			return err
		}
	}
	s.took += time.Since(begin)
	after, err := s.server.cpu()
	s.cpu += after - before
	s.got += int(got.Load())
	s.messages += int(messages.Load())
	return err
}

// watch opens a stream and returns when the server has said that it is there.
func (s *rpcStreams) watch(ctx context.Context, conn *grpc.ClientConn) (grpc.ClientStream, error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, s.server.service+"Watch")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.SendMsg(&s.server.watch), stream.CloseSend()); err != nil {
		return nil, err
	}
	if s.server.watch == nil {
		_, err = stream.Header()
		return stream, err
	}
	var first []byte
	return stream, stream.RecvMsg(&first)
}

// read takes messages until all photos have come.
func (s *rpcStreams) read(stream grpc.ClientStream, got, messages *atomic.Int64) error {
	var message []byte
	for mine := 0; mine < createdWatched; {
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		n := s.server.count(message)
		mine += n
		got.Add(int64(n))
		messages.Add(1)
	}
	return nil
}

// create makes the photos.
func (s *rpcStreams) create(ctx context.Context, conn *grpc.ClientConn, author string) error {
	photo := protowire.AppendString(protowire.AppendTag(nil, 16, protowire.BytesType), author)
	photo = protowire.AppendString(protowire.AppendTag(photo, 17, protowire.BytesType), caption)
	order := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), photo)
	errs := make([]error, creatorsRPC)
	var creating sync.WaitGroup
	for i := range creatorsRPC {
		creating.Go(func() {
			for range createdWatched / creatorsRPC {
				var answer []byte
				if errs[i] = conn.Invoke(ctx, s.server.service+"Create", &order, &answer); errs[i] != nil {
					return
				}
			}
		})
	}
	creating.Wait()
	return errors.Join(errs...)
}

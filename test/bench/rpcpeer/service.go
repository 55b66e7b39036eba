package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/test/bench/rpcpeer/photos"
)

// waitingMax is how many photos wait for a watcher before it is cut off.
const waitingMax = 4096

// service serves photos to strangers.
type service struct {
	photos.UnimplementedPhotosServer

	schema     *schema.Schema
	rules      *policy.Engine
	kept       *sqlite.Store
	collection *roundtrip.Collection
	author     int
	caption    int
	private    int

	mu       sync.Mutex // guards watchers
	watchers map[chan *photos.Photo]struct{}
}

func newService(s *schema.Schema, rules *policy.Engine, kept *sqlite.Store) *service {
	c := s.Lookup("photos")
	v := &service{schema: s, rules: rules, kept: kept, collection: c, watchers: map[chan *photos.Photo]struct{}{}}
	v.author, _ = c.Lookup("author")
	v.caption, _ = c.Lookup("caption")
	v.private, _ = c.Lookup("private")
	return v
}

// Get reads one photo.
func (s *service) Get(ctx context.Context, in *photos.GetRequest) (*photos.Photo, error) {
	id, ok := roundtrip.ParseID(in.GetId())
	if !ok {
		return nil, status.Error(codes.NotFound, "there is no such photo")
	}
	permit, err := s.rules.Decide(&roundtrip.Call{Action: roundtrip.Get, Collection: s.collection, ID: id, Time: time.Now()}, &roundtrip.Principal{})
	if err != nil {
		return nil, failed(err)
	}
	var out *photos.Photo
	err = s.kept.View(ctx, func(v store.View) error {
		return v.Get(permit, func(row roundtrip.Row) error {
			out = s.photo(row)
			return nil
		})
	})
	if err != nil {
		return nil, failed(err)
	}
	return out, nil
}

// Create keeps one photo and tells those who watch.
func (s *service) Create(ctx context.Context, in *photos.CreateRequest) (*photos.Photo, error) {
	record := roundtrip.NewRecord(s.collection)
	author, ok := roundtrip.ParseID(in.GetPhoto().GetAuthor())
	if !ok {
		return nil, status.Error(codes.InvalidArgument, "who made the photo?")
	}
	record.Put(s.author, roundtrip.Ref(author))
	record.Put(s.caption, roundtrip.Text(in.GetPhoto().GetCaption()))
	who := &roundtrip.Principal{}
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: s.collection, Input: record, Time: time.Now().Truncate(time.Millisecond)}
	permit, err := s.rules.Decide(call, who)
	if err != nil {
		return nil, failed(err)
	}
	if err := s.schema.Check(call, who); err != nil {
		return nil, failed(err)
	}
	result, err := s.kept.Write(ctx, permit)
	if err != nil {
		return nil, failed(err)
	}
	out := s.photo(result.Records[0])
	s.tell(out)
	return out, nil
}

// Watch sends each photo that is created from now on.
func (s *service) Watch(_ *photos.WatchRequest, stream grpc.ServerStreamingServer[photos.Photo]) error {
	mine := make(chan *photos.Photo, waitingMax)
	s.mu.Lock()
	s.watchers[mine] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, mine)
		s.mu.Unlock()
	}()
	if err := stream.SendHeader(nil); err != nil { // the caller knows then that nothing is missed
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case p := <-mine:
			if err := stream.Send(p); err != nil {
				return err
			}
		}
	}
}

func (s *service) tell(p *photos.Photo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		select {
		case w <- p:
		default: // it reads too slowly
		}
	}
}

// photo copies a row into a message.
func (s *service) photo(row roundtrip.Row) *photos.Photo {
	p := &photos.Photo{
		Id:         roundtrip.ID(row.Int(roundtrip.FieldID)).String(),
		CreateTime: timestamppb.New(time.UnixMicro(row.Int(roundtrip.FieldCreateTime))),
		UpdateTime: timestamppb.New(time.UnixMicro(row.Int(roundtrip.FieldUpdateTime))),
		Etag:       "1",
		Author:     roundtrip.ID(row.Int(s.author)).String(),
	}
	if !row.Null(s.caption) {
		caption := string(row.Bytes(s.caption))
		p.Caption = &caption
	}
	if !row.Null(s.private) {
		private := row.Int(s.private) != 0
		p.Private = &private
	}
	return p
}

func failed(err error) error {
	e := roundtrip.AsError(err)
	return status.Error(codes.Code(e.Kind.GRPC()), e.Public)
}

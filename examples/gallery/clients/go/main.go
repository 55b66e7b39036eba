// Command gallery-client is a client of the gallery: it signs in, posts a photo with its bytes, lists photos with their authors,
// and watches the likes come in.
//
//	gallery-client -ca ../../data/certs/local-ca.crt PICTURE
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gallery "gallery-client/gen/gallery/v1"
)

func main() {
	server := flag.String("server", "gallery.localhost:8443", "where the gallery is")
	ca := flag.String("ca", "", "file with the certificate of its authority; without it, those that this machine trusts")
	flag.Parse()
	if err := run(*server, *ca, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(server, ca, picture string) error {
	content, err := os.ReadFile(picture)
	if err != nil {
		return fmt.Errorf("which picture? %w", err)
	}
	secure := credentials.NewTLS(nil)
	if ca != "" {
		if secure, err = credentials.NewClientTLSFromFile(ca, ""); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient(server, grpc.WithTransportCredentials(secure))
	if err != nil {
		return err
	}
	defer conn.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ana, grant, err := signIn(ctx, conn, "ana")
	if err != nil {
		return err
	}
	jonas, _, err := signIn(ctx, conn, "jonas")
	if err != nil {
		return err
	}
	fmt.Printf("signed in as %s\n", grant.GetAccount().GetName())

	photos, likes := gallery.NewPhotosClient(conn), gallery.NewLikesClient(conn)
	photo, err := photos.Create(ana, &gallery.CreatePhotoRequest{
		Photo:     &gallery.Photo{Caption: proto.String("From a program"), Image: &gallery.File{Name: filepath.Base(picture), Content: content}},
		RequestId: rand.Text(), // the same request may be sent again after a lost answer
	})
	if err != nil {
		return err
	}
	image := photo.GetImage()
	fmt.Printf("posted %s: %s, %dx%d\n", image.GetName(), image.GetType(), image.GetWidth(), image.GetHeight())

	page, err := photos.List(ana, &gallery.ListPhotosRequest{OrderBy: "create_time desc", PageSize: 3, Expand: []string{"author"}})
	if err != nil {
		return err
	}
	for _, p := range page.GetPhotos() {
		fmt.Printf("%s: %s, %d likes\n", p.GetExpand().GetAuthor().GetHandle(), p.GetCaption(), p.GetLikes())
	}

	like := &gallery.CreateLikeRequest{Like: &gallery.Like{Photo: photo.GetId()}}
	if err := watchLikes(ana, likes, photo.GetId(), func() error { _, err := likes.Create(jonas, like); return err }); err != nil {
		return err
	}
	switch _, err := likes.Create(jonas, like); {
	case err == nil:
		return errors.New("jonas liked a photo twice")
	case reason(err) == "store.unique":
		fmt.Printf("jonas likes it already: %s\n", status.Convert(err).Message())
	default:
		return err
	}
	_, err = photos.Delete(ana, &gallery.DeletePhotoRequest{Id: photo.GetId()})
	return err
}

// signIn returns a context whose calls are the account's.
func signIn(ctx context.Context, conn *grpc.ClientConn, handle string) (context.Context, *gallery.Grant, error) {
	grant, err := gallery.NewAuthClient(conn).SignIn(ctx, &gallery.SignInRequest{Login: handle, Password: "roundtrip-demo"})
	if err != nil {
		return nil, nil, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+grant.GetToken()), grant, nil
}

// watchLikes prints the first like of a photo that comes after it began to watch; begun is called once it does.
func watchLikes(ctx context.Context, likes gallery.LikesClient, photo string, begun func() error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream
	defer cancel()
	stream, err := likes.Watch(ctx, &gallery.WatchLikesRequest{Filter: fmt.Sprintf("photo == %q", photo), Expand: []string{"user"}})
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv() // message.ResumeToken is a cursor: a Watch with it goes on from there after a cut
		if err != nil {
			return err
		}
		if message.GetSnapshot() != nil {
			if err := begun(); err != nil {
				return err
			}
		}
		for _, change := range message.GetChanges() {
			if like := change.GetPut(); like != nil {
				fmt.Printf("liked by %s\n", like.GetExpand().GetUser().GetHandle())
				return nil
			}
		}
	}
}

// reason is why a call failed, such as store.unique: docs/reasons.md has them all.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()["code"]
		}
	}
	return ""
}

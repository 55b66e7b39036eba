// Package photos is the code that protoc-gen-go and protoc-gen-go-grpc made of photos.proto.
package photos

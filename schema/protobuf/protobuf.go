// Package protobuf makes the gRPC interface of a schema: the descriptors of its services and messages, and the same as a
// .proto file that people read. Names come from the declaration, numbers from the history that the store keeps.
package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
)

// Options say what a schema does not know.
type Options struct {
	Rules bool   // write the rules of access into the comments, as they were declared; otherwise only what kind they are
	From  string // where the text says that a newer one is to be had, such as the URL of descriptors.proto; "" for nothing
}

// API is the gRPC interface of one schema. It does not change.
type API struct {
	Package  string   // gallery.v1
	Name     string   // of the file: gallery/v1/gallery.proto
	Services []string // full names, in the order of the file: gallery.v1.Photos
	Set      []byte   // a google.protobuf.FileDescriptorSet: the file, what it imports, and grpc.health.v1
	Source   []byte   // the file as text

	files *protoregistry.Files
	file  protoreflect.FileDescriptor
}

// Build makes the interface of a schema whose collections and fields have their numbers, which the plan of the store gives
// them. It fails where a number is missing or two names are the same, which [Check] says better.
func Build(s *roundtrip.Schema, o Options) (*API, error) {
	if err := numbered(s); err != nil {
		return nil, err
	}
	b := compose(s, o.Rules)
	if b.err != nil {
		return nil, fmt.Errorf("protobuf: %w", b.err)
	}
	source := b.print(o)
	set := &descriptorpb.FileDescriptorSet{File: append(beside(), b.file)}
	api := &API{Package: b.pkg, Name: FileName(s), Services: ServiceNames(s), Source: source}
	var err error
	if api.files, err = protodesc.NewFiles(set); err != nil {
		return nil, fmt.Errorf("protobuf: %w", err)
	}
	if api.file, err = api.files.FindFileByPath(api.Name); err != nil {
		return nil, fmt.Errorf("protobuf: %w", err)
	}
	if api.Set, err = (proto.MarshalOptions{Deterministic: true}).Marshal(set); err != nil {
		return nil, fmt.Errorf("protobuf: %w", err)
	}
	return api, nil
}

func numbered(s *roundtrip.Schema) error {
	for _, c := range s.Collections {
		if c.Number == 0 {
			return fmt.Errorf("protobuf: %s has no number: the store's plan gives it one", c.Name)
		}
		for _, f := range c.Fields {
			if f.Number == 0 {
				return fmt.Errorf("protobuf: %s.%s has no number: the store's plan gives it one", c.Name, f.Name)
			}
		}
	}
	return nil
}

// compose makes the descriptor of the schema's file, in the order of its text.
func compose(s *roundtrip.Schema, rules bool) *builder {
	pkg := Package(s)
	b := &builder{
		schema: s, pkg: pkg, rules: rules,
		file: &descriptorpb.FileDescriptorProto{
			Name: proto.String(FileName(s)), Package: &pkg, Syntax: proto.String("proto3"),
			Options: &descriptorpb.FileOptions{GoPackage: proto.String(goPackage(s))},
		},
		comments: map[proto.Message]string{},
		paths:    map[*descriptorpb.DescriptorProto]string{},
		owners:   map[proto.Message]*roundtrip.Collection{},
	}
	for _, f := range imports() {
		b.file.Dependency = append(b.file.Dependency, f.Path())
	}
	for _, c := range s.Collections {
		b.collection(c)
	}
	b.shared()
	b.batch()
	b.auth()
	b.inbox()
	b.live()
	for _, m := range b.file.MessageType {
		seal(m)
	}
	return b
}

// Files returns all files of the set, for reflection.
func (a *API) Files() *protoregistry.Files { return a.files }

// File returns the descriptor of the schema's own file.
func (a *API) File() protoreflect.FileDescriptor { return a.file }

// Message returns the descriptor of a message of the schema by its name in the package, such as Photo or Photo.Expand; nil
// where there is none.
func (a *API) Message(name string) protoreflect.MessageDescriptor {
	d, err := a.files.FindDescriptorByName(protoreflect.FullName(a.Package + "." + name))
	if err != nil {
		return nil
	}
	m, _ := d.(protoreflect.MessageDescriptor)
	return m
}

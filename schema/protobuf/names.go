package protobuf

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

// Package returns the proto package of a schema: gallery.v1. A name that is no identifier is made one: my-app is
// my_app.v1, 3d is app_3d.v1.
func Package(s *roundtrip.Schema) string { return identifier(s.Name) + ".v1" }

// FileName returns the path under which the schema's file is imported: gallery/v1/gallery.proto.
func FileName(s *roundtrip.Schema) string {
	name := identifier(s.Name)
	return name + "/v1/" + name + ".proto"
}

func identifier(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = strings.TrimSuffix("app_"+strings.TrimLeft(name, "_"), "_")
	}
	return name
}

// MessageName returns the name of the message that holds a record of a collection: Photo of photos.
func MessageName(_ *roundtrip.Schema, c *roundtrip.Collection) string { return MessageOf(c.Name) }

// MessageOf is MessageName for a collection of which only the name is known. Where the API itself has something of that name,
// whether this schema has use for it or not, the ending Record tells them apart: sessions has SessionRecord.
func MessageOf(collection string) string {
	name := naming.Pascal(naming.Singular(collection))
	if isOwn(name) {
		name += "Record"
	}
	return name
}

// isOwn reports whether the API has a message or a service of that name in some schema. A name that another schema alone has
// counts too: a collection must not change its name because accounts or notifications are declared.
func isOwn(name string) bool {
	switch name {
	case "Add", "Actor", "Auth", "Batch", "BatchRequest", "BatchResponse", "ChangePasswordRequest", "EndSessionRequest", "File", "Grant", "Inbox",
		"InboxNumbers", "InboxPage", "ListInboxRequest", "ListSessionsResponse", "Live", "LiveRequest", "LiveResponse", "MarkReadRequest",
		"MarkSeenRequest", "MeResponse", "Notification", "Preferences", "Record", "Session", "SignInRequest", "SignUpRequest", "WatchInboxRequest",
		"WatchInboxResponse":
		return true
	}
	return false
}

// Single returns what one record of a collection is called, in snake case: photo of photos. Requests that carry one name
// their field so.
func Single(_ *roundtrip.Schema, c *roundtrip.Collection) string { return naming.Singular(c.Name) }

// ServiceName returns the name of a collection's service without its package: Photos. The service of a collection that is
// called in the singular has the ending Service, because its message has the name: News is a record of news, NewsService
// its service. So has one whose name is the API's own.
func ServiceName(c *roundtrip.Collection) string {
	name := naming.Pascal(c.Name)
	if name == naming.Pascal(naming.Singular(c.Name)) || isOwn(name) {
		name += "Service"
	}
	return name
}

// plural is how lists of a collection's records are called: Photos, as in ListPhotosRequest.
func plural(c *roundtrip.Collection) string {
	if one := naming.Pascal(naming.Singular(c.Name)); isOwn(one) {
		return MessageOf(c.Name) + "s"
	}
	return naming.Pascal(c.Name)
}

// ServiceNames returns the full names of all services of a schema, those of its collections first: gallery.v1.Photos.
// It needs no numbers.
func ServiceNames(s *roundtrip.Schema) []string {
	pkg := Package(s)
	var names []string
	for _, c := range s.Collections {
		names = append(names, pkg+"."+ServiceName(c))
	}
	names = append(names, pkg+".Batch")
	if s.Accounts() != nil {
		names = append(names, pkg+".Auth")
	}
	if len(s.Notices) > 0 {
		names = append(names, pkg+".Inbox")
	}
	return append(names, pkg+".Live")
}

// Explicit reports whether a field of a record tells a value from none, so that the proto field is `optional`: it may be
// null, or it has a default that stands in where it is not given. Fields of messages (times, files, JSON) always do, and
// need no mark.
func Explicit(f *roundtrip.Field) bool {
	switch f.Type {
	case roundtrip.TypeCount, roundtrip.TypeID, roundtrip.TypeTime, roundtrip.TypeJSON, roundtrip.TypeFile:
		return false
	default:
	}
	return f.Name != "etag" && (f.Optional() || f.Default.Source != roundtrip.NoDefault)
}

// goPackage returns the import path and the name that Go gives to what is generated: gallery/v1;galleryv1.
func goPackage(s *roundtrip.Schema) string {
	name := identifier(s.Name)
	return name + "/v1;" + strings.ReplaceAll(name, "_", "") + "v1"
}

package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// The names of the documents, below the mount.
const (
	OpenAPI     = "openapi.json"      // the REST API, as OpenAPI 3.1
	Descriptors = "descriptors.binpb" // the services, as a google.protobuf.FileDescriptorSet
	Proto       = "descriptors.proto" // the same, to be read
)

// Documents is what an API says of itself: one file for each name, whole in memory. It is filled before the [Door] serves
// and never changed after that: another declaration has other documents.
type Documents struct {
	files map[string]*document
}

type document struct {
	contentType []string
	body        []byte
	etag        string
}

// NewDocuments makes an empty set. A door answers 404 for what is not in it.
func NewDocuments() *Documents { return &Documents{files: map[string]*document{}} }

// Put adds a document. The type is that of its answer, charset included. The body is kept, not copied.
func (d *Documents) Put(name, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	d.files[name] = &document{
		contentType: []string{contentType}, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}
}

// find returns a document, or nil.
func (d *Documents) find(name string) *document {
	if d == nil {
		return nil
	}
	return d.files[name]
}

// documentRoutes are the paths of the documents.
func documentRoutes() []route {
	return []route{
		{"GET", documentShape, OpenAPI, (*exchange).document},
		{"GET", documentShape, Descriptors, (*exchange).document},
		{"GET", documentShape, Proto, (*exchange).document},
	}
}

// document answers GET openapi.json and the others. They are the same for everybody, so that nobody is asked who they are;
// caches may keep them, and ask each time whether the declaration has changed.
func (x *exchange) document() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	d := x.door.documents.find(x.at.rest)
	h := x.w.Header()
	h["X-Content-Type-Options"] = x.door.fixed.noSniff
	h["Cache-Control"] = x.door.fixed.askAgain
	h["Etag"] = []string{d.etag}
	if header := x.r.Header["If-None-Match"]; header != nil && input.MatchesNone(header, d.etag) {
		x.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = d.contentType
	h["Content-Length"] = []string{strconv.Itoa(len(d.body))}
	x.w.WriteHeader(http.StatusOK)
	_, err := x.w.Write(d.body)
	return x.aborted(err)
}

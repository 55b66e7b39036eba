// Package config is everything that can be declared in roundtrip.yaml: plain types, read strictly, with every mistake
// reported at once in words that say where it is, what was expected and what is near.
//
// What each key takes and means stands in one table (keys.go and the files beside it): the decoder, the reference page
// and the JSON Schema for editors are all made from it.
package config

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Config is one roundtrip.yaml.
type Config struct {
	File   string // path of the file, as the user named it
	Dir    string // absolute path of its folder; relative paths of the declaration start there
	Source []byte // the text, to show lines of it in errors that are found later

	// Name of the project: letters, digits and dashes. It names the proto package and the default database.
	Name        string
	DNS         DNS
	Firewall    *Firewall // nil: nothing is declared, and whoever reaches a listener may connect
	Gate        Gate
	ACME        ACME
	Sites       []Site
	Identity    Identity
	Collections []Collection
	Notices     []Notification // in declared order
	Channels    []Channel      // in declared order
	Store       Store
	Webhooks    []Webhook
	Push        Push
	Mail        *Mail // nil: no e-mail is sent
	Journeys    Journeys
	Console     Console
}

// Site is one host name and what it serves.
type Site struct {
	Pos     roundtrip.Pos
	Name    string // host name: gallery.test, or *.preview.gallery.test for every name with one more label
	TLS     TLS
	Client  *ClientCertificates // nil: clients show no certificate
	Routes  []Route             // in declared order; the gate orders them by specificity
	CORS    *CORS               // nil: no other origin may call
	Headers Headers
	Limits  Limits
	Reports bool // browsers are asked to tell what they saw of the site, and may
}

// TLSMode says where a site's certificate comes from.
type TLSMode string

// The modes of a site's tls key.
const (
	TLSAuto  TLSMode = "auto"  // by ACME from the issuers of [ACME]
	TLSLocal TLSMode = "local" // our own certificate authority in the data folder
	TLSFiles TLSMode = "files" // cert and key files
	TLSOff   TLSMode = "off"   // plain HTTP: behind another proxy, or for measuring
)

// TLS is a site's tls key.
type TLS struct {
	Pos  roundtrip.Pos
	Mode TLSMode
	Cert string // absolute path of the certificate chain in PEM, TLSFiles only
	Key  Secret // the private key in PEM, TLSFiles only
}

// Route is one line of a site's routes.
type Route struct {
	Pos         roundtrip.Pos
	Path        string // "/api/" matches all below it, "/health" itself alone; "*" as a whole segment stands for any one
	Match       Match
	API         bool   // to: api
	Static      string // absolute path of the folder, "" where the route is no static one
	SPA         bool   // unknown paths below a static route answer with index.html
	Listing     bool   // folders of a static route without an index.html list their files
	Proxy       *Proxy
	Redirect    *Redirect
	Respond     *Respond
	Rewrite     string   // takes the place of the path's fixed beginning on the way to a proxy; "" leaves it
	Compress    bool     // default true for static, false for api and proxy: see docs/gate.md about BREACH
	PassHeaders []string // header names with "_" or "." that are not taken off
	Limits      *Limits  // the route's own, besides the site's
}

// CORS says which pages of other origins may call a site (Fetch standard, section 3.2).
type CORS struct {
	Pos         roundtrip.Pos
	Origins     []string // https://app.example.com, https://*.preview.example.com, or "*"
	Methods     []string // default GET, HEAD, POST, PATCH, DELETE
	Headers     []string // default Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID
	Expose      []string // default: all headers of our own answers that a page may want to read
	Credentials bool
	MaxAge      time.Duration // default 10m
}

// Limits bounds what one site takes.
type Limits struct {
	Body     int64 // bytes of a request with files; default 32 MB
	Requests []Rate
}

// Identity says who people are and how they prove it.
type Identity struct {
	Pos      roundtrip.Pos
	Accounts string        // the collection that people sign in to; "" means that there are no accounts
	Login    []string      // its unique fields that name an account at sign-in; default: all unique text and email fields
	SignUp   bool          // whether strangers may create accounts; sign_up: open (default) or closed
	MinLen   int           // password.min, characters; default 10
	Idle     time.Duration // sessions.idle: a session ends when it is not used for so long; default 30d
	Absolute time.Duration // sessions.absolute: and in any case after so long; default 180d
	Roles    []string      // the roles that an account may have

	AccountsPos roundtrip.Pos   // of the value of accounts
	LoginPos    []roundtrip.Pos // of each name of login
}

// Collection is one declared collection.
type Collection struct {
	Pos     roundtrip.Pos
	Name    string
	Was     string // its former name, so that a rename keeps its records
	Fields  []Field
	Rules   []Rule
	Unique  []FieldList // groups of fields that must be unique together
	Indexes []FieldList
}

// FieldList is a list of field names, such as one index.
type FieldList struct {
	Pos   roundtrip.Pos
	Names []Name
}

// Name is a name with the place where it stands.
type Name struct {
	Pos  roundtrip.Pos
	Text string
}

// Rule is one access rule.
type Rule struct {
	Pos    roundtrip.Pos // of the first character of the expression
	Action string        // read, create, update or delete
	Source string
}

// Field is one declared field. What min, max and default mean depends on the type, so they stay scalars here; package
// schema reads them.
type Field struct {
	Pos       roundtrip.Pos
	Name      string
	Type      Name // text, int, float, bool, time, json, ref, file, select, email, url, count
	Was       string
	Required  bool
	Unique    bool
	Immutable bool
	Default   *Scalar
	To        Name // ref: a collection
	Of        Name // count: collection.field
	OnDelete  Name // ref: restrict (default), cascade, null
	Match     Name // text: a regular expression (RE2)
	Min, Max  *Scalar
	Options   []Name // select
	Accept    []Name // file
	Sizes     []int  // file
	SizesPos  roundtrip.Pos
}

// Notification is one declared kind of notification. Its expressions are judged by package policy.
type Notification struct {
	Pos      roundtrip.Pos
	Name     string
	When     []Name        // collection.created, .updated or .deleted
	To       Name          // an expression: who gets it
	By       Name          // an expression: who did it
	Unless   Name          // a condition
	Group    Name          // an expression: what is gathered in one entry
	Text     Name          // with {actors} and {record.path}
	Within   time.Duration // default 24h
	Keep     time.Duration // default 90d
	Channels []string      // inbox, push, email; default [inbox]
}

// ScalarKind is the YAML type of a scalar.
type ScalarKind uint8

// The kinds of a scalar.
const (
	StringScalar ScalarKind = iota + 1
	IntScalar
	FloatScalar
	BoolScalar
)

// Scalar is a value whose type is known only later.
type Scalar struct {
	Pos  roundtrip.Pos
	Kind ScalarKind
	Text string // as written, quotes removed
}

// Store says where records and files are kept.
type Store struct {
	Pos      roundtrip.Pos
	Database string        // absolute path of the SQLite file (declared as sqlite:PATH)
	Files    string        // absolute path of the folder
	PoolMax  int           // pool.max: reads that run at once; default 2 x cores
	PoolWait time.Duration // pool.wait: how long a request waits for one; default 2s
}

// Journeys says which journeys are kept.
type Journeys struct {
	Off    bool // journeys: off
	Recent int  // recent: how many of the last requests stay readable; default 4096
	Kept   int  // kept: how many of those that are worth it stay longer; default 2048, 0: none
	Log    bool // log: one line per request on standard error; default true
	Keep   Keep

	Headers []string // headers: of requests, whose values are kept, in canonical form; none by default
}

// Keep says what is worth to stay longer.
type Keep struct {
	Errors   bool          // errors: all; default
	Refusals bool          // refusals: all; default
	Slow     float64       // slow: p99: above what that part of a route's requests takes; 0: no such bound
	Over     time.Duration // slow: 500ms; 0: no such bound
	Waits    time.Duration // waits: the least wait that counts; default 10ms
	Sample   float64       // sample: 1%, as a part of one
	For      time.Duration // for: nothing stays longer, but what is pinned; default 15m
}

// Console is the operator's listener.
type Console struct {
	Pos    roundtrip.Pos
	Listen string // host:port; "" means none
	TLS    TLS    // tls: Mode is TLSFiles, or "" for none
	Origin string // origin: https://host[:port] under which a proxy shows it; "" for none

	MetricsToken Secret // metrics_token: with which others may read /metrics
}

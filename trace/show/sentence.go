package show

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Sentence says who stopped a journey and why, in one sentence; "" where nobody did.
func Sentence(v *trace.View) string {
	if v.Decided < 0 || v.Decided >= len(v.Hops) {
		return ""
	}
	h := &v.Hops[v.Decided]
	word := "Stopped by "
	switch h.Verdict {
	case trace.Fail.String():
		word = "Failed at "
	case trace.Timeout.String():
		word = "Out of time at "
	}
	return word + station(h) + " [" + h.Flag + "]: " + strings.TrimSuffix(v.Sentence, ".") + "."
}

// station names a hop within a sentence.
func station(h *trace.HopView) string {
	names := map[string]string{
		trace.DNS.String():      "the name server, zone",
		trace.Firewall.String(): "the firewall,",
		trace.TCP.String():      "the connection,",
		trace.TLS.String():      "TLS,",
		trace.Route.String():    "the routes of",
		trace.CORS.String():     "CORS of",
		trace.Limit.String():    "the limit",
		trace.Static.String():   "the folder of",
		trace.Proxy.String():    "the upstream",
		trace.Auth.String():     "the sign-in,",
		trace.Access.String():   "the access rule",
		trace.Schema.String():   "the schema of",
		trace.Pool.String():     "the pool",
		trace.SQL.String():      "the statement",
		trace.Commit.String():   "the commit",
		trace.Files.String():    "the files,",
		trace.Stream.String():   "the stream",
		trace.App.String():      "the API,",
		trace.Webhook.String():  "the webhook",
		trace.WebPush.String():  "the push service,",
		trace.Mail.String():     "the mail server,",
		trace.Client.String():   "the client,",
	}
	name := names[h.Layer]
	if name == "" {
		name = h.Layer
	}
	if h.Name == "" || slices.Contains(generic[:], h.Name) {
		return strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(name, " of"), ", zone"), ",")
	}
	return name + " " + h.Name
}

// generic are names of hops that say no more than their layer does.
var generic = [...]string{"groups", "handshake", "accept", "session", "rest", "head", "panic", "connection", "connections", "host"}

// capital begins a sentence. A command and an address begin as they are.
func capital(s string) string {
	if s == "" || strings.HasPrefix(s, "roundtrip ") || strings.HasPrefix(s, "https://") {
		return s
	}
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// The stations of a request, in the order of its way: those of the gate, and those behind a route that leads to the API.
var (
	ofGate = [...]string{"firewall", "tcp", "tls", "cors", "limit", "route"}
	ofAPI  = [...]string{"auth", "access", "schema", "store"}
)

// notReached lists the stations behind the deciding one that the journey did not come to.
func notReached(v *trace.View) []string {
	if v.Decided < 0 || v.Decided >= len(v.Hops) || v.Kind != trace.Request.String() && v.Kind != trace.Connection.String() {
		return nil
	}
	var rest []string
	switch layer := v.Hops[v.Decided].Layer; {
	case slices.Contains(ofGate[:], layer):
		rest = append(append(rest, ofGate[slices.Index(ofGate[:], layer)+1:]...), "target")
	case slices.Contains(ofAPI[:], layer):
		rest = append(append(rest, ofAPI[slices.Index(ofAPI[:], layer)+1:]...), "stream")
	default:
		return nil
	}
	return slices.DeleteFunc(rest, func(name string) bool {
		return name == "tcp" || slices.ContainsFunc(v.Hops, func(h trace.HopView) bool { return h.Layer == name || name == "store" && inStore(h.Layer) }) ||
			name == "limit" // a site need not have one
	})
}

func inStore(layer string) bool {
	return layer == trace.Pool.String() || layer == trace.SQL.String() || layer == trace.Commit.String()
}

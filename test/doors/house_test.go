package doors_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const site = "doors.test"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func declaration(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/roundtrip.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// house is a server and what its clients know of it.
type house struct {
	at    string // host:port
	roots *x509.CertPool
	api   *api
}

func openHouse(t *testing.T, s *server.Server) *house {
	t.Helper()
	pem, err := os.ReadFile(s.Authority())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{at: s.HTTPS, roots: x509.NewCertPool()}
	h.roots.AppendCertsFromPEM(pem)
	h.api = readAPI(t, h.client(t, h.from(0, 0)))
	return h
}

// from is an address of loopback of a scenario's own, and of a door's, so that what is counted by address is counted for each.
func (h *house) from(scenario, door int) *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(127, 1, byte(scenario), byte(door+1))}
}

func (h *house) client(t *testing.T, from net.Addr) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{LocalAddr: from}).DialContext(ctx, network, h.at)
		},
		TLSClientConfig: &tls.Config{RootCAs: h.roots}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// doors opens the five doors for a scenario.
func (h *house) doors(t *testing.T, scenario int) []door {
	t.Helper()
	n := 0
	client := func() *http.Client {
		n++
		return h.client(t, h.from(scenario, n))
	}
	with := func(format string, more ...connect.ClientOption) []connect.ClientOption {
		return append(more, connect.WithCodec(rawCodec{format}))
	}
	native, err := dialGRPC(h.at, &tls.Config{RootCAs: h.roots}, h.from(scenario, 100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { native.conn.Close() })
	root := "https://" + site
	return []door{
		&rest{client(), h.api},
		&rpc{label: overJSON, api: h.api, json: true, headers: true, transport: &overConnect{client(), root + "/api", with("json")}},
		&rpc{label: overProto, api: h.api, transport: &overConnect{client(), root, with("proto", connect.WithHTTPGet(), connect.WithSendGzip())}},
		&rpc{label: overNative, api: h.api, transport: native},
		&rpc{label: overWeb, api: h.api, headers: true, transport: &overConnect{client(), root, with("proto", connect.WithGRPCWeb())}},
	}
}

// api is what the server's descriptors say.
type api struct {
	files    *protoregistry.Files
	types    *dynamicpb.Types
	services map[string]protoreflect.ServiceDescriptor // by the collection that they list, or their name
}

func readAPI(t *testing.T, client *http.Client) *api {
	t.Helper()
	resp, err := client.Get("https://" + site + "/api/descriptors.binpb")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	bytes, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("descriptors.binpb: %d %v", resp.StatusCode, err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(bytes, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{files: files, types: dynamicpb.NewTypes(files), services: map[string]protoreflect.ServiceDescriptor{}}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			one := f.Services().Get(i)
			a.services[string(one.Name())] = one
			if list := one.Methods().ByName("List"); list != nil {
				a.services[list.Output().Fields().ByNumber(1).TextName()] = one
			}
		}
		return true
	})
	return a
}

// methods are the names of what is not about records.
var methods = map[string][2]string{
	"batch":   {"Batch", "Write"},
	"sign-up": {"Auth", "SignUp"}, "sign-in": {"Auth", "SignIn"}, "sign-out": {"Auth", "SignOut"}, "me": {"Auth", "Me"},
	"sessions": {"Auth", "ListSessions"}, "end-session": {"Auth", "EndSession"}, "end-other-sessions": {"Auth", "EndOtherSessions"},
	"change-password": {"Auth", "ChangePassword"},
	"inbox":           {"Inbox", "List"}, "watch": {"Inbox", "Watch"}, "seen": {"Inbox", "MarkSeen"}, "read": {"Inbox", "MarkRead"},
	"preferences": {"Inbox", "GetPreferences"}, "set-preferences": {"Inbox", "SetPreferences"},
}

// method returns the method of a request, nil where there is none.
func (a *api) method(q *ask) protoreflect.MethodDescriptor {
	service, method := methods[q.verb][0], methods[q.verb][1]
	if q.of != "" {
		service, method = q.of, strings.ToUpper(q.verb[:1])+q.verb[1:]
	}
	if a.services[service] == nil {
		return nil
	}
	return a.services[service].Methods().ByName(protoreflect.Name(method))
}

func (a *api) output(q *ask) protoreflect.MessageDescriptor { return a.method(q).Output() }

func procedure(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// onlyReads reports whether a method changes nothing, as its option says.
func onlyReads(m protoreflect.MethodDescriptor) bool {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}

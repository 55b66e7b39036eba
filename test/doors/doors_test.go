// Package doors_test asks the same of every door of the real program: each scenario is written once, in no protocol's words, and
// runs over REST, Connect with JSON, Connect with protobuf, gRPC and gRPC-Web. What comes back is brought into one form, compared
// with what the scenario expects, and then door by door with each other: values, codes, reasons, fields and sentences.
package doors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

type obj = map[string]any

// ask is a request in no door's own words. Texts may name what earlier answers of the scenario held: $photo.id is the id in the
// answer that was kept as photo, and ~ is what makes names of this run of the scenario its own.
type ask struct {
	verb string // get, list, create, update, delete, aggregate, batch, watch, sign-up …
	of   string // the collection
	id   string
	data obj // the fields of a record, or what the verb takes

	fields, expand             []string
	filter, orderBy, pageToken string
	pageSize                   int
	count                      bool
	groupBy, selects           []string // aggregate
	mask                       []string // update: what is written, where it is not just what is given
	add                        obj      // update: atomic additions
	etag, key                  string   // the version that was read; the idempotency key
	ops                        []ask    // batch
	cursor                     string   // watch
	changesOnly                bool     // watch
	origin                     string   // of the page that asks, with the cookie of its visitor
}

// file is a value of a file field that is given.
type file struct {
	name    string
	content []byte
}

// step is one request of a scenario.
type step struct {
	as   string // the account that asks, made when it is first named; "" is a stranger, "!x" sends the token x
	via  int    // how many doors further it asks: what one door gave another has to take
	do   ask
	keep string // the answer's name for later steps
	feed string // of a watch: the stream's name. Of a step without a verb: the stream whose next message is awaited
	want want
	own  string // why each door says this in words of its own: then only code and reason are compared
}

// want is what is expected of an answer: values by their paths, or an error.
type want struct {
	has    obj    // photos.0.caption: "x"; nil is none; photos.#: 2 counts
	code   string // not_found; "" is no error
	reason string
	fields []string // what is wrong, as FIELD CODE
	replay bool     // this is the answer of an earlier request with the same key
}

// scenario is a behaviour. except names the doors that can't say it by their nature, and why.
type scenario struct {
	name   string
	steps  []step
	except map[string]string
}

// fault is an error as every door can tell it.
type fault struct {
	Code    string
	Reason  string
	Message string
	Details []detail `json:",omitempty"`
	Column  string   `json:",omitempty"` // of the first mistake in a filter
	Retry   bool     `json:",omitempty"` // it says when to try again
	Journey bool     // it names its journey
}

type detail struct{ Field, Code, Message string }

// answer is what a door said.
type answer struct {
	Value  any    `json:",omitempty"`
	Fault  *fault `json:",omitempty"`
	Replay bool   `json:",omitempty"`
}

// door is one way of asking. A token of "" is a stranger's.
type door interface {
	name() string
	ask(ctx context.Context, token string, a *ask) (answer, error)
	watch(ctx context.Context, token string, a *ask) (feed, error)
}

// feed is a stream that is open. Heartbeats don't show.
type feed interface {
	next() (answer, error)
	close()
}

func TestDoors(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, declaration(t)))
	h := openHouse(t, s)
	run := 0
	for n, sc := range scenarios() {
		t.Run(strings.ReplaceAll(sc.name, " ", "_"), func(t *testing.T) {
			doors := h.doors(t, n+1)
			first, told := "", ""
			for i, d := range doors {
				if why := sc.except[d.name()]; why != "" {
					continue
				}
				run++
				p := &play{t: t, doors: doors, at: i, tag: fmt.Sprintf("q%04dq", run), kept: map[string]any{}, tokens: map[string]string{}, feeds: map[string]feed{}}
				heard := p.play(&sc)
				if first == "" {
					first, told = d.name(), heard
				} else if heard != told {
					t.Errorf("%s and %s answer differently (-%s +%s):\n%s", first, d.name(), first, d.name(), difference(told, heard))
				}
			}
			if first == "" {
				t.Error("no door can say this")
			}
		})
	}
}

// difference shows two texts from the first to the last line in which they differ.
func difference(a, b string) string {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	for len(was) > 0 && len(is) > 0 && was[0] == is[0] {
		was, is = was[1:], is[1:]
	}
	for len(was) > 0 && len(is) > 0 && was[len(was)-1] == is[len(is)-1] {
		was, is = was[:len(was)-1], is[:len(is)-1]
	}
	var out strings.Builder
	for _, line := range was {
		out.WriteString("- " + line + "\n")
	}
	for _, line := range is {
		out.WriteString("+ " + line + "\n")
	}
	return out.String()
}

// play is one scenario at one door.
type play struct {
	t      *testing.T
	doors  []door
	at     int
	tag    string // in the place of ~
	kept   map[string]any
	tokens map[string]string
	feeds  map[string]feed
}

// play runs the steps and returns what was heard, in a form that is the same at all doors.
func (p *play) play(sc *scenario) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), server.Patience)
	defer cancel()
	defer func() {
		for _, f := range p.feeds {
			f.close()
		}
	}()
	var heard []answer
	for i := range sc.steps {
		st := &sc.steps[i]
		got, err := p.step(ctx, st)
		if err != nil {
			p.t.Fatalf("%s, step %d (%s %s): %v", p.doors[p.at].name(), i, st.do.verb, st.do.of, err)
		}
		if wrong := st.want.judge(&got, p.fill); wrong != "" {
			p.t.Fatalf("%s, step %d (%s %s): %s\n%s", p.doors[p.at].name(), i, st.do.verb, st.do.of, wrong, pretty(got))
		}
		if st.keep != "" {
			p.kept[st.keep] = got.Value
		}
		if st.own != "" && got.Fault != nil {
			got.Fault.Message, got.Fault.Details, got.Fault.Journey = "", nil, false
		}
		heard = append(heard, got)
	}
	return p.same(pretty(heard))
}

func (p *play) step(ctx context.Context, st *step) (answer, error) {
	if st.do.verb == "" {
		return p.feeds[st.feed].next()
	}
	a, _ := p.fill(st.do).(ask)
	d := p.doors[(p.at+st.via)%len(p.doors)]
	token, err := p.token(ctx, st.as)
	if err != nil {
		return answer{}, err
	}
	if st.feed == "" {
		return d.ask(ctx, token, &a)
	}
	f, err := d.watch(ctx, token, &a)
	if err != nil {
		return answer{}, err
	}
	p.feeds[st.feed] = f
	return f.next()
}

// token signs up who is first named, by the door of the scenario.
func (p *play) token(ctx context.Context, who string) (string, error) {
	if text, ok := strings.CutPrefix(who, "!"); ok {
		text, _ = p.fill(text).(string)
		return text, nil
	}
	if who == "" || p.tokens[who] != "" {
		return p.tokens[who], nil
	}
	got, err := p.doors[p.at].ask(ctx, "", &ask{verb: "sign-up", data: obj{"handle": who + p.tag, "password": password}})
	if err == nil && got.Fault != nil {
		err = fmt.Errorf("%s can't sign up: %s", who, pretty(got))
	}
	if err != nil {
		return "", err
	}
	p.kept[who] = at(got.Value, "account")
	p.tokens[who], _ = at(got.Value, "token").(string)
	return p.tokens[who], nil
}

const password = "correct horse battery"

var (
	aFile   = regexp.MustCompile(`"id": "[0-9a-z]{26}"`)
	anID    = regexp.MustCompile(`\b[0-7][0-9a-hjkmnp-tv-z]{12}\b`)
	aTime   = regexp.MustCompile(`"20(2[5-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z"`)
	aToken  = regexp.MustCompile(`"(next_page_token|resume_token|cursor|token|journey)": "[^"]+"`)
	aPlace  = regexp.MustCompile(`"address": "127[^"]+"`)
	aDevice = regexp.MustCompile(`("current": true,[^}]*"name": )"[^"]*"`)
)

// same takes out of what was heard what is another one at each run: ids are numbered as they appear, times of the test are now.
func (p *play) same(text string) string {
	text = strings.ReplaceAll(text, p.tag, "~")
	ids := map[string]string{}
	text = anID.ReplaceAllStringFunc(text, func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("id%d", len(ids)+1)
		}
		return ids[id]
	})
	text = aFile.ReplaceAllString(text, `"id": "a file"`)
	text = aTime.ReplaceAllString(text, `"now"`)
	text = aPlace.ReplaceAllString(text, `"address": "here"`)
	text = aDevice.ReplaceAllString(text, `$1"this test"`)
	return aToken.ReplaceAllString(text, `"$1": "…"`)
}

func pretty(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

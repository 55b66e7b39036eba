package doors_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// rest asks as docs/api.md says.
type rest struct {
	client *http.Client
	api    *api // what a neutral answer looks like
}

func (d *rest) name() string { return overREST }

// call is a request of HTTP.
type call struct {
	method, path string
	query        url.Values
	body         any // an object, or a form
	header       http.Header
}

func (d *rest) ask(ctx context.Context, token string, a *ask) (answer, error) {
	c, err := d.request(a)
	if err != nil {
		return answer{}, err
	}
	resp, err := d.send(ctx, token, a, c)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return readProblem(resp)
	}
	got := answer{Value: obj{}, Replay: resp.Header.Get("Idempotency-Replayed") == "true"}
	if resp.StatusCode == http.StatusNoContent {
		return got, nil
	}
	body, err := readObject(resp.Body)
	if err != nil {
		return answer{}, err
	}
	got.Value = prune(d.api.output(a), asMessage(a, body))
	return got, nil
}

func (d *rest) send(ctx context.Context, token string, a *ask, c *call) (*http.Response, error) {
	var body io.Reader
	switch b := c.body.(type) {
	case nil:
	case *form:
		body = &b.buf
		c.header.Set("Content-Type", b.w.FormDataContentType())
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
		c.header.Set("Content-Type", "application/json")
	}
	to := "https://" + site + "/api/" + c.path
	if len(c.query) > 0 {
		to += "?" + c.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, c.method, to, body)
	if err != nil {
		return nil, err
	}
	req.Header = c.header
	identify(req.Header, token, a)
	return d.client.Do(req)
}

// identify says who asks: with a token, or as a page of a site would, with the cookie.
func identify(h http.Header, token string, a *ask) {
	switch {
	case token == "":
	case a.origin == "":
		h.Set("Authorization", "Bearer "+token)
	default:
		h.Set("Origin", a.origin)
		h.Set("Cookie", "__Host-session="+token)
	}
}

// request writes a request as one for REST.
func (d *rest) request(a *ask) (*call, error) {
	c := &call{query: url.Values{}, header: http.Header{}}
	if a.etag != "" {
		c.header.Set("If-Match", `"`+a.etag+`"`)
	}
	if a.key != "" {
		c.header.Set("Idempotency-Key", a.key)
	}
	switch a.verb {
	case "get":
		c.method, c.path = "GET", a.of+"/"+url.PathEscape(a.id)
	case "list":
		c.method, c.path = "GET", a.of
	case "aggregate":
		c.method, c.path = "GET", a.of+":aggregate"
	case "create":
		c.method, c.path = "POST", a.of
	case "update":
		c.method, c.path = "PATCH", a.of+"/"+url.PathEscape(a.id)
	case "delete":
		c.method, c.path = "DELETE", a.of+"/"+url.PathEscape(a.id)
		return c, nil
	case "batch":
		c.method, c.path, c.body = "POST", "batch", obj{"ops": restOps(a.ops)}
		return c, nil
	default:
		return c, c.service(a)
	}
	if a.verb == "create" || a.verb == "update" {
		return c, c.record(a)
	}
	c.ask(a)
	return c, nil
}

// record puts a record's fields into the body; a form where files are among them.
func (c *call) record(a *ask) error {
	data := maps.Clone(a.data)
	if data == nil {
		data = obj{}
	}
	for _, name := range a.mask { // what is in the mask and not given is null
		if _, given := data[name]; !given {
			data[name] = nil
		}
	}
	if a.mask != nil {
		maps.DeleteFunc(data, func(name string, _ any) bool { return !slices.Contains(a.mask, name) })
	}
	for name, by := range a.add {
		data[name] = obj{"$add": by}
	}
	c.body = data
	files := map[string]file{}
	for name, v := range data {
		if f, ok := v.(file); ok {
			files[name] = f
			delete(data, name)
		}
	}
	if len(files) == 0 {
		return nil
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	f := newForm()
	c.body = f
	return f.fill(text, files)
}

// ask puts the parameters of a read into the query.
func (c *call) ask(a *ask) {
	for name, value := range map[string]string{
		"filter": a.filter, "order_by": a.orderBy, "page_token": a.pageToken,
		"fields": strings.Join(a.fields, ","), "expand": strings.Join(a.expand, ","),
		"group_by": strings.Join(a.groupBy, ","), "select": strings.Join(a.selects, ","),
	} {
		if value != "" {
			c.query.Set(name, value)
		}
	}
	if a.pageSize != 0 {
		c.query.Set("page_size", strconv.Itoa(a.pageSize))
	}
	if a.count {
		c.query.Set("count", "exact")
	}
}

func restOps(ops []ask) []any {
	list := []any{}
	for _, op := range ops {
		o := obj{"op": op.verb, "collection": op.of}
		if op.id != "" {
			o["id"] = op.id
		}
		if op.verb != "delete" {
			data := maps.Clone(op.data)
			if id := data["id"]; id != nil { // in a batch a new record's id stands beside its data
				o["id"] = id
				delete(data, "id")
			}
			o["data"] = data
		}
		if op.etag != "" {
			o["etag"] = op.etag
		}
		list = append(list, o)
	}
	return list
}

// service writes what is not about records.
func (c *call) service(a *ask) error {
	c.method, c.body = "POST", a.data
	switch a.verb {
	case "sign-up", "sign-in", "sign-out":
		c.path = "auth/" + a.verb
	case "change-password":
		c.path = "auth/password"
	case "me", "sessions":
		c.method, c.path, c.body = "GET", "auth/"+a.verb, nil
	case "end-session":
		c.method, c.path, c.body = "DELETE", "auth/sessions/"+a.id, nil
	case "end-other-sessions":
		c.method, c.path, c.body = "DELETE", "auth/sessions", nil
	case "inbox":
		c.method, c.path, c.body = "GET", "inbox", nil
		c.ask(a)
	case "seen", "read":
		c.path = "inbox/" + a.verb
	case "preferences":
		c.method, c.path, c.body = "GET", "inbox/preferences", nil
	case "set-preferences":
		c.method, c.path = "PATCH", "inbox/preferences"
	default:
		return fmt.Errorf("REST does not know how to %s", a.verb)
	}
	if c.method == "POST" && a.data == nil {
		c.body = nil
	}
	return nil
}

// asMessage gives an answer of REST the shape that the message of RPC has.
func asMessage(a *ask, body obj) obj {
	switch a.verb {
	case "aggregate":
		groups, _ := body["groups"].([]any)
		for i := range groups {
			groups[i] = asGroup(a, groups[i].(obj))
		}
	case "batch":
		results, _ := body["results"].([]any)
		for i := range results {
			result := obj{}
			if results[i] != nil {
				result["record"] = obj{a.ops[i].of: results[i]}
			}
			results[i] = result
		}
	case "inbox":
		return asInbox(body, "notifications")
	case "preferences", "set-preferences":
		kinds := obj{}
		for kind, channels := range body {
			kinds[kind] = obj{"channels": channels}
		}
		return obj{"kinds": kinds}
	}
	return body
}

// asGroup sorts sum_likes under sum.
func asGroup(a *ask, group obj) obj {
	sorted := obj{}
	put := func(in, name string, value any) {
		if sorted[in] == nil && (value != nil || in != "avg") { // a map is not there without entries
			sorted[in] = obj{}
		}
		if value != nil {
			sorted[in].(obj)[name] = value
		}
	}
	for name, value := range group {
		kind, of, _ := strings.Cut(name, "_")
		switch {
		case slices.Contains(a.groupBy, name):
			put("by", name, value)
		case name == "count":
			sorted[name] = value
		default:
			put(kind, of, value)
		}
	}
	return sorted
}

// asInbox puts the numbers of the badge together, and an actor's names.
func asInbox(page obj, list string) obj {
	numbers := obj{}
	for _, name := range []string{"unread", "unseen", "seq", "read_through", "seen_through"} {
		if page[name] != nil {
			numbers[name] = page[name]
			delete(page, name)
		}
	}
	if len(numbers) > 0 {
		page["numbers"] = numbers
	}
	items, _ := page[list].([]any)
	for _, item := range items {
		note, _ := item.(obj)
		if put, ok := note["put"].(obj); ok {
			note = put
		}
		actors, _ := note["actors"].([]any)
		for i := range actors {
			names, _ := actors[i].(obj)
			actor := obj{"id": names["id"], "names": names}
			delete(names, "id")
			actors[i] = actor
		}
	}
	return page
}

// form is a multipart body.
type form struct {
	buf bytes.Buffer
	w   *multipart.Writer
}

func newForm() *form {
	f := &form{}
	f.w = multipart.NewWriter(&f.buf)
	return f
}

func (f *form) fill(data []byte, files map[string]file) error {
	if err := f.w.WriteField("data", string(data)); err != nil {
		return err
	}
	for name, one := range files {
		part, err := f.w.CreateFormFile(name, one.name)
		if err != nil {
			return err
		}
		if _, err := part.Write(one.content); err != nil {
			return err
		}
	}
	return f.w.Close()
}

func readObject(r io.Reader) (obj, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	var o obj
	return o, d.Decode(&o)
}

// readProblem reads an error of REST (RFC 9457).
func readProblem(resp *http.Response) (answer, error) {
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		return answer{}, fmt.Errorf("an error of %d is %s", resp.StatusCode, got)
	}
	body, err := readObject(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{Fault: problemFault(body, resp.Header.Get("Retry-After") != "")}, nil
}

func problemFault(body obj, retry bool) *fault {
	f := &fault{Code: text(body["code"]), Reason: text(body["reason"]), Message: text(body["detail"]), Journey: text(body["journey"]) != "", Retry: retry}
	wrong, _ := body["errors"].([]any)
	for _, w := range wrong {
		one, _ := w.(obj)
		where := text(one["parameter"])
		if where == "fields" { // the doors have each their own name for it, in sentences too
			where = "read_mask"
			f.Message = strings.Replace(f.Message, "fields is wrong:", "read_mask is wrong:", 1)
		}
		if pointer := text(one["pointer"]); pointer != "" {
			where = strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
		}
		f.Details = append(f.Details, detail{where, text(one["code"]), text(one["detail"])})
		if column, ok := one["column"].(json.Number); ok && f.Column == "" {
			f.Column = column.String()
		}
	}
	return f
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (d *rest) watch(ctx context.Context, token string, a *ask) (feed, error) {
	c := &call{method: "GET", path: "live", query: url.Values{"topic": {"inbox"}}, header: http.Header{"Accept": {"text/event-stream"}}}
	if a.of != "" && a.id == "" {
		c.path, c.query = a.of+":watch", url.Values{}
		c.ask(a)
		if a.changesOnly {
			c.query.Set("page_size", "0")
		}
	} else if a.of != "" {
		c.query.Set("topic", a.of+"/"+a.id)
	}
	if a.cursor != "" {
		c.query.Set("cursor", a.cursor)
	}
	resp, err := d.send(ctx, token, a, c)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &events{resp: resp, lines: lines, into: d.api, of: a.of}, nil
}

// events is a stream of server-sent events.
type events struct {
	resp  *http.Response
	lines *bufio.Scanner
	into  *api
	of    string
}

func (e *events) close() { e.resp.Body.Close() }

func (e *events) next() (answer, error) {
	if e.resp.StatusCode >= 400 {
		return readProblem(e.resp)
	}
	for e.lines.Scan() {
		data, ok := strings.CutPrefix(e.lines.Text(), "data: ")
		if !ok || strings.Contains(data, `{"head":`) {
			continue
		}
		message, err := readObject(strings.NewReader(data))
		if err != nil {
			return answer{}, err
		}
		if problem, ok := message["error"].(obj); ok {
			return answer{Fault: problemFault(problem, false)}, nil
		}
		return answer{Value: e.asMessage(message)}, nil
	}
	return answer{}, fmt.Errorf("the events ended: %w", cmpOr(e.lines.Err(), io.EOF))
}

func cmpOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// asMessage gives a message of a topic the shape of WatchPhotosResponse.
func (e *events) asMessage(m obj) obj {
	list := "notifications"
	if e.of != "" {
		list = e.of
	} else {
		for _, of := range []string{"snapshot", "changes"} {
			m = asInbox(m, of)
		}
	}
	delete(m, "topic")
	m["resume_token"] = m["cursor"]
	delete(m, "cursor")
	if records, ok := m["snapshot"]; ok {
		m["snapshot"] = obj{list: records}
		if m["reset"] != nil {
			m["snapshot"].(obj)["reset"] = m["reset"]
			delete(m, "reset")
		}
	}
	return prune(e.into.output(&ask{verb: "watch", of: e.of}), m)
}

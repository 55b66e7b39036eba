package app

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console"
)

// connectStream is the type of a stream of messages in JSON, each in an envelope (the Connect protocol, streaming RPCs).
const connectStream = "application/connect+json"

// tryStream makes a call for the console's page API whose answer may be a stream, of Connect or of server-sent events, and
// tells of its messages as they come. Other answers are told whole.
func (a *App) tryStream(ctx context.Context, o console.TryOrder, tell func(console.TryEvent) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Headers["Content-Type"] == connectStream {
		o.Body = string(envelope(o.Body))
	}
	c, err := a.beginTry(ctx, o)
	if err != nil {
		return err
	}
	defer c.end(ctx)
	read := map[string]func(io.Reader, func(console.TryEvent) error) error{connectStream: readEnvelopes, "text/event-stream": readEvents}[c.media()]
	if read == nil || c.resp.StatusCode != http.StatusOK {
		whole, err := c.whole(ctx, cancel)
		if err != nil {
			return err
		}
		return tell(console.TryEvent{Answer: whole})
	}
	if err := tell(console.TryEvent{Answer: c.head()}); err != nil {
		return err
	}
	if err := read(c.resp.Body, tell); err != nil {
		if e, ok := errors.AsType[*roundtrip.Error](err); ok {
			return e
		}
		return roundtrip.E(roundtrip.Unavailable, "console.try_failed", "the stream of %s broke off: %v", o.Site, err)
	}
	return c.saw(ctx)
}

// envelope is a message as Connect sends it in a stream: flags, length and text.
func envelope(text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text)))
	return append(b, text...)
}

// readEnvelopes tells the messages of a stream of Connect. The last one says how it ended.
func readEnvelopes(body io.Reader, tell func(console.TryEvent) error) error {
	const flagEnd = 2
	for {
		var head [5]byte
		if _, err := io.ReadFull(body, head[:]); err != nil {
			return err // a whole stream has its end told
		}
		size := binary.BigEndian.Uint32(head[1:])
		if size > tryBodyMost {
			return tooLong(int(size))
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(body, text); err != nil {
			return err
		}
		switch {
		case head[0]&flagEnd != 0:
			return endOfStream(text)
		case head[0] != 0 || !utf8.Valid(text):
			return roundtrip.E(roundtrip.Unavailable, "console.try_failed", "a message of the stream is packed, or no text")
		}
		if err := tell(console.TryEvent{Message: string(text)}); err != nil {
			return err
		}
	}
}

// endOfStream reads how a stream of Connect ended: {} where all went well.
func endOfStream(text []byte) error {
	var said struct {
		Error *struct{ Code, Message string }
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Error == nil {
		return err
	}
	return roundtrip.E(roundtrip.Unavailable, "console.try_failed", "%s: %s", said.Error.Code, said.Error.Message)
}

// readEvents tells the events of a stream of server-sent events, each as it was written. Those without data are the beats.
func readEvents(body io.Reader, tell func(console.TryEvent) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 4096), tryBodyMost)
	var event strings.Builder
	for lines.Scan() {
		line := lines.Text()
		if line != "" {
			if event.Len()+len(line) > tryBodyMost {
				return tooLong(event.Len() + len(line))
			}
			event.WriteString(line + "\n")
			continue
		}
		if text := event.String(); strings.Contains("\n"+text, "\ndata:") {
			if err := tell(console.TryEvent{Message: strings.ToValidUTF8(strings.TrimSuffix(text, "\n"), "")}); err != nil {
				return err
			}
		}
		event.Reset()
	}
	return lines.Err()
}

func tooLong(n int) error {
	return roundtrip.E(roundtrip.TooLarge, "console.try_failed", "a message of %d kB is longer than what is shown: %d kB", n>>10, tryBodyMost>>10)
}

package route

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

// coded is a target whose answers are sent in a content coding where the client takes one and it is worth it.
type coded struct {
	Target
	encoders *encode.Encoders
}

// Serve has the target answer. After a panic the coding is left as it is: the gate cuts the answer.
func (t *coded) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	x := t.encoders.Wrap(w, r)
	if err := t.Target.Serve(x, r, path); err != nil {
		x.Drop()
		return err
	}
	_ = x.Close() // a client that is gone is seen by the gate's writer
	return nil
}

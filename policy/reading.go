package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/roundtrip-dev/roundtrip"
)

// Reading is a short text for what the declaration says of reading: who may read which records, and what they look like. Where
// it is another one, what somebody has read before is no ground to go on from.
func (e *Engine) Reading() string {
	sum := sha256.New()
	for _, c := range e.book.schema.Collections {
		fmt.Fprintf(sum, "%q %d %v %q\n", c.Name, c.Number, c.Accounts, c.Rules[roundtrip.Get].Source)
		for _, f := range c.Fields {
			fmt.Fprintf(sum, "  %q %d %d %v\n", f.Name, f.Number, f.Type, f.To != nil)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

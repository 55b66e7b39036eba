package protobuf

import "github.com/roundtrip-dev/roundtrip"

// Print writes the text of a schema without a look at whether it is good.
func Print(s *roundtrip.Schema) []byte { return compose(s, false).print(Options{}) }

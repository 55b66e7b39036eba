// Package schema is the shape of records: it builds the collections of a declaration, and says everything that is wrong
// with a record in one answer.
package schema

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Schema is a built declaration with what is needed to check records.
type Schema struct {
	*roundtrip.Schema
}

// Build makes the schema of a declaration. The error is a *config.Problems with every mistake.
func Build(c *config.Config) (*Schema, error) { panic("schema") }

// Check completes the input of a Create with its defaults, and checks the input of a Create or Update against the
// collection: required, immutable, bounds, patterns, forms. The error is one *roundtrip.Error of kind Invalid, reason
// schema.invalid, with a detail for each mistake and those that the door found already (call.Wrong).
func (s *Schema) Check(call *roundtrip.Call, who *roundtrip.Principal) error { panic("schema") }

package console

import "net/http"

// showAPI tells what the API of the declaration in force has.
func (c *Console) showAPI(*http.Request) (any, error) { return c.options.API(), nil }

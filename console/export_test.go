package console

// Patterns are the routes of the API.
func (c *Console) Patterns() []string {
	var all []string
	for _, r := range c.routes() {
		all = append(all, r.pattern)
	}
	return all
}

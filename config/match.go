package config

import "slices"

// Weight says how specific the conditions are: more of them before fewer, and of equally many, more that ask for one
// value before those that take any.
func (m Match) Weight() int {
	weight := 0
	if len(m.Methods) > 0 {
		weight += 1000
	}
	for _, h := range m.Headers {
		if weight += 1000; h.Value != "*" {
			weight++
		}
	}
	return weight
}

// Overlaps reports whether a request can fulfil the conditions of both. A request has several lines of one header seldom
// and by mistake, so different values of one header count as apart.
func (m Match) Overlaps(o Match) bool {
	if len(m.Methods) > 0 && len(o.Methods) > 0 && !slices.ContainsFunc(m.Methods, o.Takes) && !slices.ContainsFunc(o.Methods, m.Takes) {
		return false
	}
	for _, a := range m.Headers {
		for _, b := range o.Headers {
			if a.Name == b.Name && a.Value != b.Value && a.Value != "*" && b.Value != "*" {
				return false
			}
		}
	}
	return true
}

// Takes reports whether the method is one of the conditions': HEAD goes with GET.
func (m Match) Takes(method string) bool {
	return len(m.Methods) == 0 || slices.Contains(m.Methods, method) || method == "HEAD" && slices.Contains(m.Methods, "GET")
}

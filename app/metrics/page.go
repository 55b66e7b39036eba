// Package metrics writes what a server has counted in the text format of Prometheus (version 0.0.4).
//
// Every name is in one table, [Names], from which docs/metrics.md is checked. Labels come from the declaration and from the
// catalogue of reasons, never from what a client sent, so that their number is bounded by what an operator wrote.
package metrics

import (
	"slices"
	"strconv"
	"strings"
)

// Type is what a metric is.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Name is one metric.
type Name struct {
	Name   string // with its unit, and _total where it only grows
	Type   Type
	Help   string
	Labels []string
}

// page is the answer while it is written: each family once, in the order of its first line.
type page struct {
	b    []byte
	lead string // of the family that is being written
}

// family begins a family.
func (p *page) family(n *Name) {
	p.lead = n.Name
	p.b = append(p.b, "# HELP "...)
	p.b = append(p.b, n.Name...)
	p.b = append(p.b, ' ')
	p.b = append(p.b, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(n.Help)...)
	p.b = append(p.b, "\n# TYPE "...)
	p.b = append(p.b, n.Name...)
	p.b = append(p.b, ' ')
	p.b = append(p.b, n.Type...)
	p.b = append(p.b, '\n')
}

// line writes one sample of the family. labels are names and values in turn.
func (p *page) line(suffix string, value float64, labels ...string) {
	p.b = append(p.b, p.lead...)
	p.b = append(p.b, suffix...)
	for i := 0; i+1 < len(labels); i += 2 {
		if i == 0 {
			p.b = append(p.b, '{')
		} else {
			p.b = append(p.b, ',')
		}
		p.b = append(p.b, labels[i]...)
		p.b = append(p.b, '=', '"')
		p.b = appendValue(p.b, labels[i+1])
		p.b = append(p.b, '"')
	}
	if len(labels) > 0 {
		p.b = append(p.b, '}')
	}
	p.b = append(p.b, ' ')
	p.b = strconv.AppendFloat(p.b, value, 'g', -1, 64)
	p.b = append(p.b, '\n')
}

// appendValue appends a label's value: backslash, quote and line feed are written with a backslash, and what is no UTF-8 is
// replaced.
func appendValue(b []byte, s string) []byte {
	for _, r := range s {
		switch r {
		case '\\', '"':
			b = append(b, '\\', byte(r))
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}

// Sample is one value with the values of its labels, in the order of [Name].Labels.
type Sample struct {
	Labels []string
	Value  float64
}

// write writes a family with its samples, sorted by their labels, unless it has none.
func (p *page) write(n *Name, samples []Sample) {
	if len(samples) == 0 {
		return
	}
	slices.SortFunc(samples, func(a, b Sample) int { return slices.Compare(a.Labels, b.Labels) })
	p.family(n)
	for i, s := range samples {
		if i > 0 && slices.Equal(s.Labels, samples[i-1].Labels) {
			continue // a series stands once
		}
		p.line("", s.Value, pairs(n.Labels, s.Labels)...)
	}
}

func pairs(names, values []string) []string {
	all := make([]string, 0, 2*len(names)+2)
	for i, name := range names {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		if value != "" { // which is the same as no label
			all = append(all, name, value)
		}
	}
	return all
}

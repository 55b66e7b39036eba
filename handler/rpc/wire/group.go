package wire

import (
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// section is a field of the message Group, by its number.
type section uint8

const (
	sectionBy section = iota + 1
	sectionCount
	sectionSum
	sectionAvg
	sectionMin
	sectionMax
)

// key is a section's name with its quotes and colon.
func (s section) key() string {
	switch s {
	case sectionBy:
		return `"by":`
	case sectionCount:
		return `"count":`
	case sectionSum:
		return `"sum":`
	case sectionAvg:
		return `"avg":`
	case sectionMin:
		return `"min":`
	case sectionMax:
		return `"max":`
	}
	return ""
}

// cell is one value of a group: in which section it stands, as which field, and where it comes from.
type cell struct {
	section section
	column  *column // nil for count
	at      int     // position in the row
}

func (c *cell) before(d *cell) bool {
	switch {
	case c.section != d.section:
		return c.section < d.section
	case c.section == sectionAvg: // a map, in the order of its keys
		return strings.Compare(c.column.name, d.column.name) < 0
	case c.section == sectionCount:
		return false
	}
	return c.column.number < d.column.number
}

// groupCells are the values of an aggregate's groups, in the order of the message.
func (p *Plan) groupCells(cells []cell, q *policy.Query) []cell {
	add := func(c cell) {
		cells = append(cells, c)
		for i := len(cells) - 1; i > 0 && cells[i].before(&cells[i-1]); i-- {
			cells[i-1], cells[i] = cells[i], cells[i-1]
		}
	}
	for i, f := range q.Groups {
		add(cell{section: sectionBy, column: &p.columns[f], at: i})
	}
	for i, g := range q.Aggregates {
		c := cell{section: sectionCount, at: len(q.Groups) + i}
		if g.Func != policy.CountAll {
			c.column = &p.columns[g.Field]
			c.section = sectionOf(g.Func)
		}
		add(c)
	}
	return cells
}

func sectionOf(f policy.AggregateFunc) section {
	switch f {
	case policy.Sum:
		return sectionSum
	case policy.Avg:
		return sectionAvg
	case policy.Min:
		return sectionMin
	case policy.Max:
		return sectionMax
	case policy.CountAll:
	}
	return sectionCount
}

// appendGroup appends one group. A section that was asked for is there also where all of it is null.
func (a *Answer) appendGroup(row roundtrip.Row) {
	if a.format == JSON {
		a.appendGroupJSON(row)
		return
	}
	for i := 0; i < len(a.cells); {
		s := a.cells[i].section
		last := i
		for last < len(a.cells) && a.cells[last].section == s {
			last++
		}
		cells := a.cells[i:last]
		i = last
		switch s {
		case sectionCount:
			a.out = protowire.AppendVarint(append(a.out, byte(s<<3)), uint64(row.Int(cells[0].at)))
		case sectionAvg:
			a.appendAverages(cells, row)
		default:
			var start int
			a.out, start = open(append(a.out, byte(s<<3|2)))
			for j := range cells {
				if c := &cells[j]; !row.Null(c.at) {
					a.out = c.column.appendField(a.out, a.plans, row, c.at)
				}
			}
			a.out = shut(a.out, start)
		}
	}
}

// appendAverages appends the entries of the map avg.
func (a *Answer) appendAverages(cells []cell, row roundtrip.Row) {
	for _, c := range cells {
		if row.Null(c.at) {
			continue
		}
		b, start := open(append(a.out, byte(sectionAvg<<3|2)))
		b = protowire.AppendString(append(b, tagElement), c.column.name)
		b = protowire.AppendFixed64(append(b, tagNumber), math.Float64bits(row.Float(c.at)))
		a.out = shut(b, start)
	}
}

func (a *Answer) appendGroupJSON(row roundtrip.Row) {
	sep, last := byte('{'), section(0)
	for i := range a.cells {
		c := &a.cells[i]
		if c.section != last {
			if last != 0 && last != sectionCount {
				a.out = append(a.out, '}')
			}
			a.out = append(append(a.out, sep), c.section.key()...)
			last, sep = c.section, ','
			if c.section == sectionCount {
				a.out = appendQuoted(a.out, row.Int(c.at))
				continue
			}
			a.out = append(a.out, '{')
		}
		if row.Null(c.at) || c.section == sectionCount {
			continue
		}
		if a.out[len(a.out)-1] != '{' {
			a.out = append(a.out, ',')
		}
		a.out = append(a.out, c.column.key...)
		if c.section == sectionAvg {
			a.out = appendFloat(a.out, row.Float(c.at))
			continue
		}
		a.out = c.column.appendJSON(a.out, row, c.at)
	}
	switch last {
	case 0:
		a.out = append(a.out, '{', '}')
	case sectionCount:
		a.out = append(a.out, '}')
	default:
		a.out = append(a.out, '}', '}')
	}
}

func appendInt(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }

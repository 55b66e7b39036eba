package config

import (
	"cmp"
	"slices"
	"strings"
)

// Rename is a name that dev replaces together with all names below it. Both are without a dot at the end.
type Rename struct{ From, To string }

// devDNS returns the name server's declaration as dev serves it: zones are renamed as sites are, and so is what their records
// name; addresses are those of loopback, and nobody copies the zones.
func devDNS(d DNS) DNS {
	d.Renames = devZones(d.Zones)
	d.Addresses, d.Keys = nil, nil
	zones := slices.Clone(d.Zones)
	for i := range zones {
		z := &zones[i]
		z.Name, z.Transfer = d.Renamed(z.Name), nil
		z.Nameservers = slices.Clone(z.Nameservers)
		for j := range z.Nameservers {
			z.Nameservers[j].Text = d.Renamed(z.Nameservers[j].Text)
		}
		z.Records = slices.Clone(z.Records)
		for j := range z.Records {
			z.Records[j].Text = d.RenamedLines(z.Records[j].Text)
		}
	}
	d.Zones = zones
	return d
}

// devZones says how zones are called in dev: the last label becomes localhost, and what lies below a zone stays below it. Of
// gallery.test and gallery.example the second keeps its whole name.
func devZones(zones []Zone) []Rename {
	names := make([]string, len(zones))
	for i := range zones {
		names[i] = zones[i].Name
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // parents first
	var renames []Rename
	taken := map[string]bool{}
	for _, name := range names {
		to := renamed(renames, name)
		if to == name {
			if to = devName(name); taken[to] && to != name {
				to = name + ".localhost"
			}
		}
		taken[to] = true
		renames = slices.Insert(renames, 0, Rename{From: name, To: to}) // the longest first
	}
	return renames
}

// Renamed returns a host name as this run calls it.
func (d *DNS) Renamed(name string) string { return renamed(d.Renames, name) }

func renamed(renames []Rename, name string) string {
	for _, r := range renames {
		if name == r.From {
			return r.To
		}
		if below, ok := strings.CutSuffix(name, "."+r.From); ok {
			return below + "." + r.To
		}
	}
	return name
}

// RenamedLines returns lines of a zone file with their names as this run calls them: the words with a dot at the end, outside
// quotes and comments. What a text says is left alone.
func (d *DNS) RenamedLines(text string) string {
	if len(d.Renames) == 0 {
		return text
	}
	var b strings.Builder
	word, quoted := 0, false // where the word begins that is being read
	end := func(i int) {
		b.WriteString(d.renamedWord(text[word:i]))
		word = i
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++ // the next character stands for itself
		case c == '"' && quoted:
			quoted = false
			b.WriteString(text[word : i+1])
			word = i + 1
		case quoted:
		case c == '"':
			end(i)
			quoted = true
		case c == ';':
			end(i)
			if i = strings.IndexByte(text[word:], '\n'); i < 0 {
				return b.String() + text[word:]
			}
			i += word
			b.WriteString(text[word : i+1])
			word = i + 1
		case strings.IndexByte(" \t\r\n()", c) >= 0:
			end(i)
			b.WriteByte(c)
			word = i + 1
		}
	}
	if quoted {
		return b.String() + text[word:]
	}
	end(len(text))
	return b.String()
}

func (d *DNS) renamedWord(word string) string {
	name, absolute := strings.CutSuffix(word, ".")
	if !absolute {
		return word
	}
	if to := d.Renamed(strings.ToLower(name)); to != strings.ToLower(name) {
		return to + "."
	}
	return word
}

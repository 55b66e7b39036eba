package config

import (
	"bytes"
	"fmt"
	"strings"
)

// Reference returns the reference page of the declaration in Markdown. It is made from the table of keys.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(`# roundtrip.yaml: every key

This page is made from the table that reads the file, so it says what this version does. Units are written out: durations
with ms, s, m, h or d (` + "`1h30m`, `30d`" + `), sizes with B, kB, MB or GB (thousands) or KiB, MiB, GiB (1024s). Relative paths
start in the folder of the file. A mistake is reported with its line, what was expected and the nearest name, and all of
them at once: ` + "`roundtrip check`" + `.

`)
	section(&b, "", rootKeys())
	unbuilt(&b)
	return b.Bytes()
}

// section writes one block's keys, then the blocks below it.
func section(b *bytes.Buffer, path string, keys []key) {
	b.WriteString("| key | takes | default |\n| --- | --- | --- |\n")
	for _, k := range keys {
		if k.later == "" {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.name, cell(k.typ.words), cell(k.fallback()))
		}
	}
	b.WriteByte('\n')
	for _, k := range keys {
		if k.later != "" {
			continue
		}
		full := strings.TrimPrefix(path+"."+k.name, ".")
		fmt.Fprintf(b, "- **`%s`**: %s", full, k.doc)
		if k.example != "" {
			fmt.Fprintf(b, " Example: `%s: %s`", k.name, k.example)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for _, k := range keys {
		if k.typ.keys == nil || k.later != "" {
			continue
		}
		full := strings.TrimPrefix(path+"."+k.name, ".")
		if k.typ.named != "" {
			full += "." + strings.ToUpper(k.typ.named)
		}
		if k.typ.many {
			full += "[]"
		}
		fmt.Fprintf(b, "## %s\n\n", full)
		section(b, full, k.typ.keys)
	}
}

// fallback says what holds where the key is left out.
func (k key) fallback() string {
	switch {
	case k.required:
		return "must be given"
	case k.def != "":
		return "`" + k.def + "`"
	case k.defWords != "":
		return k.defWords
	case k.typ.keys != nil:
		return "its own defaults"
	}
	return "none"
}

// cell keeps a text from ending a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// unbuilt lists what later versions bring.
func unbuilt(b *bytes.Buffer) {
	b.WriteString("## Not in this version\n\nThese keys are known and refused, with what works now instead:\n\n")
	var walk func(path string, keys []key)
	walk = func(path string, keys []key) {
		for _, k := range keys {
			full := strings.TrimPrefix(path+"."+k.name, ".")
			if k.later != "" {
				fmt.Fprintf(b, "- `%s`: %s\n", full, k.later)
			}
			walk(full, k.typ.keys)
		}
	}
	walk("", rootKeys())
}

package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Columns is how wide a table may be.
const Columns = 80

// Table writes rows below their heads; numbers stand to the right, and what is too long for the screen is cut in the
// last column.
func Table(out io.Writer, heads []string, rows [][]string) {
	widths := make([]int, len(heads))
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range append([][]string{heads}, rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if number := strings.Trim(rows[0][i], "0123456789") == "" && rows[0][i] != ""; number {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(out, Shorten(strings.TrimRight(line.String(), " "), Columns))
	}
}

// Shorten cuts a text that has more characters than may be shown.
func Shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

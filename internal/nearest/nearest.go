// Package nearest finds the name that a person most likely meant, for "did you mean" in error messages.
package nearest

import "unicode/utf8"

// Of returns the name that is closest to word, or "" when none is close enough to be worth suggesting. Closeness is the
// number of letters to insert, delete, replace or swap with a neighbour; a third of the word's letters may differ, one
// at least. Case counts as half a letter: ID is near id. Of two names equally near, the first in the list wins.
func Of(word string, names []string) string {
	if n := utf8.RuneCountInString(word); n == 0 || n > maxLen {
		return ""
	}
	from := []rune(word)
	best, bestCost := "", 2*limit(len(from))+1
	for _, name := range names {
		if name == word || len(name) > maxLen {
			continue
		}
		if cost := distance(from, []rune(name), bestCost); cost < bestCost {
			best, bestCost = name, cost
		}
	}
	return best
}

// maxLen bounds the work on one name; longer ones are never suggested.
const maxLen = 64

// limit is how many letters may differ in a word of n letters.
func limit(n int) int { return max(1, n/3) }

// distance is the optimal string alignment distance in half letters; it may stop early with any value of at least most.
func distance(a, b []rune, most int) int {
	if 2*abs(len(a)-len(b)) >= most {
		return most
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = 2 * j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = 2 * i
		least := row[0]
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+2, row[j-1]+2, last[j-1]+replace(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+2)
			}
			least = min(least, row[j])
		}
		if least >= most {
			return most
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// replace is the cost of reading one letter for another. A dash for an underscore is as near as another case.
func replace(a, b rune) int {
	switch {
	case a == b:
		return 0
	case lower(a) == lower(b), a == '-' && b == '_', a == '_' && b == '-':
		return 1
	}
	return 2
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func abs(n int) int { return max(n, -n) }

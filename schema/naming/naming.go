// Package naming makes names of types from the names of collections: photos is a list, and one of it is a Photo.
package naming

import "strings"

// Singular takes the plural off a name, as far as English is regular; a name that looks like no plural stays.
func Singular(name string) string {
	for _, end := range []struct{ many, one string }{
		{"ss", "ss"},
		{"us", "us"},
		{"is", "is"},
		{"news", "news"},
		{"series", "series"},
		{"people", "person"},
		{"children", "child"},
		{"ies", "y"},
		{"sses", "ss"},
		{"shes", "sh"},
		{"ches", "ch"},
		{"xes", "x"},
		{"s", ""},
	} {
		if stem, ok := strings.CutSuffix(name, end.many); ok && len(stem+end.one) > 0 {
			return stem + end.one
		}
	}
	return name
}

// Pascal writes a name of words that are joined by _ in one word, each with a capital: like_counts is LikeCounts.
func Pascal(name string) string {
	var b strings.Builder
	for _, word := range strings.Split(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

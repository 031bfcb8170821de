package cli

import (
	"slices"
	"strings"
)

// Nearest returns the name that a mistyped one was probably meant to be, or
// nothing when none is close.
func Nearest(typed string, names []string) string {
	best, distance := "", len(typed)/3+2
	for _, n := range names {
		d := EditDistance(strings.ToLower(typed), n)
		if 2*d > max(len(typed), len(n)) && !sameLetters(typed, n) {
			continue // most of it is something else
		}
		if d < distance || d == distance-1 && best == "" {
			best, distance = n, d
		}
	}
	return best
}

// EditDistance is the Levenshtein distance: how many letters have to be inserted,
// deleted or replaced.
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}

// sameLetters reports whether two names differ in the order of their letters alone.
func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

package config

import (
	"slices"
	"strings"
)

// suggest ends a message about an unknown word: with the nearest of those that could stand in its place, or of the keys
// elsewhere, given as paths, of which only the last part is compared; or else with all that could stand there.
func suggest(word string, here, elsewhere []string) string {
	near := Nearest(word, here)
	if near == nil {
		near = nearest(word, elsewhere)
	}
	switch {
	case near != nil:
		return "; did you mean " + strings.Join(near[:min(3, len(near))], " or ") + "?"
	case len(here) > 0:
		return "; want one of " + strings.Join(here, ", ")
	}
	return "; nothing can be set here"
}

// DidYouMean ends a message about an unknown name: with the nearest of names, or with all of them.
func DidYouMean(name string, names []string) string {
	if near := Nearest(name, names); near != nil {
		return "; did you mean " + strings.Join(near[:min(3, len(near))], " or ") + "?"
	}
	if len(names) == 0 {
		return ""
	}
	return "; there are " + strings.Join(names, ", ")
}

// Nearest returns the names that word is a slip of the finger away from, or else those that begin or end with it.
func Nearest(word string, names []string) []string {
	near := nearest(word, names)
	if near != nil || len(word) < 3 {
		return near
	}
	for _, n := range names {
		if low, w := strings.ToLower(n), strings.ToLower(word); strings.HasPrefix(low, w) || strings.HasSuffix(low, w) {
			near = append(near, n)
		}
	}
	return near
}

// nearest returns the paths whose last part is nearest to word and near enough for a slip of the finger.
func nearest(word string, paths []string) []string {
	best := max(1, len(word)/4)
	var out []string
	for _, p := range paths {
		d := distance(strings.ToLower(word), strings.ToLower(p[strings.LastIndex(p, ".")+1:]))
		if d < best {
			best, out = d, nil
		}
		if d == best && d < len(word) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// distance is the number of inserted, deleted, changed and exchanged neighboring bytes between a and b: the optimal string
// alignment distance.
func distance(a, b string) int {
	if abs(len(a)-len(b)) > 8 {
		return 8
	}
	var last, before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func abs(x int) int { return max(x, -x) }

package workload

import (
	"regexp"
	"testing"
)

// TestPatterns holds that every expression is one, and another than the rest.
func TestPatterns(t *testing.T) {
	seen := map[string]bool{}
	for _, expr := range Patterns(300) {
		if seen[expr] {
			t.Errorf("%s comes twice", expr)
		}
		seen[expr] = true
		if _, err := regexp.Compile(expr); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d expressions", len(seen))
	}
}

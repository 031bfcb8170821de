package store

import (
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/attack"
)

func TestTableOf(t *testing.T) {
	for _, number := range attack.Releases() {
		if table, err := TableOf(number); err != nil || table.Number() != number {
			t.Errorf("%s: %v, %v", number, table, err)
		}
	}
	for _, unknown := range []string{"99.1", "", "\x1b[31m19.1"} {
		table, err := TableOf(unknown)
		if table != nil || err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), attack.Current().Number()) {
			t.Errorf("%q: %v, %v", unknown, table, err)
		}
	}
}

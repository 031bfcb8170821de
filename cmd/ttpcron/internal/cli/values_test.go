package cli

import (
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestSizeAndAge(t *testing.T) {
	for text, want := range map[string]string{"512MiB": "512MiB", "1024MiB": "1GiB", "2G": "2GiB", "1000": "1000", "1kB": "1000", "0": "0", "3 KiB": "3KiB", "-1": "!", "x": "!", "9999999999TiB": "!", "": "!"} {
		var z Size
		got := "!"
		if err := z.Set(text); err == nil {
			got = z.String()
		}
		if got != want {
			t.Errorf("size %q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"90d": "90d", "2w": "14d", "36h": "36h0m0s", "0": "0", "1d12h": "36h0m0s", "-1d": "!", "x": "!"} {
		var a Age
		var got string
		if err := a.Set(text); err != nil {
			got = "!"
		} else {
			got = a.String()
		}
		if got != want {
			t.Errorf("age %q: %q, want %q", text, got, want)
		}
	}
}

func TestMinLevel(t *testing.T) {
	var m MinLevel
	if m.Levels() != ttpcron.DefaultMinLevels() || m.String() != "" {
		t.Errorf("before it is set: %v, %q", m.Levels(), m.String())
	}
	if !m.Admits(ttpcron.LevelInformational) {
		t.Error("before it is set it does not admit every level")
	}
	for _, text := range []string{"", "severe", "medium ", "0"} {
		if m.Set(text) == nil || m.IsSet {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"informational", "low", "Medium", "HIGH", "critical"} {
		if err := m.Set(text); err != nil || m.String() != strings.ToLower(text) || m.Levels() != ttpcron.FromLevel(m.Level) {
			t.Errorf("%q reads as %q, %v", text, m.String(), err)
		}
		for _, l := range ttpcron.Levels() {
			if m.Admits(l) != l.AtLeast(m.Level) {
				t.Errorf("%q admits %s: %v", text, l, m.Admits(l))
			}
		}
	}
}

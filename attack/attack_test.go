package attack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// each runs a test on every embedded release.
func each(t *testing.T, test func(t *testing.T, table *Table)) {
	for _, release := range Releases() {
		table, ok := In(release)
		if !ok {
			t.Fatalf("no release %s", release)
		}
		t.Run(release, func(t *testing.T) { test(t, table) })
	}
}

func TestTableIsWhole(t *testing.T) { each(t, testTableIsWhole) }

func testTableIsWhole(t *testing.T, table *Table) {
	counts := map[string]int{}
	last := ""
	for x := range table.All() {
		if x.ID <= last {
			t.Errorf("%s comes after %s", x.ID, last)
		}
		last = x.ID
		if x.Name == "" || strings.TrimSpace(x.Name) != x.Name {
			t.Errorf("%s: name %q", x.ID, x.Name)
		}
		// What T1687 runs on was not known when its table was made.
		if len(x.Tactics) == 0 || len(x.Platforms) == 0 && x.Live() && x.ID != "T1687" {
			t.Errorf("%s: tactics %v, platforms %v", x.ID, x.Tactics, x.Platforms)
		}
		switch {
		case x.Revoked:
			counts["revoked"]++
		case x.Deprecated:
			counts["deprecated"]++
		case x.Parent() == "":
			counts["technique"]++
		default:
			counts["sub-technique"]++
		}
	}
	// The numbers that MITRE gives for the release.
	want := map[string]map[string]int{
		"19.1": {"technique": 222, "sub-technique": 475, "revoked": 149, "deprecated": 12},
		"18.1": {"technique": 216, "sub-technique": 475, "revoked": 132, "deprecated": 12},
	}[table.Number()]
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the table holds %v, want %v", counts, want)
	}
}

func TestEverySubTechniqueHasItsParent(t *testing.T) { each(t, testEverySubTechniqueHasItsParent) }

func testEverySubTechniqueHasItsParent(t *testing.T, table *Table) {
	for x := range table.All() {
		if x.Parent() == "" {
			continue
		}
		parent, ok := table.Lookup(x.Parent())
		if !ok || x.Live() && !parent.Live() {
			t.Errorf("%s: parent %s found=%v live=%v", x.ID, x.Parent(), ok, parent.Live())
		}
		if want := parent.Name + ": " + x.Name; x.FullName() != want {
			t.Errorf("%s: full name %q, want %q", x.ID, x.FullName(), want)
		}
	}
}

func TestRevokedNamesLiveSuccessor(t *testing.T) { each(t, testRevokedNamesLiveSuccessor) }

func testRevokedNamesLiveSuccessor(t *testing.T, table *Table) {
	for x := range table.All() {
		if x.Revoked != (x.RevokedBy != "") || x.Revoked && x.Deprecated {
			t.Errorf("%s: revoked %v by %q, deprecated %v", x.ID, x.Revoked, x.RevokedBy, x.Deprecated)
		}
		if !x.Revoked {
			continue
		}
		if next, ok := table.Lookup(x.RevokedBy); !ok || !next.Live() {
			t.Errorf("%s: successor %s found=%v live=%v", x.ID, x.RevokedBy, ok, next.Live())
		}
	}
	// MITRE's own chain of two steps: T1150, then T1547.011, then T1647.
	if x, _ := table.Lookup("T1150"); x.RevokedBy != "T1647" {
		t.Errorf("T1150 was revoked by %s, want T1647", x.RevokedBy)
	}
}

func TestTacticsAreInMatrixOrder(t *testing.T) { each(t, testTacticsAreInMatrixOrder) }

func testTacticsAreInMatrixOrder(t *testing.T, table *Table) {
	var order []string
	for _, tactic := range table.Tactics() {
		order = append(order, tactic.ID)
		if table.TacticName(tactic.ID) != tactic.Name || tactic.ShortName != strings.ReplaceAll(strings.ToLower(tactic.Name), " ", "-") {
			t.Errorf("tactic %+v", tactic)
		}
	}
	want := "TA0043 TA0042 TA0001 TA0002 TA0003 TA0004 TA0005 TA0112 TA0006 TA0007 TA0008 TA0009 TA0011 TA0010 TA0040"
	if table.Number() == "18.1" {
		want = strings.ReplaceAll(want, "TA0112 ", "")
	}
	if got := strings.Join(order, " "); got != want {
		t.Fatalf("tactics %s, want %s", got, want)
	}
	for x := range table.All() {
		at := -1
		for _, id := range x.Tactics {
			i := slices.Index(order, id)
			if i <= at {
				t.Errorf("%s: tactics %v are unknown or out of order", x.ID, x.Tactics)
			}
			at = i
		}
	}
}

func TestLookup(t *testing.T) {
	x, ok := Lookup("T1110.003")
	if !ok || x.Name != "Password Spraying" || x.FullName() != "Brute Force: Password Spraying" || x.Parent() != "T1110" ||
		!slices.Contains(x.Tactics, "TA0006") || slices.Contains(x.Tactics, "TA0001") || !slices.Contains(x.Platforms, "Linux") || !x.Live() {
		t.Errorf("T1110.003: %+v, %v", x, ok)
	}
	for _, id := range []string{"", "T", "T9999", "T1110.999", "t1110", "T1110 ", "TA0006", "T1110.003\n"} {
		if x, ok := Lookup(id); ok || x.ID != "" {
			t.Errorf("Lookup(%q) found %+v", id, x)
		}
	}
	if Current().TacticName("TA9999") != "" || Current().TacticName("") != "" {
		t.Error("an unknown tactic has a name")
	}
}

func TestURL(t *testing.T) {
	for id, want := range map[string]string{
		"T1059":       "https://attack.mitre.org/techniques/T1059/",
		"T1059.004":   "https://attack.mitre.org/techniques/T1059/004/",
		"TA0002":      "https://attack.mitre.org/tactics/TA0002/",
		"":            "",
		"T1059.4":     "",
		"T1059.004.1": "",
		"T10590":      "",
		"TA0002.001":  "",
		"T1059/../x":  "",
		"T105é":       "",
	} {
		if got := URL(id); got != want {
			t.Errorf("URL(%q) = %q, want %q", id, got, want)
		}
	}
}

// The licence asks that every copy carry it.
func TestLicenceNamesMITRE(t *testing.T) {
	if !strings.Contains(licence, "© 2026 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.") {
		t.Error("LICENSE-MITRE-ATTACK.txt lacks MITRE's copyright designation")
	}
}

func ExampleLookup() {
	x, _ := Lookup("T1059.004")
	fmt.Println(x.FullName())
	fmt.Println(Current().TacticName(x.Tactics[0]), URL(x.ID))

	old, _ := Lookup("T1146")
	fmt.Println(old.Name, "is now", old.RevokedBy)
	// Output:
	// Command and Scripting Interpreter: Unix Shell
	// Execution https://attack.mitre.org/techniques/T1059/004/
	// Clear Command History is now T1070.003
}

func BenchmarkLookup(b *testing.B) {
	Lookup("T1059.004")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Lookup("T1059.004"); !ok {
			b.Fatal("not found")
		}
	}
}

// TestSTIX holds that every technique has MITRE's own object, the same in every release,
// and a date where it is known.
func TestSTIX(t *testing.T) {
	for _, table := range Tables() {
		seen := map[string]string{}
		undated := 0
		for x := range table.All() {
			id, ok := strings.CutPrefix(x.STIX, "attack-pattern--")
			if _, valid := ttpcron.ParseUUID(id); !ok || !valid || seen[id] != "" {
				t.Errorf("%s, %s: STIX id %q, which %q has too", table.Release(), x.ID, x.STIX, seen[id])
			}
			seen[id] = x.ID
			if other, ok := Lookup(x.ID); ok && (other.STIX != x.STIX || other.Created != x.Created) {
				t.Errorf("%s is another object in %s", x.ID, table.Release())
			}
			if x.Created == "" {
				undated++
			} else if _, err := time.Parse("2006-01-02T15:04:05.000Z", x.Created); err != nil {
				t.Errorf("%s was made at %q", x.ID, x.Created)
			}
		}
		if want := map[string]int{"19.1": 23}[table.Number()]; undated != want {
			t.Errorf("%s: %d techniques have no date, want %d", table.Release(), undated, want)
		}
	}
}

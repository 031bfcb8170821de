//go:build !386 && !arm && !mips && !mipsle

// The writer of MaxMind DB files does not build for 32 bits.

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Attackers' places are those in the user's files, safe to show.
func TestAttackerPlaces(t *testing.T) {
	dir := t.TempDir()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "test", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, network, _ := net.ParseCIDR("203.0.113.0/24")
	err = tree.Insert(network, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("NL"), "names": mmdbtype.Map{"en": mmdbtype.String("Netherlands")}},
		"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("=A\x1b[31m")})
	if err != nil {
		t.Fatal(err)
	}
	places, db := filepath.Join(dir, "p.mmdb"), filepath.Join(dir, "t.db")
	f, err := os.Create(places)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	events := filepath.Join(dir, "events.jsonl")
	if err := os.WriteFile(events, []byte(remoteEvents+strings.ReplaceAll(strings.ReplaceAll(remoteEvents, "203.0.113.", "192.0.2."), `"source_id":"`, `"source_id":"x`)), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"TTPCRON_DB=" + db, "COLUMNS=160", "LANG=C.UTF-8"}
	if code, _, errs := invoke(t, env, "import", events); code != exitDone {
		t.Fatal(errs)
	}
	env = append(env, "TTPCRON_MMDB="+places)
	for _, tt := range []struct {
		args  string
		code  int
		shows []string
		lines int
	}{
		{"attackers", 0, []string{"FROM", "NETWORK", `AS64500 =A\x1b[31m`}, 7},
		{"attackers --country nl", 0, []string{"203.0.113.7"}, 4},
		{"attackers --country XX", 0, nil, 0},
		{"attackers --by country --sort name", 0, []string{"NL Netherlands", "(not known)"}, 3},
		{"attackers --by network --json", 0, []string{`{"network":"AS64500 =A\u001b[31m","attackers":3,"events":4,`}, 2},
		{"attackers --attacker 203.0.113.7 --json", 0, []string{`"country":"NL","country_name":"Netherlands","asn":64500,"network":"=A\u001b[31m"}`}, 1},
		{"attackers --attacker 203.0.113.7 --csv", 0, []string{`,NL,Netherlands,64500,'=A\x1b[31m`}, 2},
		{"attackers --by planet", 2, nil, 0},
		{"attackers --mmdb " + events, 1, nil, 0},
		{"session s1 --mmdb " + events, 1, nil, 0},
	} {
		code, out, errs := invoke(t, env, strings.Fields(tt.args)...)
		if code != tt.code || strings.Count(out, "\n") != tt.lines || raw(out) {
			t.Errorf("%s: exit %d: %s%s", tt.args, code, out, errs)
		}
		for _, s := range tt.shows {
			if !strings.Contains(out, s) {
				t.Errorf("%s does not show %q: %s", tt.args, s, out)
			}
		}
		if code == 1 && !strings.Contains(errs, events) {
			t.Errorf("%s: %s", tt.args, errs)
		}
	}
	for _, args := range [][]string{{"session", "s1"}, {"attacker", "203.0.113.7"}} {
		code, out, errs := invoke(t, env, args...)
		if where := `Netherlands, AS64500 =A\x1b[31m`; code != exitDone || !strings.Contains(out, where) || raw(out) {
			t.Errorf("%v does not say where it came from: exit %d: %s%s", args, code, out, errs)
		}
	}
	if code, _, errs := invoke(t, env[:3], "attackers", "--by", "country"); code != exitUsage || !strings.Contains(errs, "--mmdb FILE") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

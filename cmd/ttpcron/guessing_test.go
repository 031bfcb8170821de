package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// TestGuessingIsCounted: the pack's correlations of logins find what a plain count of the
// same logs finds: addresses that had so many passwords refused for one account, or for so
// many accounts, within a span of time.
func TestGuessingIsCounted(t *testing.T) {
	t.Parallel()
	logs := map[string][]string{"made": {madeLogins(t)}}
	for _, h := range testlogs.All(t) {
		logs[h.Name] = h.CowrieLogs(t)
	}
	for name, paths := range logs {
		t.Run(name, func(t *testing.T) {
			p := program{t, []string{"TTPCRON_DB=" + filepath.Join(t.TempDir(), "t.db")}}
			p.ok(append([]string{"import"}, paths...)...)
			p.ok("run-once")
			logins := testlogs.RefusedLogins(t, paths...)
			for _, test := range []struct {
				rule    string
				span    time.Duration
				atLeast int
				counts  func(*testlogs.Login) bool
				group   func(*testlogs.Login) []string
				value   func(*testlogs.Login) string // nil counts logins
			}{
				{"TC4000", 10 * time.Minute, 5, passwordNoted, addressAndUser, password},
				{"TC4001", 24 * time.Hour, 30, passwordNoted, addressAndUser, password},
				{"TC4127", 10 * time.Minute, 12, func(l *testlogs.Login) bool { return !l.PasswordNoted }, addressAndUser, nil},
				{"TC4002", time.Hour, 10, func(*testlogs.Login) bool { return true }, func(l *testlogs.Login) []string { return []string{l.Address} }, user},
				{"TC4003", time.Hour, 5, func(l *testlogs.Login) bool { return commonPasswords[l.Password] }, func(l *testlogs.Login) []string { return []string{l.Address, l.Password} }, user},
			} {
				want := map[string]bool{}
				groups := map[string][]*testlogs.Login{}
				for i := range logins {
					if !test.counts(&logins[i]) {
						continue
					}
					key := fmt.Sprintf("%q", test.group(&logins[i]))
					groups[key] = append(groups[key], &logins[i])
				}
				for key, of := range groups {
					for _, last := range of {
						n, values := 0, map[string]bool{}
						for _, l := range of {
							if d := last.Time.Sub(l.Time); d >= 0 && d <= test.span {
								n++
								if test.value != nil {
									values[test.value(l)] = true
								}
							}
						}
						if test.value != nil {
							n = len(values)
						}
						if n >= test.atLeast {
							want[fmt.Sprintf("%s %d", key, last.Time.Unix()/int64(test.span/time.Second))] = true
						}
					}
				}
				got := foundSlots(t, p.ok("tags", "--rule", test.rule, "--json", "--limit", "0"))
				if test.rule == "TC4003" { // what else is a common password only the rule knows
					maps.DeleteFunc(got, func(key string, _ bool) bool { return !commonPasswords[strings.Split(key, `"`)[3]] })
				}
				if !maps.Equal(got, want) {
					t.Errorf("%s: found\n%s\nwant\n%s", test.rule, sortedKeys(got), sortedKeys(want))
				}
				if name == "made" && len(got) == 0 {
					t.Errorf("%s: nothing was found", test.rule)
				}
			}
		})
	}
}

// madeLogins writes a log of refused logins: few addresses, accounts and passwords, in
// bursts at whole seconds, so that windows end exactly at their edges, with days between
// some of them.
func madeLogins(t *testing.T) string {
	rnd := rand.New(rand.NewPCG(1, 10))
	var log bytes.Buffer
	at := time.Date(2026, 5, 4, 5, 0, 0, 0, time.UTC)
	for i := range 6000 {
		switch rnd.IntN(600) {
		case 0:
			at = at.Add(time.Duration(rnd.IntN(40)) * time.Hour)
		case 1, 2, 3:
			at = at.Add(time.Duration(rnd.IntN(12)) * time.Minute)
		default:
			at = at.Add(time.Duration(rnd.IntN(3)) * 2 * time.Second)
		}
		password := fmt.Sprintf(`"password":"p%d",`, int(rnd.ExpFloat64()*20))
		switch rnd.IntN(6) {
		case 0:
			password = fmt.Sprintf(`"password":%q,`, []string{"123456", "admin", "password"}[rnd.IntN(3)])
		case 1, 2, 3:
			password = ""
		}
		fmt.Fprintf(&log, `{"eventid":"cowrie.login.failed","timestamp":"%s","session":"%012x","src_ip":"203.0.113.%d","sensor":"s%d","username":"u%d",%s"message":""}`+"\n",
			at.Format("2006-01-02T15:04:05.000000Z"), i, rnd.IntN(4), rnd.IntN(2), int(rnd.ExpFloat64()*1.5), password)
	}
	path := filepath.Join(t.TempDir(), "cowrie.json")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func addressAndUser(l *testlogs.Login) []string { return []string{l.Address, l.Username} }

func passwordNoted(l *testlogs.Login) bool { return l.PasswordNoted }

func password(l *testlogs.Login) string { return l.Password }

func user(l *testlogs.Login) string { return l.Username }

// commonPasswords are some of those in the pack's rule about commonly used passwords.
var commonPasswords = map[string]bool{"123456": true, "admin": true, "password": true, "1234": true, "123": true, "root": true, "abc123": true}

// foundSlots are the groups and slots of tags of a correlation.
func foundSlots(t *testing.T, tags string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for line := range strings.Lines(tags) {
		var tag struct {
			Evidence struct {
				Group map[string]string
				Slot  int64
			}
		}
		if err := json.Unmarshal([]byte(line), &tag); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		var group []string
		for _, name := range slices.Sorted(maps.Keys(tag.Evidence.Group)) {
			group = append(group, tag.Evidence.Group[name])
		}
		found[fmt.Sprintf("%q %d", group, tag.Evidence.Slot)] = true
	}
	return found
}

func sortedKeys(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), "\n") }

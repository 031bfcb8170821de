package export

import (
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func TestSelecting(t *testing.T) {
	at := time.Date(2026, 5, 4, 1, 2, 3, 0, time.UTC)
	networks, _ := ttpcron.ParseNetworks("192.0.2.0/24")
	for _, c := range []struct {
		q             ttpcron.TagQuery
		narrows, says string
	}{
		{ttpcron.TagQuery{}, "", ""},
		{ttpcron.TagQuery{MinLevels: ttpcron.DefaultMinLevels(), UpTo: 7, Limit: 3, Window: ttpcron.Window{Since: at}}, "", ""},
		{ttpcron.TagQuery{Attacker: "203.0.113.7", Networks: networks, Sensor: "s", Technique: "T1059"}, "", "attacker 203.0.113.7, network 192.0.2.0/24, sensor s, technique T1059"},
		{ttpcron.TagQuery{Session: "s1", Rule: "R1", Tactics: []string{"TA0001", "TA0002"}, MinConfidence: 0.5}, "session s1, tactic TA0001 or TA0002, rule R1, confidence at least 0.5", ""},
		{ttpcron.TagQuery{MinLevels: ttpcron.FromLevel(ttpcron.LevelHigh), Levels: []ttpcron.Level{ttpcron.LevelHigh, ttpcron.LevelCritical}}, "level at least high, level high or critical", ""},
		{ttpcron.TagQuery{MinLevels: ttpcron.MinLevels{Honeypot: ttpcron.LevelLow, Host: ttpcron.LevelHigh}}, "level at least low on honeypots, level at least high on hosts", ""},
		{ttpcron.TagQuery{ArrivedAfter: 9, FoundSince: at, MadeSince: at}, "arrived after event 9, findings since 2026-05-04T01:02:03Z, made since 2026-05-04T01:02:03Z", ""},
	} {
		if got := strings.Join(narrowing(&c.q), ", "); got != c.narrows {
			t.Errorf("narrowing: %q, want %q", got, c.narrows)
		}
		if got := strings.Join(selecting(&c.q), ", "); got != c.says && got != c.narrows {
			t.Errorf("selecting: %q, want %q", got, c.says)
		}
	}
}

func TestSelectionWords(t *testing.T) {
	since := ttpcron.Window{Since: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		q    ttpcron.TagQuery
		want string
	}{
		{ttpcron.TagQuery{}, "all events"},
		{ttpcron.TagQuery{Window: since}, "events since 2026-05-04 00:00 UTC"},
		{ttpcron.TagQuery{Technique: "T1059", Attacker: "203.0.113.7"}, "attacker 203.0.113.7, technique T1059"},
		{ttpcron.TagQuery{MinLevels: ttpcron.FromLevel(ttpcron.LevelHigh), Window: since}, "level at least high, events since 2026-05-04 00:00 UTC"},
	} {
		if got := selectionWords(&c.q); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

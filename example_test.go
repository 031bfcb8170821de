package ttpcron_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A tag's identity comes from the event and the claim. When and where the tag
// was made plays no part, so a replay makes the same tag again.
func ExampleTag_UUID() {
	tag := ttpcron.Tag{
		SourceKind: ttpcron.Command,
		SourceID:   "cmd_42",
		Claim:      ttpcron.Claim{RuleID: "R0015", RuleVersion: 1, TechniqueID: "T1548", SubTechniqueID: "T1548.001"},
	}
	fmt.Println(tag.UUID())
	tag.CreatedAt = time.Now()
	fmt.Println(tag.UUID())
	// Output:
	// 4fd57b14-c135-544c-97d9-4fabc1051584
	// 4fd57b14-c135-544c-97d9-4fabc1051584
}

// A line without a source_id is known again by what it says.
func ExampleEvent_ContentID() {
	const line = `{"source_kind":"command","time":"2026-05-04T05:49:05.586207Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a"}}`
	var first, second ttpcron.Event
	_ = json.Unmarshal([]byte(line), &first)
	_ = json.Unmarshal([]byte(`{"payload":{"command_text":"uname -a"},"attacker_ip":"203.0.113.7","time":"2026-05-04T07:49:05.586207+02:00","source_kind":"command"}`), &second)
	fmt.Println(first.ContentID() == second.ContentID())
	// Output: true
}

func ExampleWindow() {
	now := time.Date(2026, 11, 8, 12, 0, 0, 0, time.UTC)
	week := ttpcron.Window{Since: now.AddDate(0, 0, -7), Until: now}
	for _, day := range []string{"2026-10-31", "2026-11-01", "2026-11-02"} {
		start, _ := time.Parse(time.DateOnly, day)
		d := ttpcron.DayOf(start)
		fmt.Println(d, week.Overlaps(d), week.Covers(d))
	}
	// Output:
	// 2026-10-31 false false
	// 2026-11-01 true false
	// 2026-11-02 true true
}

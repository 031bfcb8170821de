package ttpcron

import (
	"testing"
	"time"
)

func TestCoverageBy(t *testing.T) {
	c := Coverage{Kind: Command, Day: 3, RuleSet: "a", After: 5, UpTo: 9, Since: time.Unix(1, 0), Events: 4, Tagged: 3, Tags: 2, Skipped: 1, Bounded: 1}
	want := Coverage{Kind: Command, Day: 3, RuleSet: "b", After: 5, UpTo: 9, Since: time.Unix(1, 0), Uncounted: true}
	if got := c.By("b"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

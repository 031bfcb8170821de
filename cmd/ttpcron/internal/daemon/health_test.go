package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// Health goes by elapsed time: a clock that was ahead when a run ended well does not make
// the daemon healthy for years, and one that jumps ahead does not make it ill.
func TestHealthUnderAWrongClock(t *testing.T) {
	b := newBench(t, nodetest.EverySecond)
	b.n.Event(0, 0)
	b.since = time.Hour
	if why, _ := b.d.unhealthy(); why == "" {
		t.Error("healthy without a run")
	}
	b.clock = b.clock.AddDate(10, 0, 0)
	b.run("often")
	for _, step := range []struct {
		years int
		after time.Duration
		well  bool
	}{{-10, time.Minute, true}, {0, time.Hour, false}, {20, 0, false}} {
		b.clock = b.clock.AddDate(step.years, 0, 0)
		b.since += step.after
		if why, _ := b.d.unhealthy(); (why == "") != step.well {
			t.Errorf("%+v: %q", step, why)
		}
	}
	b.run("often")
	b.clock = b.clock.AddDate(50, 0, 0)
	if why, _ := b.d.unhealthy(); why != "" {
		t.Error(why)
	}
}

// Repetitions are logged once, however many there are.
func TestSaidOnce(t *testing.T) {
	s := &saidOnce{}
	for run := range 3 {
		s.next()
		news := 0
		for i := range 20_000 {
			if s.news(fmt.Sprintf("%d is a FIFO", i)) {
				news++
			}
		}
		if want := map[bool]int{true: 20_000}[run == 0]; news != want {
			t.Errorf("run %d says %d things, want %d", run, news, want)
		}
	}
}

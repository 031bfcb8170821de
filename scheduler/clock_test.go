package scheduler

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const years = 365 * 24 * time.Hour

// What a clock that was ten years ahead has left behind keeps nothing waiting.
func TestClockThatWasAhead(t *testing.T) {
	tests := []struct {
		name string
		run  func(w *world)
	}{
		{"a last run ten years ahead does not count", func(w *world) {
			w.begin(Options{}, last(w.job("five", "*/5 * * * *"), start.Add(10*years)), last(w.job("every", "@every 24h"), start.Add(10*years)))
			w.pass(5 * time.Minute)
			w.want("every 12:00:10, five 12:05:00")
		}},
		{"a run that was asked for before a step back does not wait for jobs that are always due", func(w *world) {
			w.set(10 * years)
			w.begin(Options{}, w.long("a", "@every 1s", 3*time.Second), w.long("b", "@every 1s", 3*time.Second))
			w.pass(time.Second)
			ticket := w.ask("asked", 0)
			w.set(-10 * years)
			w.pass(time.Minute)
			select {
			case <-ticket.Started():
			default:
				w.t.Error("it did not begin in a minute")
			}
		}},
		{"a pause ends when its time has passed", func(w *world) {
			w.set(10 * years)
			fails := true
			w.begin(Options{}, w.does("every", "@every 1s", func(context.Context) error {
				if fails {
					return errors.New("no")
				}
				return nil
			}))
			w.pass(time.Millisecond)
			fails = false
			w.set(-10 * years)
			w.pass(29 * time.Second)
			w.want("every 12:00:10")
			w.pass(2 * time.Second)
			w.want("every 12:00:40, every 12:00:41")
		}},
		{"max-runtime does not feel a step", func(w *world) {
			w.begin(Options{}, limited(w.long("long", "@every 1h", 3*time.Minute), 5*time.Minute), limited(w.long("five", "*/5 * * * *", 10*time.Minute), time.Minute))
			w.pass(time.Minute)
			w.set(10 * years)
			w.pass(time.Minute)
			w.set(-10 * years)
			w.pass(3 * time.Minute)
			w.counts("long", "runs 1 failures 0 stopped 0 missed 0 skipped 1000")
			w.pass(10 * time.Minute)
			if s := w.status("five"); s.Stopped == 0 {
				w.t.Errorf("five: %+v", s)
			}
		}},
		{"ahead and back again: each schedule goes on", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"), w.job("daily", "30 12 * * *"), w.job("every", "@every 10m"))
			w.pass(time.Minute)
			w.set(10 * years)
			w.pass(time.Minute)
			w.set(-10 * years)
			w.want("every 12:00:10, five 12:01:40, every 12:01:40, daily 12:01:40")
			w.pass(30 * time.Minute)
			w.want("five 12:05:00, five 12:10:00, every 12:10:10, five 12:15:00, five 12:20:00, every 12:20:10, five 12:25:00, five 12:30:00, daily 12:30:00, every 12:30:10")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.run(w)
				if w.cancel != nil {
					w.cancel()
				}
			})
		})
	}
}

// A run that is cancelled while it waits ends at once, whatever runs.
func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.begin(Options{}, w.long("long", "@every 1h", time.Hour))
		first, second := w.ask("first", 0), w.ask("second", 0)
		first.Cancel()
		synctest.Wait()
		select {
		case <-first.Done():
		default:
			t.Error("it waits for the run in progress")
		}
		if !errors.Is(first.Err(), context.Canceled) {
			t.Errorf("it ended with %v", first.Err())
		}
		if n := len(w.s.queue); n != 1 {
			t.Errorf("%d runs wait, want 1", n)
		}
		second.Cancel()
		second.Cancel()
		w.cancel()
	})
}

package scheduler

import "time"

// MaxStepBack is the longest step back of the clock after which past occurrences do not
// occur again, and the furthest in the future that a last run may be to be believed.
// Debian's cron draws the line at three hours, for jobs that run rarely; here a job of
// every minute must not wait that long.
const MaxStepBack = time.Hour

// maxCount is how many missed occurrences are counted.
const maxCount = 1000

// entry is an Entry and its place in time.
type entry struct {
	Entry
	offset time.Duration
	next   time.Time // the occurrence that is waited for; zero: none
	floor  time.Time // occurrences of times up to here are done with
	last   moment    // the last occurrence of an interval
	failed moment    // when it failed last
	pause  time.Duration
	status Status
}

func newEntry(e Entry, now moment, offset time.Duration) *entry {
	n := &entry{Entry: e, offset: offset}
	n.place(now, e.Last.Round(0).UTC())
	return n
}

// place finds the entry's place in time from when the job last ran.
func (e *entry) place(now moment, last time.Time) {
	known := !last.IsZero() && last.Sub(now.wall) <= MaxStepBack // else a clock was wrong when it ran, or is now
	if e.interval() {
		ago := max(0, now.wall.Sub(last))
		if !known {
			ago = e.Schedule.Every() - e.offset%e.Schedule.Every()
		}
		e.last = now.minus(ago)
		e.next = e.last.wall.Add(e.Schedule.Every())
		return
	}
	e.floor = now.wall
	if known {
		e.floor = last
	}
	e.next = e.after(e.floor)
}

func (e *entry) interval() bool { return e.Schedule.Every() > 0 }

// after returns the first occurrence of times after t.
func (e *entry) after(t time.Time) time.Time {
	next := e.Schedule.Next(t.Add(-e.offset))
	if next.IsZero() {
		return next
	}
	return next.Add(e.offset).UTC()
}

// correct takes note of a clock that was set back too far for occurrences to
// wait until it catches up, and returns by how much.
func (e *entry) correct(now moment) (back time.Duration) {
	if e.interval() {
		// Where the clock stands has no part in an interval but for show.
		e.next = now.wall.Add(e.Schedule.Every() - now.since(e.last))
		return 0
	}
	back = e.floor.Sub(now.wall)
	if back <= MaxStepBack {
		return 0
	}
	e.floor = now.wall
	e.next = e.after(now.wall)
	return back
}

// due reports whether an occurrence has come.
func (e *entry) due(now moment) bool {
	if e.interval() {
		return now.since(e.last) >= e.Schedule.Every()
	}
	return !e.next.IsZero() && !e.next.After(now.wall)
}

// overdue is how long an occurrence that has come has waited.
func (e *entry) overdue(now moment) time.Duration {
	if e.interval() {
		return now.since(e.last) - e.Schedule.Every()
	}
	return now.wall.Sub(e.next)
}

// paused reports whether the job failed so recently that it must wait.
func (e *entry) paused(now moment) bool {
	return e.status.InRow > 0 && now.since(e.failed) < e.pause
}

// wait is how long nothing has to be done for the job.
func (e *entry) wait(now moment) time.Duration {
	var d time.Duration
	switch {
	case e.interval():
		d = e.Schedule.Every() - now.since(e.last)
	case e.next.IsZero():
		return maxEvery
	default:
		d = e.next.Sub(now.wall)
	}
	if e.status.InRow > 0 {
		d = max(d, e.pause-now.since(e.failed))
	}
	return d
}

// consume is done with all occurrences that have come, and returns how many
// there were, maxCount at most.
func (e *entry) consume(now moment) int {
	if e.interval() {
		every := e.Schedule.Every()
		since := now.since(e.last)
		e.last = now.minus(since % every)
		e.next = e.last.wall.Add(every)
		return int(min(since/every, maxCount))
	}
	n := 0
	for n < maxCount && e.due(now) {
		n++
		e.next = e.after(e.next)
	}
	e.floor = now.wall
	e.next = e.after(e.floor)
	return n
}

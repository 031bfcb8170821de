package kv_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// loginMatches are the matches of logins in three streams, as a run commits them.
type loginMatches struct {
	streams [3]*ttpcron.Stream
	names   []string
	groups  int // addresses
	span    time.Duration
	r       *rand.Rand
	seq     uint64
	all     uint64 // events
}

func newLoginMatches(groups int, span time.Duration, all int) *loginMatches {
	ip := []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}
	user := []ttpcron.GroupField{ip[0], {Name: "username", From: "username"}}
	l := &loginMatches{groups: groups, span: span, all: uint64(all), r: rand.New(rand.NewPCG(1, 2))}
	l.streams = [3]*ttpcron.Stream{
		ttpcron.NewStream("R1", ttpcron.AuthAttempt, ip, []string{"username", "password"}, [16]byte{}),
		ttpcron.NewStream("R1", ttpcron.AuthAttempt, user, nil, [16]byte{}),
		ttpcron.NewStream("R2", ttpcron.AuthAttempt, ip, nil, [16]byte{}),
	}
	for i := range 2000 {
		l.names = append(l.names, fmt.Sprintf("t\x06user%02d", i%100))
	}
	return l
}

// commit returns the matches of the next events.
func (l *loginMatches) commit(events int) (c ttpcron.Commit) {
	for range events {
		l.seq++
		at := benchStart.Add(time.Duration(float64(l.span) * float64(l.seq) / float64(l.all))).Truncate(time.Microsecond)
		n := l.r.IntN(l.groups)
		address := fmt.Sprintf("%d.%d.%d.%d", 20+n>>24, n>>16&255, n>>8&255, n&255)
		ip := fmt.Sprintf("\x00t%c%s", len(address), address)
		name := l.names[l.r.IntN(len(l.names))]
		values := fmt.Sprintf("%st\x06pass%02d", name, l.r.IntN(1000))
		c.Matches = append(c.Matches,
			ttpcron.BaseMatch{Stream: l.streams[0], Group: ip, Values: values, Time: at, Seq: l.seq},
			ttpcron.BaseMatch{Stream: l.streams[1], Group: ip + name, Time: at, Seq: l.seq},
			ttpcron.BaseMatch{Stream: l.streams[2], Group: ip, Time: at, Seq: l.seq})
	}
	return c
}

var benchStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// cpu returns the time that the process has taken of processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stopwatch adds up time of processors.
type stopwatch struct{ sum, began time.Duration }

func (s *stopwatch) start() { s.began = cpu() }
func (s *stopwatch) stop()  { s.sum += cpu() - s.began }

// report reports the time for each of n matches.
func (s *stopwatch) report(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(s.sum.Nanoseconds())/float64(n), unit)
	b.ReportMetric(0, "ns/op")
}

func benchStore(b *testing.B, l *loginMatches, events int, w *stopwatch) (*kv.DB, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "b.db")
	db, err := kv.Open(b.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	const each = 6000
	for n := 0; n < events; n += each {
		c := l.commit(min(each, events-n))
		w.start()
		if _, err := db.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		w.stop()
	}
	return db, path
}

// matchCases are the histories of the benchmarks: half a million logins.
var matchCases = []struct {
	name   string
	groups int
	span   time.Duration
}{
	{"year", 20_000, 365 * 24 * time.Hour},
	{"day", 20_000, 23 * time.Hour},
	{"one-address-day", 1, 23 * time.Hour},
	{"addresses-day", 50_000_000, 23 * time.Hour},
}

const benchLogins = 500_000

// BenchmarkAddMatches adds the matches of logins: time for each match.
func BenchmarkAddMatches(b *testing.B) {
	for _, c := range matchCases {
		b.Run(c.name, func(b *testing.B) {
			var w stopwatch
			for range b.N {
				_, path := benchStore(b, newLoginMatches(c.groups, c.span, benchLogins), benchLogins, &w)
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(info.Size())/(3*benchLogins), "bytes/match")
			}
			w.report(b, b.N*3*benchLogins, "cpu-ns/match")
		})
	}
}

// BenchmarkScanMatches reads all matches of a grouping in order.
func BenchmarkScanMatches(b *testing.B) {
	for _, c := range matchCases {
		b.Run(c.name, func(b *testing.B) {
			l := newLoginMatches(c.groups, c.span, benchLogins)
			db, _ := benchStore(b, l, benchLogins, &stopwatch{})
			n := 0
			var w stopwatch
			w.start()
			for range b.N {
				for day := range ttpcron.Day(c.span/(24*time.Hour) + 1) {
					q := ttpcron.MatchQuery{Grouping: l.streams[0].Grouping()}
					q.Since = benchStart.AddDate(0, 0, int(day))
					q.Until = q.Since.AddDate(0, 0, 1)
					for _, err := range db.BaseMatches(b.Context(), q) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
				}
			}
			w.stop()
			w.report(b, n, "cpu-ns/match")
		})
	}
}

// BenchmarkSeekMatches reads the matches of a thousand groups in an hour.
func BenchmarkSeekMatches(b *testing.B) {
	for _, c := range matchCases {
		b.Run(c.name, func(b *testing.B) {
			l := newLoginMatches(c.groups, c.span, benchLogins)
			db, _ := benchStore(b, l, benchLogins, &stopwatch{})
			q := ttpcron.MatchQuery{Grouping: l.streams[0].Grouping(), Since: benchStart.Add(c.span / 2), Until: benchStart.Add(c.span/2 + time.Hour)}
			for _, m := range l.commit(1000).Matches {
				if m.Stream == l.streams[0] {
					q.Groups = append(q.Groups, ttpcron.Group(m.Group))
				}
			}
			var w stopwatch
			w.start()
			for range b.N {
				for _, err := range db.BaseMatches(b.Context(), q) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			w.stop()
			w.report(b, b.N*1e6, "cpu-ms/op")
		})
	}
}

// BenchmarkMatchIncrement adds the matches of a thousand events to a large store, and
// settles them.
func BenchmarkMatchIncrement(b *testing.B) {
	for _, c := range matchCases {
		b.Run(c.name, func(b *testing.B) {
			l := newLoginMatches(c.groups, c.span, benchLogins)
			db, _ := benchStore(b, l, benchLogins*9/10, &stopwatch{})
			settle(b, db)
			var w stopwatch
			for range b.N {
				m := l.commit(1000)
				w.start()
				if _, err := db.Commit(b.Context(), m); err != nil {
					b.Fatal(err)
				}
				settle(b, db)
				w.stop()
			}
			w.report(b, b.N*1e6, "cpu-ms/op")
		})
	}
}

// settle says that everything is judged.
func settle(b *testing.B, db *kv.DB) {
	var c ttpcron.Commit
	for from := ttpcron.Day(0); ; {
		days, err := db.MatchDays(b.Context(), from)
		if err != nil {
			b.Fatal(err)
		}
		if len(days) == 0 {
			break
		}
		for _, d := range days {
			if d.Touched > 0 {
				c.Settled = append(c.Settled, ttpcron.SettledMatches{Day: d.Day, UpTo: d.Last})
			}
		}
		from = days[len(days)-1].Day + 1
	}
	if _, err := db.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

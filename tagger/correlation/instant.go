package correlation

import "time"

// instant is a time of an event: nanoseconds since 1970 alone do not fit beyond the
// year 2262.
type instant struct {
	sec int64
	ns  int32
}

// never is before every window.
var never = instant{sec: -1 << 40}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond())} }

func (t instant) time() time.Time { return time.Unix(t.sec, int64(t.ns)).UTC() }

func (t instant) before(u instant) bool { return t.sec < u.sec || t.sec == u.sec && t.ns < u.ns }

// within reports whether t is in the window of that many seconds that ends at end, both
// edges included. t is not after end.
func (t instant) within(end instant, span int64) bool {
	d := end.sec - t.sec
	return d < span || d == span && t.ns >= end.ns
}

func later(t, u instant) instant {
	if t.before(u) {
		return u
	}
	return t
}

package eval

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// maxUntagged is how many different contents an Untagged tells apart at a time,
// and maxKept how many bytes it keeps of each.
const (
	maxUntagged = 10_000
	maxKept     = 4096
)

// Untagged lists contents that no rule matched, the most frequent first. Its memory is
// bounded: if there are more than maxUntagged different contents, the rare ones are
// dropped and the counts of the others may be too low, by at most the number of events
// divided by maxUntagged (J. Misra and D. Gries, "Finding repeated elements", 1982). It
// is not safe for concurrent use.
type Untagged struct {
	tagger Tagger
	seed   maphash.Seed
	seen   map[uint64]*Missed
	report UntaggedReport
	tags   []ttpcron.Tag
}

// UntaggedReport lists what no rule matched.
type UntaggedReport struct {
	Events   int // looked at
	Untagged int // events of them on which no rule fired
	Dropped  int // how far the counts may be too low; 0: they are exact
	Contents []Missed
}

// Missed is a content that no rule matched.
type Missed struct {
	Events      int // with this content
	First, Last time.Time
	Kind        ttpcron.SourceKind
	Payload     ttpcron.Payload // the content; of a long one the first 4 KiB
	Cut         bool            // that it was a long one
}

// NewUntagged returns an Untagged that has seen nothing.
func NewUntagged(t Tagger) *Untagged {
	return &Untagged{tagger: t, seed: maphash.MakeSeed(), seen: map[uint64]*Missed{}}
}

// Add judges an event, and counts its content if no rule fires on it.
func (u *Untagged) Add(e *ttpcron.Event) {
	u.report.Events++
	if u.tags = u.tagger.Tag(e, u.tags[:0]); len(u.tags) > 0 {
		return
	}
	u.report.Untagged++
	h := contentHash(u.seed, e)
	m := u.seen[h]
	if m == nil {
		if len(u.seen) == maxUntagged {
			u.drop()
			return
		}
		m = &Missed{First: e.Time, Last: e.Time, Kind: e.Kind}
		m.Payload, m.Cut = kept(e.Payload)
		u.seen[h] = m
	}
	m.Events++
	if e.Time.Before(m.First) {
		m.First = e.Time
	}
	if e.Time.After(m.Last) {
		m.Last = e.Time
	}
}

// kept copies a payload, since an event's strings hold on to the page that it
// was read with, and drops what is beyond maxKept.
func kept(p ttpcron.Payload) (out ttpcron.Payload, cut bool) {
	left := maxKept
	for _, f := range p {
		size := len(f.Name) + len(f.Text) + len(f.Raw)
		if size > left {
			cut = true
			if len(f.Raw) > 0 || len(f.Name) > left {
				continue
			}
			f.Text = f.Text[:left-len(f.Name)]
			size = left
		}
		left -= size
		out = append(out, ttpcron.Field{Name: strings.Clone(f.Name), Text: strings.Clone(f.Text), Raw: slices.Clone(f.Raw)})
	}
	return out, cut
}

// drop takes one event off every content.
func (u *Untagged) drop() {
	u.report.Dropped++
	for h, m := range u.seen {
		if m.Events--; m.Events == 0 {
			delete(u.seen, h)
		}
	}
}

// Report returns the counts so far.
func (u *Untagged) Report() UntaggedReport {
	r := u.report
	for _, m := range u.seen {
		r.Contents = append(r.Contents, *m)
	}
	slices.SortFunc(r.Contents, func(a, b Missed) int {
		return cmp.Or(b.Events-a.Events, a.First.Compare(b.First), bytes.Compare(a.Payload.AppendJSON(nil), b.Payload.AppendJSON(nil)))
	})
	return r
}

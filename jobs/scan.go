package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Known is what earlier imports remembered: looks by a file's path, and positions by the
// beginning of its content.
type Known struct {
	Look      ttpcron.FileLook // zero: nothing
	Positions Positions
	// Moved must be called whenever something was read, so that a slow input can be
	// distinguished from one that hangs.
	Moved func()
}

// Positions finds how far content has been read, whatever its file is called.
type Positions interface {
	// HeadLengths lists the head lengths of the stored positions.
	HeadLengths(ctx context.Context) ([]int, error)
	// FindPositions returns the positions of a format with one of these heads.
	FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error)
}

// DefaultStall is how long an input may go without anything being read of it.
const DefaultStall = 5 * time.Minute

// ErrStalled is wrapped by the error of an input that yielded nothing for too long.
var ErrStalled = errors.New("nothing could be read of it")

// scanPage is how many files are looked up, and remembered, at once.
const scanPage = 256

// scan is an Import at work.
type scan struct {
	*Import
	positions *positionCache
	of        Archive // whose looks count
	inputs    []Input // in the order in which they are read
	first     int     // which of Inputs that begins with
	now       func() time.Time
	began     time.Time
	keep      []ttpcron.FileLook
}

func (im *Import) scan() *scan {
	s := &scan{Import: im, of: im.Archive, now: im.Now}
	if s.now == nil {
		s.now = time.Now
	}
	s.began, s.first = s.now(), im.Place.next(im.Inputs)
	s.inputs = im.Inputs
	if s.first > 0 {
		s.inputs = slices.Concat(im.Inputs[s.first:], im.Inputs[:s.first])
	}
	s.positions = &positionCache{in: []Positions{im.Archive}}
	if im.Beyond != nil {
		s.of = im.Beyond
		s.positions.in = append(s.positions.in, im.Beyond)
	}
	return s
}

// looks gives each input the stored look of its file, a page at a time.
func (s *scan) looks(ctx context.Context, do func(Input, ttpcron.FileLook) error) error {
	for page := range slices.Chunk(s.inputs, scanPage) {
		paths := make([]string, len(page))
		for i := range page {
			paths[i] = page[i].Name
		}
		looks, err := s.of.FileLooks(ctx, paths)
		if err == nil && len(looks) != len(page) {
			err = fmt.Errorf("%d files were looked up, and %d answers came", len(page), len(looks))
		}
		if err != nil {
			return interruptedOr(ctx, err)
		}
		for i := range page {
			if err := do(page[i], looks[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// remember stores a file's look, if there is one.
func (s *scan) remember(ctx context.Context, look *ttpcron.FileLook) error {
	if look == nil || s.Beyond != nil {
		return nil
	}
	s.keep = append(s.keep, *look)
	if len(s.keep) < scanPage {
		return nil
	}
	return s.flush(ctx)
}

func (s *scan) flush(ctx context.Context) error {
	keep := s.keep
	s.keep = nil
	if len(keep) == 0 {
		return nil
	}
	return s.Archive.KeepLooks(context.WithoutCancel(ctx), keep)
}

// end makes room for the files of later scans. What was seen in this one stays:
// looks are kept again when they are a day old.
func (s *scan) end(ctx context.Context) error {
	if s.Beyond != nil {
		return nil
	}
	_, err := s.Archive.ForgetFiles(ctx, s.began.Add(-25*time.Hour))
	return err
}

// lookOf returns the look that a file's error asks to be remembered.
func lookOf(err error) *ttpcron.FileLook {
	var l interface{ Look() *ttpcron.FileLook }
	if errors.As(err, &l) {
		return l.Look()
	}
	return nil
}

// watched is ctx until the input has stalled or the import's time is up; moved says
// that it has not stalled.
func (s *scan) watched(ctx context.Context) (in context.Context, moved, stop func()) {
	limit := cmp.Or(s.Stall, DefaultStall)
	if s.Limit > 0 {
		limit = min(limit, s.Limit)
	}
	in, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w for %s", ErrStalled, limit)) })
	moved = func() {
		timer.Reset(limit)
		if s.timeUp() {
			cancel(errTimeUp)
		}
	}
	return in, moved, func() { timer.Stop(); cancel(nil) }
}

// whyEnded returns why reading an input was ended, or the error that it had.
func whyEnded(ctx, in context.Context, err error) error {
	if cause := context.Cause(in); ctx.Err() == nil && (errors.Is(cause, ErrStalled) || errors.Is(cause, errTimeUp)) {
		return cause
	}
	return err
}

// positionCache asks for the lengths of heads once in a scan. What the scan itself
// adds has lengths that are asked for anyway.
type positionCache struct {
	in      []Positions
	lengths []int
	known   bool
}

func (m *positionCache) HeadLengths(ctx context.Context) ([]int, error) {
	if m.known {
		return m.lengths, nil
	}
	var all []int
	for _, in := range m.in {
		lengths, err := in.HeadLengths(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, lengths...)
	}
	slices.Sort(all)
	m.lengths, m.known = slices.Compact(all), true
	return m.lengths, nil
}

func (m *positionCache) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	var all []ttpcron.FilePosition
	for _, in := range m.in {
		positions, err := in.FindPositions(ctx, format, heads)
		if err != nil {
			return nil, err
		}
		all = append(all, positions...)
	}
	return all, nil
}

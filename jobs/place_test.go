package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// slow is a list of inputs, each of some batches that take a minute each to read.
type slow struct {
	clock time.Time
	left  map[string]int
	read  []string // the inputs of which something was read, one entry a batch
	all   int      // batches read
}

// slowFile is an input of slow.
type slowFile struct {
	fakeFile
	*slow
	name  string
	known Known
}

func (s *slow) input(name string, opening int) Input {
	return Input{Name: name, Open: func(ctx context.Context, known Known) (File, error) {
		for range opening {
			s.clock = s.clock.Add(time.Minute)
			if known.Moved(); ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		return slowFile{fakeFile{closed: new(bool)}, s, name, known}, nil
	}}
}

func (f slowFile) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		for f.left[f.name] > 0 {
			if ctx.Err() != nil {
				yield(ttpcron.Batch{}, ctx.Err())
				return
			}
			f.clock = f.clock.Add(time.Minute)
			f.known.Moved()
			f.left[f.name]--
			f.read = append(f.read, f.name)
			f.all++
			if !yield(batchOf(command(daysAgo(1), fmt.Sprintf("id %d", f.all))), nil) {
				return
			}
		}
	}
}

// TestImportLeavesTimeToTag: a run with more to import than time allows tags what it has
// stored. The next runs continue, and no input waits until another is complete.
func TestImportLeavesTimeToTag(t *testing.T) {
	m := newMemory()
	s := &slow{clock: noon, left: map[string]int{"a": 8, "b": 7, "c": 1, "d": 1}}
	place := &Place{}
	var inputs []Input
	for _, name := range []string{"a", "b", "c", "d"} {
		inputs = append(inputs, s.input(name, 0))
	}
	for i, want := range []struct{ read, at string }{
		{"aaa", "a"}, {"bbb", "b"}, {"cda", "a"}, {"bbb", "b"}, {"aaa", "a"}, {"ba", ""}, {"", ""},
	} {
		s.read = nil
		j := &Job{Store: storeOf(m), Rules: rules("id"), Inputs: inputs, ImportLimit: 3 * time.Minute, Place: place, Now: func() time.Time { return s.clock }}
		r, err := j.Run(t.Context())
		if got := strings.Join(s.read, ""); err != nil || got != want.read || place.Name != want.at {
			t.Fatalf("run %d read %q up to %q, want %q up to %q: %v", i, got, place.Name, want.read, want.at, err)
		}
		if len(m.tags) != len(m.events) || r.Run.Outcome != "done" {
			t.Errorf("run %d: %d tags of %d events, %s", i, len(m.tags), len(m.events), r.Run.Outcome)
		}
	}
	if len(m.events) != 17 {
		t.Errorf("%d of 17 events", len(m.events))
	}
}

// TestTimeUpIsNoFailure: neither is running out of time while opening an input, and other
// failures are still reported.
func TestTimeUpIsNoFailure(t *testing.T) {
	s := &slow{clock: noon, left: map[string]int{"long": 9, "after": 1}}
	gone := errors.New("gone")
	place := &Place{}
	im := &Import{
		Archive: newMemory(), Limit: 5 * time.Minute, Place: place, Now: func() time.Time { return s.clock },
		Inputs: []Input{{Name: "bad", Open: func(context.Context, Known) (File, error) { return nil, gone }}, s.input("opens", 9), s.input("after", 0)},
	}
	files, err := im.Run(t.Context())
	if bad := (*InputError)(nil); !errors.As(err, &bad) || len(bad.Files) != 1 || !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if len(files) != 2 || files[1].Err != nil || *place != (Place{"opens", 1, 1}) {
		t.Errorf("%+v, %+v", files, place)
	}
	im.Inputs = im.Inputs[1:]
	if files, err = im.Run(t.Context()); err != nil || files[0].File != "after" || files[0].New != 1 || files[1].Err != nil {
		t.Errorf("%+v, %v", files, err)
	}
	// A stopped program has not run out of time: the place stays.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := im.Run(ctx); !errors.Is(err, ErrInterrupted) || place.Name != "opens" {
		t.Errorf("%v, %+v", err, place)
	}
}

func TestPlaceAmongOtherInputs(t *testing.T) {
	for _, tt := range []struct {
		place Place
		names string
		want  int
	}{
		{Place{}, "abc", 0},
		{Place{Name: "b", at: 1}, "abc", 2},
		{Place{Name: "c", at: 2}, "abc", 0},
		{Place{Name: "b", at: 1}, "xyzbc", 4}, // more came before it
		{Place{Name: "b", at: 1}, "acd", 1},   // it is gone
		{Place{Name: "c", at: 2}, "a", 0},
		{Place{Name: "a", at: 1}, "aab", 2}, // a name that is there twice
		{Place{Name: "a", at: 1}, "", 0},
	} {
		var inputs []Input
		for _, n := range tt.names {
			inputs = append(inputs, Input{Name: string(n)})
		}
		if got := tt.place.next(inputs); got != tt.want {
			t.Errorf("%+v among %s: %d, want %d", tt.place, tt.names, got, tt.want)
		}
	}
}

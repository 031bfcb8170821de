package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestScanIsLinear counts a scan's queries: a fixed number for a page of files, and none
// for a file that has not changed.
func TestScanIsLinear(t *testing.T) {
	for _, n := range []int{1, scanPage, 10 * scanPage} {
		m := newMemory()
		var inputs []Input
		for i := range n {
			name := fmt.Sprint(i)
			inputs = append(inputs, Input{Name: name, Open: func(_ context.Context, k Known) (File, error) {
				f := fakeFile{closed: new(bool)}
				if k.Look.Path == "" {
					f.look = &ttpcron.FileLook{Path: name}
				}
				return f, nil
			}})
		}
		for _, run := range []string{"first", "second"} {
			clear(m.asked)
			if _, err := (&Import{Archive: m, Inputs: inputs}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			pages := (n + scanPage - 1) / scanPage
			want := map[string]int{"looks": pages, "forget": 1}
			if run == "first" {
				want["keep"] = pages
			}
			if fmt.Sprint(m.asked) != fmt.Sprint(want) {
				t.Errorf("%s scan of %d files asked %v, want %v", run, n, m.asked, want)
			}
		}
		if len(m.looks) != n {
			t.Errorf("%d of %d files are remembered", len(m.looks), n)
		}
	}
}

// hanging is a file that yields nothing until ctx is done.
type hanging struct{ fakeFile }

func (hanging) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		<-ctx.Done()
		yield(ttpcron.Batch{}, ctx.Err())
	}
}

// TestStalledInputDoesNotStopTheRest: one input hangs when it is opened, one when it is
// read; a third is imported.
func TestStalledInputDoesNotStopTheRest(t *testing.T) {
	m := newMemory()
	inputs := []Input{
		{Name: "open", Open: func(ctx context.Context, _ Known) (File, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{Name: "read", Open: func(context.Context, Known) (File, error) { return hanging{fakeFile{closed: new(bool)}}, nil }},
		input("good", fakeFile{batches: []ttpcron.Batch{batchOf(command(time.Unix(1, 0), "id"))}}),
	}
	files, err := (&Import{Archive: m, Inputs: inputs, Stall: time.Millisecond}).Run(t.Context())
	if bad := (*InputError)(nil); !errors.As(err, &bad) || len(bad.Files) != 2 {
		t.Fatalf("%v", err)
	}
	for _, f := range files[:2] {
		if !errors.Is(f.Err, ErrStalled) {
			t.Errorf("%s: %v", f.File, f.Err)
		}
	}
	if files[2].Err != nil || files[2].New != 1 {
		t.Errorf("%+v", files[2])
	}
}

// TestNotRememberedBeforeStored: of a file that was not read to its end nothing is
// remembered, and nothing in a dry run.
func TestNotRememberedBeforeStored(t *testing.T) {
	look := &ttpcron.FileLook{Path: "f"}
	for _, tt := range []struct {
		name string
		im   Import
		f    fakeFile
		want int
	}{
		{"read", Import{}, fakeFile{look: look, batches: []ttpcron.Batch{batchOf(command(time.Unix(1, 0), "id"))}}, 1},
		{"failed", Import{}, fakeFile{look: look, err: errors.New("disk")}, 0},
		{"dry run", Import{Beyond: newMemory()}, fakeFile{look: look}, 0},
	} {
		m := newMemory()
		tt.im.Archive, tt.im.Inputs = m, []Input{input("f", tt.f)}
		tt.im.Run(t.Context())
		beyond := 0
		if b, ok := tt.im.Beyond.(*memory); ok {
			beyond = len(b.looks)
		}
		if len(m.looks)+beyond != tt.want {
			t.Errorf("%s: %d looks", tt.name, len(m.looks)+beyond)
		}
	}
}

package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Error lists what failed.
func (e *InputError) Error() string {
	if len(e.Files) == 1 {
		return fmt.Sprintf("1 input could not be read: %v", e.Files[0].Err)
	}
	return fmt.Sprintf("%d inputs could not be read; the first: %v", len(e.Files), e.Files[0].Err)
}

// Unwrap gives the reasons.
func (e *InputError) Unwrap() []error {
	var errs []error
	for _, f := range e.Files {
		errs = append(errs, f.Err)
	}
	return errs
}

// Import reads inputs into an archive, one after the other.
type Import struct {
	Archive Archive
	// Beyond, when set, is an archive that is only read: what it holds counts as known and
	// is not imported. A dry run imports into a scratch archive, with the real one as
	// Beyond.
	Beyond   Archive
	Inputs   []Input
	Progress func(Progress)
	// Done is called after each input.
	Done func(FileReport)
	// Stall is how long an input may yield nothing before it is given up for the next one;
	// 0: DefaultStall.
	Stall time.Duration
	// Limit is how long the import may take, 0 for no limit. What it has read by
	// then is stored, and Place says where it stopped.
	Limit time.Duration
	Place *Place           // where to begin; nil: with the first input
	Now   func() time.Time // nil: time.Now
}

// Run imports. An input that fails does not stop the others: their errors come
// back together as an *InputError. A failing archive stops everything. When ctx
// is cancelled the batch in hand is finished and ErrInterrupted returned.
func (im *Import) Run(ctx context.Context) ([]FileReport, error) {
	if len(im.Inputs) == 0 {
		return nil, nil
	}
	s := im.scan()
	var files []FileReport
	var failed InputError
	err := s.looks(ctx, func(in Input, look ttpcron.FileLook) error {
		if len(files) > 0 && s.timeUp() {
			return errTimeUp
		}
		f, err := s.file(ctx, in, look)
		files = append(files, f)
		if im.Done != nil {
			im.Done(f)
		}
		if err == nil && f.Err != nil && !f.Passed {
			failed.Files = append(failed.Files, f)
		}
		return err
	})
	err = s.stopped(len(files), err)
	if ferr := s.flush(ctx); err == nil {
		err = ferr
	}
	if err == nil {
		err = interruptedOr(ctx, s.end(ctx))
	}
	if err == nil && len(failed.Files) > 0 {
		failed.Others = len(files) - len(failed.Files)
		err = &failed
	}
	return files, err
}

// file imports one input. It returns only errors that must stop the whole import; an error
// of the input alone is in the report.
func (s *scan) file(ctx context.Context, in Input, look ttpcron.FileLook) (FileReport, error) {
	r := FileReport{ImportReport: ttpcron.ImportReport{File: in.Name}}
	if ctx.Err() != nil {
		return r, ErrInterrupted
	}
	reading, moved, stop := s.watched(ctx)
	defer stop()
	f, err := in.Open(reading, Known{look, s.positions, moved})
	if err != nil {
		r.Err, r.Passed = whyEnded(ctx, reading, err), errors.Is(err, ErrPassedOver)
		if err := s.halted(ctx, &r); err != nil {
			return r, err
		}
		return r, s.remember(ctx, lookOf(err))
	}
	defer f.Close()
	r.Format = f.Format()
	for b, err := range f.Batches(reading) {
		moved()
		if err != nil {
			r.Err = whyEnded(ctx, reading, err)
			break
		}
		if err := s.batch(ctx, b, &r.ImportReport); err != nil {
			return r, err
		}
		moved()
		s.progress(in.Name, f, r.Lines)
		if ctx.Err() != nil {
			break
		}
	}
	r.Notes = f.Notes()
	at, _ := f.Resumed()
	r.Unchanged = (at > 0 || look.Path != "") && r.Err == nil && r.Lines == 0 && r.Waiting == 0
	if err := s.halted(ctx, &r); err != nil {
		return r, err
	}
	keep := lookOf(r.Err)
	if r.Err == nil {
		keep = f.Look()
	}
	return r, s.remember(ctx, keep)
}

// halted returns why the whole import stops in the middle of a file: it was interrupted, or
// its time is up. The report does not blame the file then.
func (s *scan) halted(ctx context.Context, r *FileReport) error {
	err := interruptedOr(ctx, nil)
	if err == nil && errors.Is(r.Err, errTimeUp) {
		err = errTimeUp
	}
	if err != nil {
		r.Err, r.Passed = nil, false
	}
	return err
}

// batch stores one batch. A batch that has begun is finished even when ctx is
// cancelled meanwhile.
func (im *Import) batch(ctx context.Context, b ttpcron.Batch, r *ttpcron.ImportReport) error {
	ctx = context.WithoutCancel(ctx)
	known, knownRejects := 0, 0
	if im.Beyond != nil {
		var err error
		if b.Events, known, err = unknown(ctx, im.Beyond.Known, b.Events); err != nil {
			return err
		}
		if b.Rejects, knownRejects, err = unknown(ctx, im.Beyond.KnownRejects, b.Rejects); err != nil {
			return err
		}
	}
	got, err := im.Archive.Import(ctx, b)
	if err != nil {
		return err
	}
	r.Lines += b.Report.Lines
	r.Ignored += b.Report.Ignored
	r.LeftOut += b.Report.LeftOut
	r.BeforeHorizon += got.BeforeHorizon
	r.Horizon = max(r.Horizon, got.Horizon)
	r.Rejected += b.Report.Rejected + got.Rejected - len(b.Rejects)
	r.RejectedKnown += got.RejectedKnown + knownRejects
	r.New += got.New
	r.NewKinds.Add(got.NewKinds)
	r.IgnoredTypes.Add(b.Report.IgnoredTypes)
	r.Known += got.Known + known
	r.Changed += got.Changed
	r.Learned += got.Learned
	r.Disputed += got.Disputed
	r.Waiting += b.Report.Waiting
	return nil
}

// unknown returns the items that an archive does not hold, and the number of the others.
func unknown[T any](ctx context.Context, holds func(context.Context, []T) ([]bool, error), items []T) ([]T, int, error) {
	held, err := holds(ctx, items)
	if err != nil {
		return nil, 0, err
	}
	var rest []T
	for i := range items {
		if !held[i] {
			rest = append(rest, items[i])
		}
	}
	return rest, len(items) - len(rest), nil
}

func (im *Import) progress(name string, f File, lines int) {
	if im.Progress == nil {
		return
	}
	read, total := f.Progress()
	im.Progress(Progress{Stage: StageImport, Name: name, Done: read, Total: total, Lines: lines})
}

// interruptedOr returns ErrInterrupted when ctx is done, and err otherwise.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		return ErrInterrupted
	}
	return err
}

package inputs

import (
	"context"
	"errors"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
)

// Unreadable opens inputs until one can be read, which it closes again, and returns nil. If
// none can, it returns why, with a report for each. Standard input counts as readable, and
// so does what may be in a folder.
func Unreadable(ctx context.Context, found []jobs.Input) (*jobs.InputError, error) {
	e := &jobs.InputError{}
	for _, in := range found {
		err := in.Err
		if err == nil && in.Probe != nil {
			err = in.Probe(ctx)
		}
		if ctx.Err() != nil {
			return nil, jobs.ErrInterrupted
		}
		if err == nil || errors.Is(err, jobs.ErrPassedOver) {
			return nil, nil
		}
		e.Files = append(e.Files, jobs.FileReport{ImportReport: ttpcron.ImportReport{File: in.Name}, Err: err})
	}
	return e, nil
}

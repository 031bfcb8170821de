package inputs

import (
	"context"
	"errors"
	"io"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
)

// Unreadable opens inputs until one can be read, which it closes again, and returns nil. If
// none can, it returns why, with a report for each. What was read of standard input is read
// again by the import.
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
		if err == nil {
			return nil, nil
		}
		e.Files = append(e.Files, jobs.FileReport{ImportReport: ttpcron.ImportReport{File: in.Name}, Err: err, Passed: errors.Is(err, jobs.ErrPassedOver)})
	}
	return e, nil
}

// maxRecorded is how much of standard input is looked at before the import.
const maxRecorded = 1 << 20

// replayed is standard input, the beginning of which can be read twice.
type replayed struct {
	r         io.Reader
	recording bool
	head      []byte
	at        int // of head, that is read next
}

// probed calls a probe, and if that is of standard input takes what it has read back. It
// returns nil if too little could be looked at to tell.
func (s *replayed) probed(stdin bool, probe func() error) error {
	if !stdin {
		return probe()
	}
	s.recording, s.at = true, 0
	err := probe()
	s.recording, s.at = false, 0
	if len(s.head) == maxRecorded {
		return nil
	}
	return err
}

// Read reads what was recorded, then the rest. While it records, it ends at the limit.
func (s *replayed) Read(p []byte) (int, error) {
	if s.at < len(s.head) {
		n := copy(p, s.head[s.at:])
		if s.at += n; s.at == len(s.head) && !s.recording {
			s.head, s.at = nil, 0
		}
		return n, nil
	}
	if !s.recording {
		return s.r.Read(p)
	}
	if len(s.head) == maxRecorded {
		return 0, io.EOF
	}
	n, err := s.r.Read(p[:min(len(p), maxRecorded-len(s.head))])
	s.head = append(s.head, p[:n]...)
	s.at = len(s.head)
	return n, err
}

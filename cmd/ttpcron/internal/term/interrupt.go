package term

import (
	"context"
	"io"
	"time"
)

// takingTime is how long output may wait for its reader after the program was told to end.
const takingTime = time.Second

// Until has writes to standard output, which is given again, end soon after ctx has, even
// if nobody takes what is written: a pager that was stopped, for example. It is called
// before anything is written.
func (o *Output) Until(ctx context.Context, stdout io.Writer) {
	o.w.Reset(Interruptible(ctx, stdout))
}

// Interruptible returns a writer for the use of one goroutine at a time. Its writes return
// the error of ctx if they last a second longer than that; the writer is of no use then.
func Interruptible(ctx context.Context, w io.Writer) io.Writer {
	return &waitingWriter{ctx: ctx, w: w}
}

type waitingWriter struct {
	ctx context.Context
	w   io.Writer
	err error // a write was given up, and may still go on
}

// Write writes. A write that is given up keeps p.
func (w *waitingWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	type result struct {
		n   int
		err error
	}
	taken := make(chan result, 1)
	go func() {
		n, err := w.w.Write(p)
		taken <- result{n, err}
	}()
	select {
	case r := <-taken:
		return r.n, r.err
	case <-w.ctx.Done():
	}
	select {
	case r := <-taken:
		return r.n, r.err
	case <-time.After(takingTime):
		w.err = w.ctx.Err()
		return 0, w.err
	}
}

package main

import (
	"context"
	"io"
)

// interruptible returns a reader that ends with the error of ctx when that ends,
// although a read from a terminal or a pipe cannot be ended.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return &waitingReader{ctx: ctx, r: r, buf: make([]byte, 0, 64<<10)}
}

type waitingReader struct {
	ctx context.Context
	r   io.Reader
	buf []byte // has room for one read; a read that is waited for in vain keeps it
	got []byte // what it gave and was not taken yet
	err error
}

func (w *waitingReader) Read(p []byte) (int, error) {
	if len(w.got) == 0 && w.err == nil && len(p) > 0 {
		w.fill()
	}
	if len(w.got) > 0 {
		n := copy(p, w.got)
		w.got = w.got[n:]
		return n, nil
	}
	return 0, w.err
}

// fill reads once.
func (w *waitingReader) fill() {
	if w.err = w.ctx.Err(); w.err != nil {
		return
	}
	type result struct {
		n   int
		err error
	}
	read := make(chan result, 1)
	go func() {
		n, err := w.r.Read(w.buf[:cap(w.buf)])
		read <- result{n, err}
	}()
	select {
	case r := <-read:
		w.got, w.err = w.buf[:r.n], r.err
	case <-w.ctx.Done():
		w.err = w.ctx.Err()
	}
}

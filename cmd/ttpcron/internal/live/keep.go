package live

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/report/page"
)

// Bounds of making pages.
const (
	// minPause is the least time between making two pages. It is also at least as long as
	// the making took, so that making pages never takes more than half of the time,
	// however many requests there are.
	minPause = 10 * time.Second
	// maxMaking is how long making one may take.
	maxMaking = 5 * time.Minute
	// maxWaiting is how many requests wait for one page at once.
	maxWaiting = 32
)

// made is a page. It is kept compressed, as most clients get it.
type made struct {
	zipped []byte
	size   int // in bytes, not compressed
	tag    string
	of     any // the state that it shows
}

// making is a page that is being made.
type making struct {
	done    chan struct{} // closed once the rest is set
	waiting int
	page    *made
	err     error
}

// keeper keeps the last page, and has a new one made on a request if the state has
// changed.
type keeper struct {
	o   *Options
	ctx context.Context // of all making

	mu     sync.Mutex
	last   *made
	err    error     // why there is no newer one
	next   time.Time // before it none is made
	making *making   // nil: none
}

var errBusy = errors.New("too many wait for the page")

// get returns the page. It waits while one is being made, but not longer than ctx.
func (k *keeper) get(ctx context.Context) (*made, error) {
	state, err := k.o.State(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	switch {
	case k.ctx.Err() != nil:
		defer k.mu.Unlock()
		return nil, k.ctx.Err()
	case k.last != nil && k.last.of == state:
		defer k.mu.Unlock()
		return k.last, nil
	case k.making == nil && k.o.Now().Before(k.next) && (k.last != nil || k.err != nil):
		defer k.mu.Unlock()
		if k.err != nil {
			return nil, k.err
		}
		return k.last, nil
	case k.making == nil:
		k.making = &making{done: make(chan struct{})}
		go k.make(k.making, state)
	case k.making.waiting >= maxWaiting:
		defer k.mu.Unlock()
		if k.last == nil {
			return nil, errBusy
		}
		return k.last, nil
	}
	m := k.making
	m.waiting++
	k.mu.Unlock()
	select {
	case <-m.done:
		return m.page, m.err
	case <-ctx.Done():
		k.mu.Lock()
		m.waiting--
		k.mu.Unlock()
		return nil, ctx.Err()
	}
}

// make makes a page for all that wait for it, whether they still do or not.
func (k *keeper) make(m *making, state any) {
	began := k.o.Now()
	m.page, m.err = k.write(state)
	now := k.o.Now()
	took := now.Sub(began)
	if m.err != nil && k.ctx.Err() == nil {
		k.o.Log.Error("the report was not made", "took", took.Round(time.Millisecond).String(), "error", jsontext.Clean(m.err.Error()))
	} else if m.err == nil {
		k.o.Log.Debug("made the report", "took", took.Round(time.Millisecond).String(), "bytes", m.page.size, "compressed", len(m.page.zipped))
	}
	k.mu.Lock()
	if k.err = m.err; m.err == nil {
		k.last = m.page
	}
	k.next, k.making = now.Add(max(minPause, took)), nil
	close(m.done)
	k.mu.Unlock()
	if k.o.Made != nil {
		k.o.Made(took, m.err)
	}
}

// wait waits until no page is being made.
func (k *keeper) wait() {
	k.mu.Lock()
	m := k.making
	k.mu.Unlock()
	if m != nil {
		<-m.done
	}
}

// write writes a page into memory. A page that would not end is cut off: it is no page.
func (k *keeper) write(state any) (p *made, err error) {
	defer func() {
		if v := recover(); v != nil {
			k.o.Log.Error("making the report panicked", "panic", fmt.Sprint(v), "stack", hclog.Quote(debug.Stack()))
			p, err = nil, fmt.Errorf("it panicked: %v", v)
		}
	}()
	ctx, cancel := context.WithTimeout(k.ctx, maxMaking)
	defer cancel()
	var zipped bytes.Buffer
	z, sum := gzip.NewWriter(&zipped), sha256.New()
	w := &bounded{w: io.MultiWriter(z, sum), left: page.MaxBytes}
	if err = k.o.Make(ctx, w); err == nil {
		err = z.Close()
	}
	if errors.Is(err, context.DeadlineExceeded) && k.ctx.Err() == nil {
		err = fmt.Errorf("it took longer than %s; http-report-since makes it shorter: %w", maxMaking, err)
	}
	if err != nil {
		return nil, err
	}
	return &made{zipped: bytes.Clone(zipped.Bytes()), size: page.MaxBytes - w.left, tag: `W/"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`, of: state}, nil
}

// bounded takes so many bytes and no more.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, fmt.Errorf("the page has more than %d bytes", page.MaxBytes)
	}
	b.left -= len(p)
	return b.w.Write(p)
}

// drop forgets the page, which is not shown any more.
func (k *keeper) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last, k.err = nil, nil
}

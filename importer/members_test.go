package importer

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
)

// TestPaddedGzip: NULs behind gzip data are no content and no damage, however many
// there are, and anything else behind them is damage once.
func TestPaddedGzip(t *testing.T) {
	whole := zipped(t, commands(0, 50))
	pad := func(n int) []byte { return make([]byte, n) }
	for _, tt := range []struct {
		name    string
		content []byte
		events  int
		rejects int
	}{
		{"one NUL", slices.Concat(whole, pad(1)), 50, 0},
		{"a block", slices.Concat(whole, pad(512-len(whole)%512)), 50, 0},
		{"more than any buffer", slices.Concat(whole, pad(20<<20)), 50, 0},
		{"a last line without newline", slices.Concat(zipped(t, commands(0, 49)+commands(49, 1)[:len(commands(49, 1))-1]), pad(9)), 50, 0},
		{"members", slices.Concat(whole, zipped(t, commands(50, 50)), pad(100)), 100, 0},
		{"a member behind", slices.Concat(whole, pad(1<<20), zipped(t, commands(50, 50)), pad(3)), 100, 0},
		{"many empty members", slices.Concat(whole, bytes.Repeat(zipped(t, ""), 1000), zipped(t, commands(50, 1))), 51, 0},
		{"garbage", slices.Concat(whole, []byte("garbage behind it")), 50, 1},
		{"garbage behind NULs", slices.Concat(whole, pad(1<<20), []byte("garbage behind it")), 50, 1},
		{"little garbage behind NULs", slices.Concat(whole, pad(1<<20), []byte("x")), 50, 1},
		{"half a member behind NULs", slices.Concat(whole, pad(100), zipped(t, commands(50, 500))[:40]), 50, 1},
		{"cut off, then NULs", slices.Concat(whole[:len(whole)-4], pad(100)), 50, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "cowrie.json.1.gz", tt.content)
			r := mustRead(t, path, Options{})
			if len(r.Events) != tt.events || len(r.Rejects) != tt.rejects {
				t.Fatalf("%d events, rejects %+v", len(r.Events), r.Rejects)
			}
			stream := mustRead(t, Stdin, Options{Stdin: bytes.NewReader(tt.content)})
			if len(stream.Events) != tt.events || len(stream.Rejects) != tt.rejects {
				t.Errorf("from a stream: %d events, rejects %+v", len(stream.Events), stream.Rejects)
			}
			again := mustRead(t, path, Options{Positions: PositionList{*r.Position}})
			if len(again.Events) != 0 || len(again.Rejects) != tt.rejects || tt.rejects > 0 && again.Rejects[0].ID != r.Rejects[0].ID {
				t.Errorf("from its position: %d events, rejects %+v", len(again.Events), again.Rejects)
			}
		})
	}
}

// TestPaddingCanBeInterrupted: what ends an import ends it within padding too, and
// within members that hold nothing.
func TestPaddingCanBeInterrupted(t *testing.T) {
	for name, behind := range map[string][]byte{"NULs": make([]byte, 20<<20), "empty members": bytes.Repeat(zipped(t, ""), 100_000)} {
		ctx, cancel := context.WithCancel(t.Context())
		reads := 0
		f, err := Open(ctx, write(t, t.TempDir(), "f.gz", slices.Concat(zipped(t, commands(0, 50)), behind)), Options{Now: later, Moved: func() {
			if reads++; reads == 8 {
				cancel()
			}
		}})
		if err == nil {
			for _, err = range f.Batches(ctx) {
			}
			f.Close()
		}
		if !errors.Is(err, context.Canceled) || reads > 10 {
			t.Errorf("%s: %v after %d reads", name, err, reads)
		}
	}
}

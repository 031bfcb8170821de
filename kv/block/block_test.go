package block

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// randomEvents makes events of one day as attackers would like them.
func randomEvents(rnd *rand.Rand, n int, day ttpcron.Day) []ttpcron.Event {
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	events := make([]ttpcron.Event, n)
	seq := rnd.Uint64N(1 << 40)
	for i := range events {
		seq += 1 + rnd.Uint64N(3)
		e := &events[i]
		*e = ttpcron.Event{
			Kind: ttpcron.Command, Seq: seq, Time: record.TimeOf(day, rnd.Int64N(record.DayNanos)),
			AttackerUUID: pick("", ttpcron.DeriveAttacker("a"), "odd"), AttackerIP: pick("192.0.2.1", "", "\xff", "::1"),
			AttackerOrigin: ttpcron.Origin(rnd.IntN(3)), TimeOrigin: ttpcron.Origin(2 * rnd.IntN(2)),
			AddressOrigin: ttpcron.Origin(rnd.IntN(3)), Vantage: ttpcron.Vantage(rnd.IntN(2)), IdentityUUID: pick("", "", "i"),
			SessionID: fmt.Sprintf("%06x", rnd.IntN(4)), SessionOrigin: ttpcron.Origin(rnd.IntN(3)), DeckyID: pick("", "a\x00b"),
		}
		if n%3 == 1 {
			e.Connection = pick("", "HoneyPotSSHTransport,7")
			e.Ordinal = [...]uint32{0, 1, 200, math.MaxUint32}[rnd.IntN(4)]
		}
		for f := range rnd.IntN(4) {
			field := ttpcron.Field{Name: fmt.Sprint("f", f), Text: strings.Repeat(pick("", "x", "\xfe\n", "ls -la; "), rnd.IntN(50))}
			if rnd.IntN(4) == 0 {
				field.Text, field.Raw = "", json.RawMessage(pick("null", "[1,2]", `{"a":"b"}`, "7"))
			}
			e.Payload = append(e.Payload, field)
		}
		e.ID = pick(e.ContentID(), e.ContentID(), "cmd#1", "1ca31f08-5522-5aae-8371-fe81f0e39de3")
	}
	return events
}

// sameEvents compares events; an empty payload may be nil or not.
func sameEvents(a, b []ttpcron.Event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if len(x.Payload) == 0 && len(y.Payload) == 0 {
			x.Payload, y.Payload = nil, nil
		}
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

func testCodecs(t testing.TB) (*Writer, *Reader) {
	t.Helper()
	e, err := NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return NewWriter(e), r
}

func TestBlocks(t *testing.T) {
	w, blocks := testCodecs(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range MaxEvents {
		events := randomEvents(rnd, 1+n, 19000)
		if n%3 == 0 {
			for i := range events {
				events[i].ID = events[i].ContentID()
			}
		}
		rec := w.Append(nil, ttpcron.Command, 19000, events)
		got, err := blocks.Read(ttpcron.Command, 19000, events[0].Seq, rec)
		if err != nil {
			t.Fatal(err)
		}
		if !sameEvents(got, events) {
			t.Fatalf("block of %d events came back changed", len(events))
		}
		if _, err := blocks.Read(ttpcron.Command, 19001, events[0].Seq, rec); err == nil {
			t.Fatal("a block under another key is not noticed")
		}
		rec[rnd.IntN(len(rec))] ^= 1 << rnd.IntN(8)
		if _, err := blocks.Read(ttpcron.Command, 19000, events[0].Seq, rec); err == nil {
			t.Fatal("a flipped bit is not noticed")
		}
	}
}

func TestBlockPayloadsAreApart(t *testing.T) {
	w, blocks := testCodecs(t)
	e := ttpcron.Event{Kind: "k", ID: "a", Time: record.TimeOf(1, 0), AttackerIP: "::1", Payload: ttpcron.TextPayload("a", "same"), Seq: 1}
	f := e
	f.Seq = 2
	rec := w.Append(nil, "k", 1, []ttpcron.Event{e, f})
	got, err := blocks.Read("k", 1, 1, rec)
	if err != nil {
		t.Fatal(err)
	}
	got[0].Payload.Set("a", "changed")
	got[0].Payload.Set("b", "added")
	if text, _ := got[1].Payload.Text("a"); text != "same" || len(got[1].Payload) != 1 {
		t.Errorf("setting a field of one event changed the next: %+v", got[1].Payload)
	}
}

// FuzzBlock feeds hostile bodies to the decoder, behind the checksum: it must
// fail or give events that encode and decode to themselves, in bounded memory.
func FuzzBlock(f *testing.F) {
	w, blocks := testCodecs(f)
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range 5 {
		events := randomEvents(rnd, 1+8*n, 19000)
		rec := w.Append(nil, ttpcron.Command, 19000, events)
		f.Add(events[0].Seq, rec[record.HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, first uint64, body []byte) {
		events, err := blocks.decode(ttpcron.Command, 19000, first, record.Reader{Rest: body})
		if err != nil {
			return
		}
		fields := 0
		for i := range events {
			fields += len(events[i].Payload)
			if ttpcron.DayOf(events[i].Time) != 19000 {
				t.Fatalf("event at %v", events[i].Time)
			}
		}
		if len(events) > MaxEvents || fields > maxBlockFields {
			t.Fatalf("%d events with %d fields", len(events), fields)
		}
		rec := w.Append(nil, ttpcron.Command, 19000, events)
		again, err := blocks.Read(ttpcron.Command, 19000, first, rec)
		if err != nil || !sameEvents(again, events) {
			t.Fatalf("events change when they are stored again: %v", err)
		}
	})
}

// FuzzColumns is FuzzBlock without compression, which the fuzzer cannot see
// through.
func FuzzColumns(f *testing.F) {
	w, _ := testCodecs(f)
	rnd := rand.New(rand.NewPCG(2, 1))
	for n := range 4 {
		events := randomEvents(rnd, 1+5*n, 19000)
		f.Add(len(events), bytes.Clone(w.encodeColumns(19000, events)))
	}
	f.Fuzz(func(t *testing.T, n int, columns []byte) {
		if n < 1 || n > MaxEvents {
			return
		}
		events := make([]ttpcron.Event, n)
		if readColumns(columns, n%2 == 0, record.TypeBlock.Version, 19000, 1, events) == nil {
			again := make([]ttpcron.Event, n)
			if err := readColumns(w.encodeColumns(19000, events), false, record.TypeBlock.Version, 19000, 1, again); err != nil || !sameEvents(again, events) {
				t.Fatalf("events change when they are stored again: %v", err)
			}
		}
	})
}

// TestFlippedBlocks flips each bit of a block, and of its key and kind: it is not
// read.
func TestFlippedBlocks(t *testing.T) {
	w, blocks := testCodecs(t)
	events := randomEvents(rand.New(rand.NewPCG(4, 4)), 12, 19000)
	rec := w.Append(nil, ttpcron.Command, 19000, events)
	first := events[0].Seq
	if _, err := blocks.Read(ttpcron.Command, 19000, first, rec); err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(rec) {
		rec[i/8] ^= 1 << (i % 8)
		if _, err := blocks.Read(ttpcron.Command, 19000, first, rec); err == nil {
			t.Errorf("bit %d of %d", i, 8*len(rec))
		}
		rec[i/8] ^= 1 << (i % 8)
	}
	for i := range 64 {
		if _, err := blocks.Read(ttpcron.Command, 19000, first^1<<i, rec); err == nil {
			t.Errorf("bit %d of the first arrival number", i)
		}
	}
	for i := range 31 {
		if _, err := blocks.Read(ttpcron.Command, 19000^1<<i, first, rec); err == nil {
			t.Errorf("bit %d of the day", i)
		}
	}
	if _, err := blocks.Read("commanc", 19000, first, rec); err == nil {
		t.Error("another kind")
	}
}

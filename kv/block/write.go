package block

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Encoder compresses blocks. It allocates memory at first use and is not safe for
// concurrent use.
type Encoder struct{ zstd *zstd.Encoder }

// NewEncoder makes an encoder.
func NewEncoder() (*Encoder, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &Encoder{e}, nil
}

// Writer encodes blocks. It is not safe for concurrent use.
type Writer struct {
	encoder                            *Encoder
	actors, shapes, payloads           dictionary
	arrival, times, actorNo, payloadNo []byte
	scratch, columns, packed           []byte
}

// NewWriter makes a writer. The writer keeps the memory that it needed for the largest
// block.
func NewWriter(encoder *Encoder) *Writer {
	return &Writer{
		encoder: encoder,
		actors:  dictionary{index: map[string]int{}}, shapes: dictionary{index: map[string]int{}}, payloads: dictionary{index: map[string]int{}},
	}
}

// dictionary numbers distinct encodings in the order of their first use.
type dictionary struct {
	index map[string]int
	data  []byte
}

func (d *dictionary) reset() {
	clear(d.index)
	d.data = d.data[:0]
}

func (d *dictionary) number(encoding []byte) uint64 {
	n, ok := d.index[string(encoding)]
	if !ok {
		n = len(d.index)
		d.index[string(encoding)] = n
		d.data = append(d.data, encoding...)
	}
	return uint64(n)
}

func (d *dictionary) appendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(d.index)))
	return append(dst, d.data...)
}

// Append appends the record of a block. All events must have the given kind and day and an
// ascending Seq. The ID of an event whose source gave it none is empty.
func (w *Writer) Append(dst []byte, kind ttpcron.SourceKind, day ttpcron.Day, events []ttpcron.Event) []byte {
	start := len(dst)
	dst = record.TypeBlock.Begin(dst)
	dst = binary.AppendUvarint(dst, uint64(len(events)))
	span := spanOf(day, events)
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(span.First)), uint64(span.Last-span.First))
	ids, form := w.ids(events)
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	dst = append(append(dst, form), ids...)
	columns := w.encodeColumns(day, events)
	dst = binary.AppendUvarint(dst, uint64(len(columns)))
	w.packed = w.encoder.zstd.EncodeAll(columns, w.packed[:0])
	if len(w.packed) < len(columns) {
		dst = append(append(dst, columnsZstd), w.packed...)
	} else {
		dst = append(append(dst, columnsRaw), columns...)
	}
	record.End(dst[start:], []byte(kind), record.BlockKey(day, events[0].Seq))
	return dst
}

func (w *Writer) ids(events []ttpcron.Event) (ids []byte, form byte) {
	form = idsContent
	for i := range events {
		if events[i].ID != "" {
			form = idsPacked
			break
		}
	}
	ids = w.scratch[:0]
	if form == idsPacked {
		for i := range events {
			ids = record.AppendPacked(ids, events[i].ID)
		}
	}
	w.scratch = ids
	return ids, form
}

func (w *Writer) encodeColumns(day ttpcron.Day, events []ttpcron.Event) []byte {
	w.actors.reset()
	w.shapes.reset()
	w.payloads.reset()
	w.arrival, w.actorNo, w.payloadNo = w.arrival[:0], w.actorNo[:0], w.payloadNo[:0]
	spare := w.packed[:0] // free until the columns are compressed
	for i := range events {
		e := &events[i]
		if i > 0 {
			w.arrival = binary.AppendUvarint(w.arrival, e.Seq-events[i-1].Seq-1)
		}
		spare = appendActor(spare[:0], e)
		w.actorNo = binary.AppendUvarint(w.actorNo, w.actors.number(spare))
		spare = appendShape(spare[:0], e.Payload)
		shape := w.shapes.number(spare)
		spare = appendValues(binary.AppendUvarint(spare[:0], shape), e.Payload)
		w.payloadNo = binary.AppendUvarint(w.payloadNo, w.payloads.number(spare))
	}
	w.packed = spare
	w.times = appendTimes(w.times[:0], day, events)

	out := w.actors.appendTo(w.columns[:0])
	out = w.shapes.appendTo(out)
	out = w.payloads.appendTo(out)
	out = append(out, w.arrival...)
	out = append(out, w.times...)
	out = append(out, w.actorNo...)
	out = append(out, w.payloadNo...)
	out = appendOrdinals(out, events)
	w.columns = out
	return out
}

// appendOrdinals appends the ordinals of the events that have one: few do.
func appendOrdinals(dst []byte, events []ttpcron.Event) []byte {
	some := 0
	for i := range events {
		if events[i].Ordinal > 0 {
			some++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(some))
	next := 0
	for i := range events {
		if n := events[i].Ordinal; n > 0 {
			dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(i-next)), uint64(n))
			next = i + 1
		}
	}
	return dst
}

// Of the number with which an actor begins two bits each say how the attacker, the
// address, the time and the session came to be known, and one from where the event was
// seen. Before version 3 sessions were always recorded, and had no connection; before version 2 addresses were,
// and events seen by honeypots; up to schema 2 times were recorded, as far as was known.
const (
	originMask   = 3
	addressShift = 2
	timeShift    = 4
	vantageShift = 6
	sessionShift = 7
)

func appendActor(dst []byte, e *ttpcron.Event) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.AttackerOrigin)|uint64(e.AddressOrigin)<<addressShift|uint64(e.TimeOrigin)<<timeShift|
		uint64(e.Vantage)<<vantageShift|uint64(e.SessionOrigin)<<sessionShift)
	for _, s := range [...]string{e.AttackerUUID, e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID, e.Connection} {
		dst = record.AppendPacked(dst, s)
	}
	return dst
}

func appendShape(dst []byte, p ttpcron.Payload) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p)))
	for i := range p {
		dst = record.AppendText(record.AppendBool(dst, p[i].Raw != nil), p[i].Name)
	}
	return dst
}

func appendValues(dst []byte, p ttpcron.Payload) []byte {
	for i := range p {
		if p[i].Raw != nil {
			dst = append(binary.AppendUvarint(dst, uint64(len(p[i].Raw))), p[i].Raw...)
		} else {
			dst = record.AppendText(dst, p[i].Text)
		}
	}
	return dst
}

// timeUnits are the units in which a block's times may be written. Sensors write
// microseconds or coarser units.
var timeUnits = [...]int64{1, 1e3, 1e6, 1e9}

func appendTimes(dst []byte, day ttpcron.Day, events []ttpcron.Event) []byte {
	unit := len(timeUnits) - 1
	for i := range events {
		for nanos := record.NanosOf(events[i].Time, day); nanos%timeUnits[unit] != 0; {
			unit--
		}
	}
	dst = append(dst, byte(unit))
	last := int64(0)
	for i := range events {
		t := record.NanosOf(events[i].Time, day) / timeUnits[unit]
		dst = binary.AppendVarint(dst, t-last)
		last = t
	}
	return dst
}

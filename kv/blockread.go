package kv

import (
	"bytes"
	"encoding/hex"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/ttpcron/ttpcron"
)

// blockReader decodes blocks; it is safe for concurrent use.
type blockReader struct {
	decoder *zstd.Decoder
	buffers sync.Pool // *[]byte, for decompressed columns
}

// read decodes the record of a block. Events share the memory of their text with
// each other and with nothing else.
func (br *blockReader) read(kind ttpcron.SourceKind, day ttpcron.Day, first uint64, rec []byte) ([]ttpcron.Event, error) {
	r, err := openRecord(rec, []byte(kind), blockKey(day, first))
	if err != nil {
		return nil, err
	}
	return br.decode(kind, day, first, r)
}

func (br *blockReader) decode(kind ttpcron.SourceKind, day ttpcron.Day, first uint64, r reader) ([]ttpcron.Event, error) {
	n := r.count(maxBlockEvents)
	idBytes := r.count(len(r.rest))
	idForm := r.byte()
	ids := reader{rest: r.bytes(idBytes)}
	size := r.count(maxBlockBytes)
	form := r.byte()
	if r.err != nil {
		return nil, r.err
	}
	if n == 0 {
		return nil, damage("block without events")
	}
	columns := r.rest
	if form == columnsZstd {
		buf, _ := br.buffers.Get().(*[]byte)
		if buf == nil {
			buf = new([]byte)
		}
		defer br.buffers.Put(buf)
		out, err := br.decoder.DecodeAll(r.rest, (*buf)[:0])
		if err != nil {
			return nil, damagef("decompress: %v", err)
		}
		if cap(out) <= 1<<20 {
			*buf = out[:0]
		}
		columns = out
	}
	if len(columns) != size {
		return nil, damagef("block has %d bytes, want %d", len(columns), size)
	}
	events := make([]ttpcron.Event, n)
	for i := range events {
		events[i].Kind = kind
	}
	if err := readIDs(&ids, idForm, events); err != nil {
		return nil, err
	}
	if err := readColumns(columns, day, first, events); err != nil {
		return nil, err
	}
	return events, nil
}

func readIDs(r *reader, form byte, events []ttpcron.Event) error {
	if form != idsContent {
		for i := range events {
			events[i].ID = r.packed()
		}
		return r.finish()
	}
	const size = len(contentPrefix) + 32
	text := make([]byte, 0, size*len(events))
	for range events {
		text = hex.AppendEncode(append(text, contentPrefix...), r.bytes(16))
	}
	if err := r.finish(); err != nil {
		return err
	}
	all := string(text)
	for i := range events {
		events[i].ID = all[i*size : (i+1)*size]
	}
	return nil
}

// span is a part of the columns' text.
type span struct{ from, to int }

func readColumns(columns []byte, day ttpcron.Day, first uint64, events []ttpcron.Event) error {
	r := reader{rest: columns}
	actors := readActors(&r, len(events))
	shapes := readShapes(&r, len(events))
	p := readPayloads(&r, columns, shapes, len(events))
	readArrival(&r, first, events)
	readTimes(&r, day, events)
	for i := range events {
		k := r.uvarint()
		if k >= uint64(len(actors)) {
			r.fail(damagef("actor %d of %d", k, len(actors)))
			break
		}
		a, e := &actors[k], &events[i]
		e.AttackerUUID, e.AttackerIP, e.AttackerOrigin = a.AttackerUUID, a.AttackerIP, a.AttackerOrigin
		e.TimeOrigin = a.TimeOrigin
		e.IdentityUUID, e.SessionID, e.DeckyID = a.IdentityUUID, a.SessionID, a.DeckyID
	}
	numbers := make([]int, len(events))
	total := 0
	for i := range numbers {
		k := r.uvarint()
		if k >= uint64(len(p.shape)) {
			r.fail(damagef("payload %d of %d", k, len(p.shape)))
			break
		}
		numbers[i] = int(k)
		total += len(p.shape[k])
	}
	if total > maxBlockFields {
		r.fail(damagef("block with %d payload fields", total))
	}
	if err := r.finish(); err != nil {
		return err
	}
	p.fill(events, numbers, total)
	return nil
}

func readActors(r *reader, limit int) []ttpcron.Event {
	actors := make([]ttpcron.Event, r.count(limit))
	for i := range actors {
		a := &actors[i]
		origins := ttpcron.Origin(r.byte())
		a.AttackerOrigin, a.TimeOrigin = origins&(1<<originBits-1), origins>>originBits
		for _, s := range [...]*string{&a.AttackerUUID, &a.AttackerIP, &a.IdentityUUID, &a.SessionID, &a.DeckyID} {
			*s = r.packed()
		}
	}
	return actors
}

// shapeField is the name and type of a payload field.
type shapeField struct {
	name string
	raw  bool
}

func readShapes(r *reader, limit int) [][]shapeField {
	shapes := make([][]shapeField, r.count(limit))
	total := 0
	for i := range shapes {
		n := r.count(min(maxFields, len(r.rest)))
		if total += n; total > maxBlockFields {
			r.fail(damagef("block with %d payload fields", total))
			return nil
		}
		shapes[i] = make([]shapeField, n)
		for k := range shapes[i] {
			shapes[i][k] = shapeField{raw: r.bool(), name: r.text()}
		}
	}
	return shapes
}

// payloads are the distinct payloads of a block: shapes, and where the values
// lie in the text.
type payloads struct {
	text   string
	raw    []byte // the same text again, when there are raw fields
	shape  [][]shapeField
	values [][]span
}

func readPayloads(r *reader, columns []byte, shapes [][]shapeField, limit int) (p payloads) {
	n := r.count(limit)
	p.shape = make([][]shapeField, n)
	p.values = make([][]span, n)
	begin := len(columns) - len(r.rest)
	hasRaw := false
	spans, total := []span(nil), 0
	for i := range n {
		k := r.uvarint()
		if k >= uint64(len(shapes)) {
			r.fail(damagef("shape %d of %d", k, len(shapes)))
			return payloads{}
		}
		fields := shapes[k]
		if total += len(fields); total > maxBlockFields {
			r.fail(damagef("block with %d payload fields", total))
			return payloads{}
		}
		from := len(spans)
		for _, f := range fields {
			size := r.count(len(r.rest))
			at := len(columns) - len(r.rest) - begin
			r.bytes(size)
			spans = append(spans, span{at, at + size})
			hasRaw = hasRaw || f.raw
		}
		p.shape[i], p.values[i] = fields, spans[from:len(spans):len(spans)]
	}
	if r.err != nil {
		return payloads{}
	}
	text := columns[begin : len(columns)-len(r.rest)]
	p.text = string(text)
	if hasRaw {
		p.raw = bytes.Clone(text)
	}
	return p
}

// fill gives each event the payload of its number, in memory of its own but for
// the text.
func (p *payloads) fill(events []ttpcron.Event, numbers []int, total int) {
	slab := make([]ttpcron.Field, total)
	for i := range events {
		shape, values := p.shape[numbers[i]], p.values[numbers[i]]
		fields := slab[:len(shape):len(shape)]
		slab = slab[len(shape):]
		for k := range fields {
			v := values[k]
			fields[k].Name = shape[k].name
			if shape[k].raw {
				fields[k].Raw = p.raw[v.from:v.to:v.to]
			} else {
				fields[k].Text = p.text[v.from:v.to]
			}
		}
		events[i].Payload = fields
	}
}

func readArrival(r *reader, first uint64, events []ttpcron.Event) {
	events[0].Seq = first
	for i := 1; i < len(events); i++ {
		first += r.uvarint() + 1
		if first <= events[i-1].Seq {
			r.fail(damage("arrival numbers do not rise"))
			return
		}
		events[i].Seq = first
	}
}

func readTimes(r *reader, day ttpcron.Day, events []ttpcron.Event) {
	unit := int64(1)
	if u := int(r.byte()); u < len(timeUnits) {
		unit = timeUnits[u]
	} else {
		r.fail(damagef("time unit %d", u))
	}
	t := int64(0)
	for i := range events {
		t += r.varint()
		if t < 0 || t >= dayNanos/unit {
			r.fail(damage("time outside its day"))
			return
		}
		events[i].Time = timeOf(day, t*unit)
	}
}

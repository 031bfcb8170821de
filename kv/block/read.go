package block

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/zstd"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Reader decodes blocks; it is safe for concurrent use.
type Reader struct {
	decoder *zstd.Decoder
	buffers sync.Pool // *[]byte, for decompressed columns
}

// maxBuffer is how large a buffer may be to be used again. What is larger becomes the
// text of the events that are in it.
const maxBuffer = 1 << 20

// NewReader makes a reader that decompresses up to n blocks at once, 0 for one per
// processor. It allocates memory at first use.
func NewReader(concurrency int) (*Reader, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(concurrency), zstd.WithDecoderMaxMemory(maxBlockBytes), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &Reader{decoder: d}, nil
}

// Close gives back what the reader holds.
func (br *Reader) Close() { br.decoder.Close() }

// Read decodes the record of a block. Events share the memory of their text with
// each other and with nothing else.
func (br *Reader) Read(kind ttpcron.SourceKind, day ttpcron.Day, first uint64, rec []byte) ([]ttpcron.Event, error) {
	r, err := record.TypeBlock.Open(rec, []byte(kind), record.BlockKey(day, first))
	if err != nil {
		return nil, err
	}
	return br.decode(kind, day, first, r)
}

// opened is a block whose columns are located but not read yet.
type opened struct {
	events  int
	span    Span
	ids     record.Reader
	idForm  byte
	columns []byte
	own     bool    // nothing else uses the memory of the columns
	buffer  *[]byte // in which they lie otherwise
}

// open decompresses the columns of a block. The buffer goes back to the pool when they
// are used no more.
func (br *Reader) open(r *record.Reader) (o opened, err error) {
	o.events = r.Count(MaxEvents)
	if r.Version > 1 {
		o.span.First = r.Count(86400)
		o.span.Last = o.span.First + r.Count(86400)
	}
	idBytes := r.Count(len(r.Rest))
	o.idForm = r.Byte()
	o.ids = record.Reader{Rest: r.Bytes(idBytes)}
	size := r.Count(maxBlockBytes)
	form := r.Byte()
	if r.Err != nil {
		return o, r.Err
	}
	if o.events == 0 {
		return o, record.Damage("block without events")
	}
	o.columns = r.Rest
	if form == columnsZstd {
		if o.buffer, _ = br.buffers.Get().(*[]byte); o.buffer == nil {
			o.buffer = new([]byte)
		}
		out, err := br.decoder.DecodeAll(r.Rest, (*o.buffer)[:0])
		if err != nil {
			br.done(&o)
			return o, record.Damagef("decompress: %v", err)
		}
		if o.own = cap(out) > maxBuffer; !o.own {
			*o.buffer = out[:0]
		}
		o.columns = out
	}
	if len(o.columns) != size {
		br.done(&o)
		return o, record.Damagef("block has %d bytes, want %d", len(o.columns), size)
	}
	return o, nil
}

// done gives the buffer of a block back.
func (br *Reader) done(o *opened) {
	if o.buffer != nil {
		br.buffers.Put(o.buffer)
	}
}

// Actors calls do for the actors of a block, which are events with nothing but attacker,
// session and sensor, until it returns false. It reads no more of the block.
func (br *Reader) Actors(kind ttpcron.SourceKind, day ttpcron.Day, first uint64, rec []byte, do func(*ttpcron.Event) bool) error {
	r, err := record.TypeBlock.Open(rec, []byte(kind), record.BlockKey(day, first))
	if err != nil {
		return err
	}
	o, err := br.open(&r)
	if err != nil {
		return err
	}
	defer br.done(&o)
	columns := record.Reader{Rest: o.columns}
	actors := readActors(&columns, r.Version, o.events)
	if columns.Err != nil {
		return columns.Err
	}
	for i := range actors {
		if !do(&actors[i]) {
			break
		}
	}
	return nil
}

func (br *Reader) decode(kind ttpcron.SourceKind, day ttpcron.Day, first uint64, r record.Reader) ([]ttpcron.Event, error) {
	o, err := br.open(&r)
	if err != nil {
		return nil, err
	}
	defer br.done(&o)
	events := make([]ttpcron.Event, o.events)
	for i := range events {
		events[i].Kind = kind
	}
	if r.Version > 1 && o.idForm == idsContent {
		if len(o.ids.Rest) > 0 {
			return nil, record.Damage("ids of events that have none")
		}
	} else if err := readIDs(&o.ids, o.idForm, events); err != nil {
		return nil, err
	}
	if err := readColumns(o.columns, o.own, r.Version, day, first, events); err != nil {
		return nil, err
	}
	if r.Version == 1 {
		forgetDerived(events)
	} else if o.span != spanOf(day, events) {
		return nil, record.Damage("events happened at other times than their block says")
	}
	return events, nil
}

// forgetDerived removes the IDs of events whose source gave them none.
func forgetDerived(events []ttpcron.Event) {
	for i := range events {
		if e := &events[i]; strings.HasPrefix(e.ID, record.ContentPrefix) && e.ID == record.ContentID4(e) {
			e.ID = ""
		}
	}
}

func readIDs(r *record.Reader, form byte, events []ttpcron.Event) error {
	if form != idsContent {
		for i := range events {
			events[i].ID = r.Packed()
		}
		return r.Finish()
	}
	const size = len(record.ContentPrefix) + 32
	text := make([]byte, 0, size*len(events))
	for range events {
		text = hex.AppendEncode(append(text, record.ContentPrefix...), r.Bytes(16))
	}
	if err := r.Finish(); err != nil {
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

// readColumns reads the columns of events, from a block of the given version. If the
// columns are its own, they are not changed any more, and the events' text may share their
// memory.
func readColumns(columns []byte, own bool, version byte, day ttpcron.Day, first uint64, events []ttpcron.Event) error {
	r := record.Reader{Rest: columns}
	actors := readActors(&r, version, len(events))
	shapes := readShapes(&r, len(events))
	p := readPayloads(&r, columns, own, shapes, len(events))
	readArrival(&r, first, events)
	readTimes(&r, day, events)
	for i := range events {
		k := r.Uvarint()
		if k >= uint64(len(actors)) {
			r.Fail(record.Damagef("actor %d of %d", k, len(actors)))
			break
		}
		a, e := &actors[k], &events[i]
		e.AttackerUUID, e.AttackerIP, e.AttackerOrigin = a.AttackerUUID, a.AttackerIP, a.AttackerOrigin
		e.TimeOrigin, e.AddressOrigin, e.Vantage = a.TimeOrigin, a.AddressOrigin, a.Vantage
		e.IdentityUUID, e.SessionID, e.SessionOrigin, e.DeckyID = a.IdentityUUID, a.SessionID, a.SessionOrigin, a.DeckyID
		e.Connection = a.Connection
	}
	numbers := make([]int, len(events))
	total := 0
	for i := range numbers {
		k := r.Uvarint()
		if k >= uint64(len(p.shape)) {
			r.Fail(record.Damagef("payload %d of %d", k, len(p.shape)))
			break
		}
		numbers[i] = int(k)
		total += len(p.shape[k])
	}
	if total > maxBlockFields {
		r.Fail(record.Damagef("block with %d payload fields", total))
	}
	if version > 2 {
		readOrdinals(&r, events)
	}
	if err := r.Finish(); err != nil {
		return err
	}
	p.fill(events, numbers, total)
	return nil
}

func readOrdinals(r *record.Reader, events []ttpcron.Event) {
	next := 0
	for range r.Count(len(events)) {
		i := next + r.Count(len(events))
		n := r.Uvarint()
		if i >= len(events) || n == 0 || n > math.MaxUint32 {
			r.Fail(record.Damagef("ordinal %d of event %d", n, i))
			return
		}
		events[i].Ordinal = uint32(n)
		next = i + 1
	}
}

func readActors(r *record.Reader, version byte, limit int) []ttpcron.Event {
	actors := make([]ttpcron.Event, r.Count(limit))
	for i := range actors {
		a := &actors[i]
		how := r.Uvarint()
		if how >= 1<<(sessionShift+2) {
			r.Fail(record.Damagef("actor that begins with %d", how))
			return nil
		}
		origin := func(shift int) ttpcron.Origin { return ttpcron.Origin(how >> shift & originMask) }
		a.AttackerOrigin, a.AddressOrigin, a.TimeOrigin, a.SessionOrigin = origin(0), origin(addressShift), origin(timeShift), origin(sessionShift)
		a.Vantage = ttpcron.Vantage(how >> vantageShift & 1)
		for _, s := range [...]*string{&a.AttackerUUID, &a.AttackerIP, &a.IdentityUUID, &a.SessionID, &a.DeckyID} {
			*s = r.Packed()
		}
		if version > 2 {
			a.Connection = r.Packed()
		}
	}
	return actors
}

// shapeField is the name and type of a payload field.
type shapeField struct {
	name string
	raw  bool
}

func readShapes(r *record.Reader, limit int) [][]shapeField {
	shapes := make([][]shapeField, r.Count(limit))
	total := 0
	for i := range shapes {
		n := r.Count(min(MaxFields, len(r.Rest)))
		if total += n; total > maxBlockFields {
			r.Fail(record.Damagef("block with %d payload fields", total))
			return nil
		}
		shapes[i] = make([]shapeField, n)
		for k := range shapes[i] {
			shapes[i][k] = shapeField{raw: r.Bool(), name: r.Text()}
		}
	}
	return shapes
}

// payloads are the distinct payloads of a block: shapes, and where the values are in the
// text.
type payloads struct {
	text   string
	raw    []byte // the same text again, when there are raw fields
	shape  [][]shapeField
	values [][]span
}

func readPayloads(r *record.Reader, columns []byte, own bool, shapes [][]shapeField, limit int) (p payloads) {
	n := r.Count(limit)
	p.shape = make([][]shapeField, n)
	p.values = make([][]span, n)
	begin := len(columns) - len(r.Rest)
	hasRaw := false
	spans, total := []span(nil), 0
	for i := range n {
		k := r.Uvarint()
		if k >= uint64(len(shapes)) {
			r.Fail(record.Damagef("shape %d of %d", k, len(shapes)))
			return payloads{}
		}
		fields := shapes[k]
		if total += len(fields); total > maxBlockFields {
			r.Fail(record.Damagef("block with %d payload fields", total))
			return payloads{}
		}
		from := len(spans)
		for _, f := range fields {
			size := r.Count(len(r.Rest))
			at := len(columns) - len(r.Rest) - begin
			r.Bytes(size)
			spans = append(spans, span{at, at + size})
			hasRaw = hasRaw || f.raw
		}
		p.shape[i], p.values[i] = fields, spans[from:len(spans):len(spans)]
	}
	if r.Err != nil {
		return payloads{}
	}
	text := columns[begin : len(columns)-len(r.Rest)]
	if own {
		p.text = unsafe.String(unsafe.SliceData(text), len(text))
	} else {
		p.text = string(text)
	}
	if hasRaw {
		p.raw = bytes.Clone(text)
	}
	return p
}

// fill gives each event the payload of its number, in its own memory except for the text.
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

func readArrival(r *record.Reader, first uint64, events []ttpcron.Event) {
	events[0].Seq = first
	for i := 1; i < len(events); i++ {
		first += r.Uvarint() + 1
		if first <= events[i-1].Seq {
			r.Fail(record.Damage("arrival numbers do not rise"))
			return
		}
		events[i].Seq = first
	}
}

func readTimes(r *record.Reader, day ttpcron.Day, events []ttpcron.Event) {
	unit := int64(1)
	if u := int(r.Byte()); u < len(timeUnits) {
		unit = timeUnits[u]
	} else {
		r.Fail(record.Damagef("time unit %d", u))
	}
	t := int64(0)
	for i := range events {
		t += r.Varint()
		if t < 0 || t >= record.DayNanos/unit {
			r.Fail(record.Damage("time outside its day"))
			return
		}
		events[i].Time = record.TimeOf(day, t*unit)
	}
}

package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	parquetformat "github.com/parquet-go/parquet-go/format"
)

// What a row group and a page hold at most, before compression. Rows of a group are held
// in memory until it is written.
const (
	parquetGroup      = 16 << 20
	parquetGroupRows  = 1 << 17
	parquetPage       = 1 << 20
	parquetDictionary = 1 << 20
)

// parquetColumn is a column with its values in the row group that is being filled.
type parquetColumn struct {
	name     string
	kind     parquetformat.Type
	logical  parquetformat.LogicalType
	old      thrift.Null[deprecated.ConvertedType] // logical, to older readers
	optional bool
	once     bool // values differ from row to row: no dictionary is tried

	values  []byte // in the encoding PLAIN, nulls left out
	ends    []int  // of the value of each row in values
	defined []byte // 1 for each row that has a value, 0 for each that has none
	low     int64  // of a time
	high    int64
}

func textColumn(name string) *parquetColumn {
	return &parquetColumn{name: name, kind: parquetformat.ByteArray, logical: parquetformat.LogicalType{Value: &parquetformat.StringType{}},
		old: thrift.Null[deprecated.ConvertedType]{V: deprecated.UTF8, Valid: true}}
}

func maybeTextColumn(name string) *parquetColumn {
	c := textColumn(name)
	c.optional = true
	return c
}

func timeColumn(name string) *parquetColumn {
	return &parquetColumn{name: name, kind: parquetformat.Int64,
		logical: parquetformat.LogicalType{Value: &parquetformat.TimestampType{IsAdjustedToUTC: true, Unit: parquetformat.TimeUnit{Value: &parquetformat.MicroSeconds{}}}},
		old:     thrift.Null[deprecated.ConvertedType]{V: deprecated.TimestampMicros, Valid: true}}
}

func (c *parquetColumn) done() {
	c.ends = append(c.ends, len(c.values))
	c.defined = append(c.defined, 1)
}

// text adds a text, or where the column may have none null for an empty one.
func (c *parquetColumn) text(s string) {
	if s == "" && c.optional {
		c.ends = append(c.ends, len(c.values))
		c.defined = append(c.defined, 0)
		return
	}
	s = unicodeText(s)
	c.values = append(binary.LittleEndian.AppendUint32(c.values, uint32(len(s))), s...)
	c.done()
}

func (c *parquetColumn) time(t time.Time) {
	n := t.UnixMicro()
	if len(c.ends) == 0 {
		c.low, c.high = n, n
	}
	c.low, c.high = min(c.low, n), max(c.high, n)
	c.values = binary.LittleEndian.AppendUint64(c.values, uint64(n))
	c.done()
}

func (c *parquetColumn) float(f float64) {
	c.values = binary.LittleEndian.AppendUint64(c.values, math.Float64bits(f))
	c.done()
}

func (c *parquetColumn) int(n int) {
	c.values = binary.LittleEndian.AppendUint32(c.values, uint32(int32(n)))
	c.done()
}

// bool adds a truth value as a byte; a page has eight in one.
func (c *parquetColumn) bool(b bool) {
	c.values = append(c.values, map[bool]byte{true: 1}[b])
	c.done()
}

func (c *parquetColumn) reset() {
	c.values, c.ends, c.defined = c.values[:0], c.ends[:0], c.defined[:0]
}

// dictionary lists the group's different values, and each value's index among them. It is
// false if that would save nothing.
func (c *parquetColumn) dictionary() (plain []byte, which []int32, distinct int, ok bool) {
	if c.kind != parquetformat.ByteArray || c.once {
		return nil, nil, 0, false
	}
	known := map[string]int32{}
	for v := c.values; len(v) > 0; {
		n := 4 + binary.LittleEndian.Uint32(v)
		i, is := known[string(v[:n])]
		if !is {
			i = int32(len(known))
			known[string(v[:n])] = i
			if plain = append(plain, v[:n]...); len(plain) > parquetDictionary {
				return nil, nil, 0, false
			}
		}
		which = append(which, i)
		v = v[n:]
	}
	return plain, which, len(known), 2*len(known) <= len(which)
}

// parquetWriter writes one file (https://parquet.apache.org/docs/file-format/). The
// library's own writer is not used, see docs/dependencies.md.
type parquetWriter struct {
	columns []*parquetColumn
	sorted  int // the column by which rows are sorted, from the highest value down
	zstd    *zstd.Encoder

	file   *os.File
	w      *bufio.Writer
	at     int64
	rows   int64
	groups []parquetformat.RowGroup
	packed []byte
	raw    []byte
}

func newParquetWriter(columns []*parquetColumn, sorted int) (*parquetWriter, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	return &parquetWriter{columns: columns, sorted: sorted, zstd: z, w: bufio.NewWriterSize(nil, 64<<10)}, err
}

// create begins a file.
func (p *parquetWriter) create(path string) (err error) {
	if p.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
		return err
	}
	p.w.Reset(p.file)
	p.at, p.rows, p.groups = 0, 0, nil
	return p.write([]byte("PAR1"))
}

func (p *parquetWriter) write(b []byte) error {
	p.at += int64(len(b))
	_, err := p.w.Write(b)
	return err
}

// row ends a row, after every column has its value.
func (p *parquetWriter) row() error {
	size := 0
	for _, c := range p.columns {
		size += len(c.values)
	}
	if size < parquetGroup && len(p.columns[0].ends) < parquetGroupRows {
		return nil
	}
	return p.group()
}

// group writes the rows that are held as a row group.
func (p *parquetWriter) group() error {
	n := len(p.columns[0].ends)
	if n == 0 {
		return nil
	}
	g := parquetformat.RowGroup{NumRows: int64(n), FileOffset: p.at, Ordinal: int16(len(p.groups)),
		SortingColumns: []parquetformat.SortingColumn{{ColumnIdx: int32(p.sorted), Descending: true}}}
	for _, c := range p.columns {
		chunk, err := p.chunk(c)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		g.Columns = append(g.Columns, chunk)
		g.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		c.reset()
	}
	p.rows += int64(n)
	p.groups = append(p.groups, g)
	return nil
}

// chunk writes the values of a column in the group.
func (p *parquetWriter) chunk(c *parquetColumn) (parquetformat.ColumnChunk, error) {
	m := parquetformat.ColumnMetaData{Type: c.kind, PathInSchema: []string{c.name}, Codec: parquetformat.Zstd, NumValues: int64(len(c.ends)),
		Encoding: []parquetformat.Encoding{parquetformat.Plain, parquetformat.RLE}}
	for _, d := range c.defined {
		m.Statistics.NullCount += int64(1 - d)
	}
	if _, isTime := c.logical.Value.(*parquetformat.TimestampType); isTime {
		m.Statistics.MinValue = binary.LittleEndian.AppendUint64(nil, uint64(c.low))
		m.Statistics.MaxValue = binary.LittleEndian.AppendUint64(nil, uint64(c.high))
	}
	before := p.at
	plain, which, distinct, inDictionary := c.dictionary()
	if inDictionary {
		m.DictionaryPageOffset = p.at
		m.Encoding = append(m.Encoding, parquetformat.RLEDictionary)
		header := parquetformat.PageHeader{Type: parquetformat.DictionaryPage, DictionaryPageHeader: some(parquetformat.DictionaryPageHeader{NumValues: int32(distinct)})}
		if err := p.page(&header, plain, &m); err != nil {
			return parquetformat.ColumnChunk{}, err
		}
	} else {
		which = nil
	}
	m.DataPageOffset = p.at
	for from := 0; from < len(c.ends); {
		to, err := p.dataPage(c, from, which, distinct, &m)
		if err != nil {
			return parquetformat.ColumnChunk{}, err
		}
		from = to
	}
	m.TotalCompressedSize = p.at - before
	return parquetformat.ColumnChunk{MetaData: m}, nil
}

func some[T any](v T) thrift.Null[T] { return thrift.Null[T]{V: v, Valid: true} }

// dataPage writes a page of rows from one on, and returns the next one. which is the
// remaining indices in the dictionary, or nil.
func (p *parquetWriter) dataPage(c *parquetColumn, from int, which []int32, distinct int, m *parquetformat.ColumnMetaData) (to int, err error) {
	start := 0
	if from > 0 {
		start = c.ends[from-1]
	}
	for to = from + 1; to < len(c.ends) && c.ends[to]-start <= parquetPage; {
		to++
	}
	raw := p.raw[:0]
	if c.optional {
		raw = append(raw, 0, 0, 0, 0)
		if raw, err = appendRuns(raw, c.defined[from:to]); err != nil {
			return 0, err
		}
		binary.LittleEndian.PutUint32(raw, uint32(len(raw)-4))
	}
	values := c.values[start:c.ends[to-1]]
	encoding := parquetformat.Plain
	switch {
	case which != nil:
		encoding = parquetformat.RLEDictionary
		width := max(1, bits.Len(uint(distinct-1)))
		first, n := count(c.defined[:from]), count(c.defined[from:to])
		raw = append(raw, byte(width))
		var encoded []byte
		if encoded, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, which[first:first+n]); err != nil {
			return 0, err
		}
		raw = append(raw, encoded...)
	case c.kind == parquetformat.Boolean:
		raw = appendBits(raw, values)
	default:
		raw = append(raw, values...)
	}
	p.raw = raw
	header := parquetformat.PageHeader{Type: parquetformat.DataPage, DataPageHeader: some(parquetformat.DataPageHeader{NumValues: int32(to - from), Encoding: encoding,
		DefinitionLevelEncoding: parquetformat.RLE, RepetitionLevelEncoding: parquetformat.RLE})}
	return to, p.page(&header, raw, m)
}

func count(defined []byte) (n int) {
	for _, d := range defined {
		n += int(d)
	}
	return n
}

// appendRuns appends levels of 0 and 1 in the encoding RLE.
func appendRuns(dst, levels []byte) ([]byte, error) {
	encoded, err := (&rle.Encoding{BitWidth: 1}).EncodeLevels(nil, levels)
	return append(dst, encoded...), err
}

// appendBits appends bytes of 0 and 1 as bits, the first the lowest.
func appendBits(dst, values []byte) []byte {
	for len(values) > 0 {
		n := min(8, len(values))
		var b byte
		for i, v := range values[:n] {
			b |= v << i
		}
		dst, values = append(dst, b), values[n:]
	}
	return dst
}

func (p *parquetWriter) page(header *parquetformat.PageHeader, raw []byte, m *parquetformat.ColumnMetaData) error {
	if len(raw) > math.MaxInt32 {
		return errors.New("a value is larger than 2 GiB")
	}
	p.packed = p.zstd.EncodeAll(raw, p.packed[:0])
	header.UncompressedPageSize, header.CompressedPageSize = int32(len(raw)), int32(len(p.packed))
	h, err := thrift.Marshal(new(thrift.CompactProtocol), header)
	if err != nil {
		return err
	}
	m.TotalUncompressedSize += int64(len(h) + len(raw))
	if err := p.write(h); err != nil {
		return err
	}
	return p.write(p.packed)
}

// close writes what is buffered and the end of the file.
func (p *parquetWriter) close(createdBy string) error {
	if p.file == nil {
		return nil
	}
	defer func() { p.file = nil }()
	defer p.file.Close()
	if err := p.group(); err != nil {
		return err
	}
	footer := parquetformat.FileMetaData{Version: 1, NumRows: p.rows, RowGroups: p.groups, CreatedBy: createdBy,
		Schema: []parquetformat.SchemaElement{{Name: "tags", NumChildren: some(int32(len(p.columns)))}}}
	for _, c := range p.columns {
		repetition := parquetformat.Required
		if c.optional {
			repetition = parquetformat.Optional
		}
		footer.Schema = append(footer.Schema, parquetformat.SchemaElement{Name: c.name, Type: some(c.kind), RepetitionType: some(repetition), LogicalType: c.logical, ConvertedType: c.old})
		footer.ColumnOrders = append(footer.ColumnOrders, parquetformat.ColumnOrder{Value: &parquetformat.TypeDefinedOrder{}})
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &footer)
	if err != nil {
		return err
	}
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(b))), "PAR1"...)
	for _, do := range []func() error{func() error { return p.write(b) }, p.w.Flush, p.file.Sync, p.file.Close} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// abandon closes a file that is not finished.
func (p *parquetWriter) abandon() {
	if p.file != nil {
		p.file.Close()
	}
	_ = p.zstd.Close()
}

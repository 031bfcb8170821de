package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads the xz format, one stream after the other, with NULs between and
// behind them. The library decodes LZMA2; its own reader of the format would make
// a dictionary as large as a file says, 4 GiB at most.
// https://tukaani.org/xz/xz-file-format.txt
type xzReader struct {
	from *bufio.Reader
	src  *stream
	n    int64 // bytes read of the current block or index

	checkType byte
	check     hash.Hash // nil: none, or none that is known
	block     *lzma.Reader2
	blocks    uint64 // of the stream
	left      int64  // of the block's content, when its header says how much
	allocated int64  // dictionaries made
	ended     bool   // the stream has, and what follows it is not known yet
	err       error
}

var (
	xzMagic = []byte{0xfd, '7', 'z', 'X', 'Z', 0}

	errXZHeader = errors.New("malformed header")
	errXZFilter = errors.New("a filter that is not known")
	errXZCheck  = errors.New("wrong checksum")
	errXZIndex  = errors.New("malformed index")
)

func newXZ(from *bufio.Reader, src *stream) (*xzReader, error) {
	x := &xzReader{from: from, src: src}
	return x, x.header()
}

// ReadByte reads a byte and counts it.
func (x *xzReader) ReadByte() (byte, error) {
	b, err := x.from.ReadByte()
	if err == nil {
		x.n++
	}
	return b, err
}

// counted is the xzReader as the decoder sees it.
type counted struct{ x *xzReader }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.x.from.Read(p)
	c.x.n += int64(n)
	return n, err
}

// whole is io.ReadFull, but an early end counts as damage.
func (x *xzReader) whole(p []byte) error {
	_, err := io.ReadFull(counted{x}, p)
	return cutOff(err)
}

func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (x *xzReader) header() error {
	var h [12]byte
	if err := x.whole(h[:]); err != nil {
		return err
	}
	if !bytes.HasPrefix(h[:], xzMagic) || h[6] != 0 || h[7] > 15 || crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return errXZHeader
	}
	x.checkType, x.blocks = h[7], 0
	return nil
}

func (x *xzReader) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	n, err := x.read(p)
	if err != nil && err != errNothingYet {
		x.err = err
	}
	return n, err
}

func (x *xzReader) read(p []byte) (int, error) {
	if x.ended {
		return 0, x.nextStream()
	}
	if x.block == nil {
		return 0, x.next()
	}
	n, err := x.block.Read(p)
	if x.check != nil {
		x.check.Write(p[:n])
	}
	if x.left >= 0 {
		if x.left -= int64(n); x.left < 0 {
			return 0, errXZHeader
		}
	}
	switch {
	case err == nil:
	case err == io.EOF && x.block.EOS():
		if err = x.endBlock(); err == nil {
			err = errNothingYet
		}
	default:
		err = cutOff(err)
	}
	return n, err
}

// next begins the next block, or goes past the end of a stream.
func (x *xzReader) next() error {
	x.n = 0
	size, err := x.ReadByte()
	switch {
	case err != nil:
		return cutOff(err)
	case size == 0:
		return x.endStream()
	}
	header := make([]byte, (int(size)+1)*4)
	header[0] = size
	if err := x.whole(header[1:]); err != nil {
		return err
	}
	body := header[:len(header)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(header[len(body):]) {
		return errXZHeader
	}
	dictionary, err := x.blockHeader(body[1:])
	if err != nil {
		return err
	}
	// Blocks of a few bytes, each with a large dictionary, are endless work too.
	x.allocated += int64(dictionary)
	if ratio := int64(2000); x.src.inflated(x.allocated/4, ratio) {
		return &inflatesError{ratio}
	}
	x.n, x.check = 0, newXZCheck(x.checkType)
	x.blocks++
	if x.block, err = (lzma.Reader2Config{DictCap: dictionary}).NewReader2(counted{x}); err != nil {
		return cutOff(err)
	}
	return errNothingYet
}

// blockHeader returns how large a dictionary a block needs.
func (x *xzReader) blockHeader(b []byte) (int, error) {
	flags := b[0]
	b = b[1:]
	if flags&0x3c != 0 {
		return 0, errXZHeader
	}
	if flags&3 != 0 {
		return 0, errXZFilter
	}
	x.left = -1
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit == 0 {
			continue
		}
		v, n := uvarint(b)
		if n <= 0 {
			return 0, errXZHeader
		}
		if b = b[n:]; bit == 0x80 {
			x.left = int64(v)
		}
	}
	if len(b) < 3 || b[1] != 1 || b[2] > 40 {
		return 0, errXZHeader
	}
	if b[0] != 0x21 {
		return 0, errXZFilter
	}
	size, err := lzma.DecodeDictCap(b[2])
	if err != nil {
		return 0, err
	}
	if len(bytes.Trim(b[3:], "\x00")) != 0 {
		return 0, errXZHeader
	}
	if x.left >= 0 {
		size = min(size, x.left) // no match reaches further back
	}
	if size > maxWindow {
		return 0, errWindow
	}
	return int(max(size, lzma.MinDictCap)), nil
}

// uvarint is binary.Uvarint for the numbers of xz, which have 63 bits.
func uvarint(b []byte) (uint64, int) {
	v, n := binary.Uvarint(b[:min(len(b), 9)])
	return v, n
}

func newXZCheck(kind byte) hash.Hash {
	switch kind {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64ECMA)
	case 10:
		return sha256.New()
	}
	return nil
}

var crc64ECMA = crc64.MakeTable(crc64.ECMA)

// checkSizes are the sizes of checksums by their type.
var checkSizes = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

// endBlock reads the padding and the checksum behind a block.
func (x *xzReader) endBlock() error {
	x.block = nil
	if x.left > 0 {
		return errXZHeader
	}
	if err := x.padding(); err != nil {
		return err
	}
	sum := make([]byte, checkSizes[x.checkType])
	if err := x.whole(sum); err != nil {
		return err
	}
	if x.check == nil {
		return nil
	}
	want := x.check.Sum(nil)
	if x.checkType != 10 {
		for i, k := 0, len(want)-1; i < k; i, k = i+1, k-1 {
			want[i], want[k] = want[k], want[i]
		}
	}
	if !bytes.Equal(sum, want) {
		return errXZCheck
	}
	return nil
}

// padding reads the NULs up to a multiple of four bytes.
func (x *xzReader) padding() error {
	for x.n%4 != 0 {
		b, err := x.ReadByte()
		switch {
		case err != nil:
			return cutOff(err)
		case b != 0:
			return errXZHeader
		}
	}
	return nil
}

// endStream reads the index and the footer of a stream, and the header of the next.
// The index is for those who seek; it has an entry for each block.
func (x *xzReader) endStream() error {
	blocks, err := binary.ReadUvarint(x)
	if err != nil {
		return cutOff(err)
	}
	if blocks != x.blocks {
		return errXZIndex
	}
	for range blocks {
		for range 2 {
			if _, err := binary.ReadUvarint(x); err != nil {
				return cutOff(err)
			}
		}
	}
	if err := x.padding(); err != nil {
		return err
	}
	var footer [16]byte // behind the checksum of the index
	if err := x.whole(footer[:]); err != nil {
		return err
	}
	if footer[14] != 'Y' || footer[15] != 'Z' || crc32.ChecksumIEEE(footer[8:14]) != binary.LittleEndian.Uint32(footer[4:]) {
		return errXZIndex
	}
	x.ended = true
	return errNothingYet
}

// nextStream moves to the next stream, past at most a buffer of NULs.
func (x *xzReader) nextStream() error {
	some, err := skipPadding(x.from)
	if some || err != nil {
		return err
	}
	x.ended = false
	if err := x.header(); err != nil {
		return err
	}
	return errNothingYet
}

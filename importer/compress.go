package importer

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// compression is a compressed form. It is recognised by the first bytes of the data,
// whatever the file's name.
type compression struct {
	name  string
	magic []byte
	// ratio is how many times the file's size the data may have, see inflating.
	ratio int64
	open  func(from *bufio.Reader, src *stream) (io.Reader, error)
}

// maxWindow is the largest dictionary or window, in bytes, for data in xz or zstd. It is
// that of xz's strongest level.
const maxWindow = 64 << 20

var errWindow = fmt.Errorf("need a dictionary of more than %d MiB: decompress the file first", maxWindow>>20)

// maxLayers bounds how often data are compressed one in another.
const maxLayers = 4

var errLayers = fmt.Errorf("it is compressed more than %d times over", maxLayers)

var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// For gzip, 400 times is more than any log reaches, and its own limit is 1,032. The others
// find repetitions at any distance: a log written twice has half the size.
var compressions = []compression{
	{"gzip", gzipMagic, 400, func(from *bufio.Reader, _ *stream) (io.Reader, error) { return newMembers(from) }},
	{"zstd", zstdMagic, 2000, openZstd},
	{"bzip2", []byte("BZh"), 2000, func(from *bufio.Reader, _ *stream) (io.Reader, error) { return bzip2.NewReader(from), nil }},
	{"xz", xzMagic, 2000, func(from *bufio.Reader, src *stream) (io.Reader, error) { return newXZ(from, src) }},
}

// compressionOf returns the form that data which begin with magic have, or nil.
func compressionOf(magic []byte) *compression {
	for i := range compressions {
		c := &compressions[i]
		if bytes.HasPrefix(magic, c.magic) && (c.name != "bzip2" || isBzip2(magic)) {
			return c
		}
	}
	if isSkippable(magic) {
		return &compressions[1]
	}
	return nil
}

// isBzip2 distinguishes "BZh9" and the beginning of a block, or of the end, from text.
func isBzip2(magic []byte) bool {
	if len(magic) < 4 || magic[3] < '1' || magic[3] > '9' {
		return false
	}
	next := magic[4:min(len(magic), 10)]
	return bytes.HasPrefix([]byte("\x31\x41\x59\x26\x53\x59"), next) || bytes.HasPrefix([]byte("\x17\x72\x45\x38\x50\x90"), next)
}

// isSkippable reports whether data begin with a frame of zstd that holds no
// content, as pzstd and the seekable form write it.
func isSkippable(magic []byte) bool {
	return len(magic) >= 8 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:4], []byte{0x2a, 0x4d, 0x18})
}

func openZstd(from *bufio.Reader, _ *stream) (io.Reader, error) {
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return zstdReader{z}, nil
}

type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.Decoder.Read(p)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = errWindow
	}
	return n, err
}

// damageError says that compressed data end too early or are invalid.
type damageError struct {
	form string
	err  error
}

func (e *damageError) Unwrap() error { return e.err }

func (e *damageError) Error() string {
	switch {
	case errors.Is(e.err, io.ErrUnexpectedEOF):
		return e.form + " data are cut off"
	case errors.Is(e.err, errWindow):
		return e.form + " data " + errWindow.Error()
	}
	reason := e.err.Error()
	for _, prefix := range []string{"gzip: ", "bzip2 data invalid: ", "xz: ", "lzma: "} {
		if len(reason) > len(prefix) && reason[:len(prefix)] == prefix {
			reason = reason[len(prefix):]
		}
	}
	return e.form + " data are damaged: " + reason
}

// maxInflated is how much a compressed file may decompress to, in bytes, whatever its
// size. Above that, the limit is the ratio of its form times its size, for all nested
// forms together.
const maxInflated = 64 << 20

// inflatesError says that a file decompresses to more than any log does.
type inflatesError struct{ ratio int64 }

func (e *inflatesError) Error() string {
	return fmt.Sprintf("it decompresses to more than %d times its size: given up after %d MiB or more", e.ratio, maxInflated>>20)
}

func isInflates(err error) bool { return errors.As(err, new(*inflatesError)) }

// inflating reads the content of a layer of compression, gives up if it is too large, and
// says which form is damaged.
type inflating struct {
	r     io.Reader
	src   *stream
	form  string
	ratio int64
	n     int64
	err   error
}

func (r *inflating) Read(p []byte) (int, error) {
	if r.err == nil && r.src.inflated(r.n, r.ratio) {
		r.err = &inflatesError{r.ratio}
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	if n < 0 || n > len(p) {
		n, err = 0, errors.New("reader returned an impossible count")
	}
	r.n += int64(n)
	switch {
	case err == nil || err == errNothingYet:
		return n, err
	case err == io.EOF || isInflates(err) || errors.As(err, new(*damageError)):
		r.err = err
	default:
		r.err = &damageError{r.form, err}
	}
	return n, r.err
}

// inflated reports whether n bytes are more than an honest file of the size read so far
// can contain.
func (s *stream) inflated(n, ratio int64) bool { return n > maxInflated && n/ratio > s.pos.Load() }

// unpack opens the layers of compression from the outermost one, and returns the content.
func (s *stream) unpack(from io.Reader) io.Reader {
	s.layers = nil
	ratio := int64(0)
	for {
		ahead := &peeked{r: from}
		c := compressionOf(ahead.peek(len(sqliteMagic)))
		if c == nil {
			return ahead
		}
		if len(s.layers) == maxLayers {
			return failedReader{&damageError{c.name, errLayers}}
		}
		s.layers = append(s.layers, c.name)
		ratio = max(ratio, c.ratio)
		z, err := c.open(bufio.NewReaderSize(steady{ahead}, 64<<10), s)
		if err != nil {
			if !errors.As(err, new(*damageError)) && !isInflates(err) && s.rawErr == nil {
				err = &damageError{c.name, err}
			}
			return failedReader{err}
		}
		from = &inflating{r: z, src: s, form: c.name, ratio: ratio}
	}
}

// peeked is a reader whose first bytes have been inspected.
type peeked struct {
	r    io.Reader
	head []byte
	err  error // that came with the last of head
}

// peek returns up to n of the bytes that come next.
func (p *peeked) peek(n int) []byte {
	buf := make([]byte, n)
	for tries := 0; len(p.head) < n && p.err == nil && tries < maxIdle; tries++ {
		k, err := p.r.Read(buf[:n-len(p.head)])
		p.head = append(p.head, buf[:max(0, min(k, n-len(p.head)))]...)
		if err != nil && err != errNothingYet {
			p.err = err
		}
		if k > 0 {
			tries = 0
		}
	}
	return p.head[:min(n, len(p.head))]
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	return p.r.Read(b)
}

// steady is a reader that keeps reading while another has nothing yet.
type steady struct{ r io.Reader }

func (s steady) Read(p []byte) (int, error) {
	for {
		n, err := s.r.Read(p)
		if err != errNothingYet {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

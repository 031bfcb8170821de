package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/ttpcron/ttpcron"
)

// stream is an open file or standard input, decompressed.
type stream struct {
	file    *os.File // nil for standard input
	size    int64
	pos     atomic.Int64 // bytes read of what is on disk
	raw     io.Reader
	rawErr  error // what reading the file reported, other than its end
	content io.Reader
	layers  []string  // forms of compression, the outermost first
	utf16   bool      // content was UTF-16
	csv     *csvLayer // content was CSV; nil: it was not
	magic   []byte    // the first bytes, before decompression
	look    ttpcron.FileLook
	beside  string // what of a database lies next to it
	moved   func() // called after each read
}

var (
	gzipMagic   = []byte{0x1f, 0x8b, 0x08}
	sqliteMagic = []byte("SQLite format 3\x00")
)

// Read reads what is on disk and counts it.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.raw.Read(p)
	s.pos.Add(int64(max(n, 0)))
	s.move()
	if err != nil && err != io.EOF {
		s.rawErr = err
	}
	return n, err
}

func (s *stream) move() {
	if s.moved != nil {
		s.moved()
	}
}

// openFile opens a file and looks at it; decompress makes it readable.
func openFile(path string, o *Options) (*stream, error) {
	file, info, err := ttpcron.OpenRegular(path)
	if err != nil {
		return nil, notRegular(err)
	}
	s := &stream{file: file, raw: file, size: info.Size()}
	if s.look, s.magic, err = lookAt(file, info, path, o); err != nil {
		file.Close()
		return nil, err
	}
	if s.isSQLite() {
		if s.beside, _, err = beside(path); err != nil {
			file.Close()
			return nil, err
		}
		s.look.How += s.beside
	}
	return s, nil
}

// notRegular adds to the error about a pipe, socket or device how to import from it.
func notRegular(err error) error {
	if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) && !odd.IsFolder() {
		return fmt.Errorf("%w; to read a stream, pipe it in and give - as the path", err)
	}
	return err
}

func openStream(r io.Reader) *stream {
	return &stream{raw: r}
}

// decode looks at the first bytes and sets up content: decompressed, in UTF-8.
func (s *stream) decode() error {
	buffered := bufio.NewReaderSize(s, 64<<10)
	magic, err := buffered.Peek(len(sqliteMagic))
	if s.rawErr != nil {
		return s.rawErr
	}
	if err != nil && err != io.EOF {
		return err
	}
	s.magic = bytes.Clone(magic)
	unpacked := &peeked{r: s.unpack(buffered)}
	s.content, s.utf16 = unpacked, false
	if big, ok := utf16Order(unpacked.peek(utf16Looked)); ok {
		s.content, s.utf16 = newUTF16(unpacked, big), true
	}
	if s.csv != nil {
		s.content = s.csv.open(s.content)
	}
	return nil
}

// packed reports whether the file is compressed.
func (s *stream) packed() bool { return len(s.layers) > 0 }

// derived reports whether content is not what is on disk, so that an offset in the
// one is none in the other.
func (s *stream) derived() bool { return s.packed() || s.utf16 || s.csv != nil }

// rewind starts again from offset of a file that is read as it is, or from the
// beginning of one that is decoded.
func (s *stream) rewind(offset int64) error {
	derived := s.derived()
	if derived {
		offset = 0
	}
	if _, err := s.file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	s.pos.Store(offset)
	if derived {
		return s.decode()
	}
	s.content = s
	return nil
}

func (s *stream) isSQLite() bool { return bytes.Equal(s.magic, sqliteMagic) }

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// failedReader is a stream that cannot be read at all.
type failedReader struct{ err error }

func (r failedReader) Read([]byte) (int, error) { return 0, r.err }

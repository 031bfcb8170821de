package importer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/klauspost/compress/gzip"
)

// source is an open file or standard input, decompressed.
type source struct {
	file    *os.File // nil for standard input
	size    int64
	pos     atomic.Int64 // bytes read of what is on disk
	raw     io.Reader
	rawErr  error // what reading the file reported, other than its end
	content io.Reader
	gz      bool
	magic   []byte // the first bytes, before decompression
}

var (
	gzipMagic   = []byte{0x1f, 0x8b, 0x08}
	sqliteMagic = []byte("SQLite format 3\x00")
)

// Read reads what is on disk and counts it.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.raw.Read(p)
	s.pos.Add(int64(max(n, 0)))
	if err != nil && err != io.EOF {
		s.rawErr = err
	}
	return n, err
}

// openFile opens a regular file; nothing else is opened, not even for a moment.
func openFile(path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if kind := irregular(info.Mode()); kind != "" {
		return nil, &NotRegularError{path, kind}
	}
	// O_NONBLOCK, in case that a FIFO has taken the file's place.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = file.Stat()
	if err == nil {
		if kind := irregular(info.Mode()); kind != "" {
			err = &NotRegularError{path, kind}
		}
	}
	s := &source{file: file, raw: file}
	if err == nil {
		s.size = info.Size()
		err = s.decompress()
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

func openStream(r io.Reader) (*source, error) {
	s := &source{raw: r}
	return s, s.decompress()
}

const kindFolder = "a folder"

// irregular names what is not a regular file.
func irregular(mode os.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return kindFolder
	case mode&os.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&os.ModeSocket != 0:
		return "a socket"
	case mode&os.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a device"
}

// decompress looks at the first bytes and sets up content.
func (s *source) decompress() error {
	buffered := bufio.NewReaderSize(s, 64<<10)
	magic, err := buffered.Peek(len(sqliteMagic))
	if s.rawErr != nil {
		return s.rawErr
	}
	if err != nil && err != io.EOF {
		return err
	}
	s.magic = bytes.Clone(magic)
	s.content, s.gz = buffered, bytes.HasPrefix(magic, gzipMagic)
	if !s.gz {
		return nil
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		s.content = failedReader{fmt.Errorf("header: %w", err)}
		return nil
	}
	s.content = z
	return nil
}

// rewind starts again from offset of a file that is not compressed, or from the
// beginning of one that is.
func (s *source) rewind(offset int64) error {
	if s.gz {
		offset = 0
	}
	if _, err := s.file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	s.pos.Store(offset)
	if s.gz {
		return s.decompress()
	}
	s.content = s
	return nil
}

func (s *source) isSQLite() bool { return bytes.Equal(s.magic, sqliteMagic) }

func (s *source) close() error {
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

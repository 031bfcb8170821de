package importer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

const (
	// settled is how long ago a file must have changed for its look to be kept:
	// file systems tell times apart by ticks of up to two seconds, and another
	// change within one would leave no trace.
	settled = 10 * time.Second
	// seenAgain is how old a look is when it is kept again.
	seenAgain = 24 * time.Hour
	// judging is raised when what is taken for a log changes otherwise than by a
	// format's version.
	judging = 1
)

// how says what a look depends on beside the file: what was asked for, and the
// formats that this program knows.
func (o *Options) how() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s final=%t", judging, o.Format, o.Final)
	for i := range formats {
		b.WriteString(" " + formats[i].markName())
	}
	return b.String()
}

// lookAt describes an open file as it is on disk.
func lookAt(f *os.File, info fs.FileInfo, path string, o *Options) (ttpcron.FileLook, error) {
	l := ttpcron.FileLook{Path: path, How: o.how(), Size: info.Size(), Modified: info.ModTime().UTC()}
	l.Changed, l.Inode = identity(info)
	buf := make([]byte, keepBytes)
	for _, part := range []struct {
		sum *[32]byte
		at  int64
	}{{&l.Head, 0}, {&l.Tail, max(0, l.Size-keepBytes)}} {
		n, err := f.ReadAt(buf, part.at)
		if err != nil && err != io.EOF {
			return l, err
		}
		*part.sum = sha256.Sum256(buf[:n])
	}
	return l, nil
}

// same reports whether a file looks as it did. What came of it is not compared.
func same(a, b *ttpcron.FileLook) bool {
	return a.Path == b.Path && a.How == b.How && a.Size == b.Size && a.Modified.Equal(b.Modified) && a.Changed.Equal(b.Changed) &&
		a.Inode == b.Inode && a.Head == b.Head && a.Tail == b.Tail
}

// unchanged opens a file that looks as it did when an import was done with it: a
// file without batches, or the error of then.
func unchanged(path string, s *source, o *Options) (*File, error) {
	if o.Look.Path == "" || !same(&o.Look, &s.look) {
		return nil, nil
	}
	look := o.Look
	kept := &look
	if age := o.Now().Sub(look.SeenAt); age >= 0 && age < seenAgain {
		kept = nil
	} else {
		look.SeenAt = o.Now()
	}
	switch look.Outcome {
	case ttpcron.LookUnknown:
		return nil, &UnknownFormatError{path, look.Reason, kept}
	case ttpcron.LookGivenUp:
		return nil, &GivenUpError{path, look.Reason, kept}
	}
	format, _ := findFormat(look.Format)
	s.pos.Store(s.size)
	return &File{path: path, format: format, src: s, keep: kept, used: true}, nil
}

// finish returns the look of a file with which an import is done, nil when it
// cannot be relied on: the file is still changing, or has only just.
func (s *source) finish(o *Options) *ttpcron.FileLook {
	if s.file == nil || s.look.Path == "" {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil
	}
	l := s.look
	now := ttpcron.FileLook{Size: info.Size(), Modified: info.ModTime()}
	now.Changed, _ = identity(info)
	last := l.Modified
	if l.Changed.After(last) {
		last = l.Changed
	}
	if now.Size != l.Size || !now.Modified.Equal(l.Modified) || !now.Changed.Equal(l.Changed) || o.Now().Sub(last) < settled {
		return nil
	}
	l.SeenAt = o.Now()
	return &l
}

// GivenUpError says that a file was not read to its end because it would have
// none in this life: it decompresses to a multiple of what any log does.
type GivenUpError struct {
	Path   string
	Reason string
	look   *ttpcron.FileLook
}

func (e *GivenUpError) Error() string { return e.Path + ": " + e.Reason }

// Look returns what is to be remembered of the file, or nil.
func (e *GivenUpError) Look() *ttpcron.FileLook { return e.look }

// maxInflated is how much a compressed file may decompress to, in bytes, without
// a look at how much it was; above, it may be up to maxRatio times its size. Logs
// reach 100, the most that gzip can do is 1,032.
const (
	maxInflated = 64 << 20
	maxRatio    = 400
)

var errInflates = fmt.Errorf("it decompresses to more than %d times its size: given up after %d MiB or more", maxRatio, maxInflated>>20)

// inflating reads decompressed data, and gives up on too much of it.
type inflating struct {
	io.Reader
	src *source
	n   int64
}

func (r *inflating) Read(p []byte) (int, error) {
	if r.n > maxInflated && r.n/maxRatio > r.src.pos.Load() {
		return 0, errInflates
	}
	n, err := r.Reader.Read(p)
	r.n += int64(max(n, 0))
	return n, err
}

// givenUp makes the error of a file that was given up.
func (f *File) givenUp(err error, o *Options) error {
	if !errors.Is(err, errInflates) {
		return err
	}
	e := &GivenUpError{Path: f.path, Reason: errInflates.Error(), look: f.src.finish(o)}
	if e.look != nil {
		e.look.Outcome, e.look.Reason = ttpcron.LookGivenUp, e.Reason
	}
	return e
}

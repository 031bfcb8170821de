package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// A new store is made in a scratch folder and then renamed, so a process that is killed
// meanwhile leaves no half-made store. That is impossible if the file exists: it may be a
// mount, or in a folder where nobody may make files. An empty file becomes a store in
// place; if the process is killed, unfinished recognises what it leaves.

// birthBytes is the largest file that a process can leave if it is killed while making a
// store in an empty file: bbolt maps that much, and grows the file to it in the first
// transaction.
const birthBytes = 32 << 10

// born makes the store at a path if there is no file.
func born(ctx context.Context, path string, o Options) error {
	path, err := linked(path)
	if err != nil {
		return fmt.Errorf("make store %s: %w", path, err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := makeNamed(ctx, path, o); err != nil {
		return fmt.Errorf("make store %s: %w", path, err)
	}
	return nil
}

// makeNamed makes a store and gives it its name, unless another process was quicker. If
// that cannot be done in one step, because the filesystem has no hard links, it leaves the
// name free, and the store is made in place.
func makeNamed(ctx context.Context, path string, o Options) error {
	dir := filepath.Dir(path)
	scratch, err := storefile.NewScratch(path)
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Remove() }()
	name := scratch.File("new")
	db := newDB(name, o.Now)
	if err := db.openFile(ctx, o); err != nil {
		return err
	}
	if err = db.update(ctx, makeStore); err == nil {
		err = storefile.OwnLike(db.file, dir)
	}
	if cerr := db.closeFile(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	switch err := os.Link(name, path); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil, o.NoSync:
		return nil // opening the file says what is wrong
	}
	return storefile.SyncDir(dir)
}

// linked follows the symbolic links of a path to a file that need not exist.
func linked(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path, errors.New("too many symbolic links")
}

// UnfinishedError says that a file is empty, or that a process was killed while making a
// store in it. Nothing was ever stored there, and opening it for writing makes the store.
type UnfinishedError struct {
	Path  string
	Bytes int64 // size of the file
}

// Error says what the file is.
func (e *UnfinishedError) Error() string {
	if e.Bytes == 0 {
		return fmt.Sprintf("%s is empty: nothing was ever stored in it", e.Path)
	}
	return fmt.Sprintf("%s is a store that was never finished, and holds nothing: the process that made it was stopped", e.Path)
}

// unfinished reports whether certainly nothing was ever stored in a file: it is empty, or
// has at most what bbolt writes into a new file and what the first transaction writes
// before its header. Sectors that a power failure kept from being written may be zeros.
func unfinished(f io.ReaderAt, size int64) bool {
	const header = page.HeaderOffset + page.HeaderBytes
	if size == 0 {
		return true
	}
	if size < header || size > birthBytes { // so few bytes may be those of any store
		return false
	}
	content := make([]byte, size)
	if n, err := f.ReadAt(content, 0); int64(n) != size || err != nil && err != io.EOF {
		return false
	}
	image := birthImage()
	head := content[:min(len(content), len(image))]
	if tail := content[len(head):]; !zeros(tail) {
		// The first commit replaces a header, and changes nothing else here.
		return bytes.Equal(head, image)
	}
	for at := 0; at < len(head); at += sectorBytes {
		end := min(at+sectorBytes, len(head))
		if zeros(head[at:end]) {
			continue
		}
		if !bytes.Equal(head[at:end], image[at:end]) {
			return false
		}
	}
	// If only the second header is there, and not in full, it may be any store's.
	return !zeros(head[:header]) || len(head) >= page.Size+header || zeros(head)
}

// sectorBytes is how much a disk writes as a whole or not at all.
const sectorBytes = 512

func zeros(b []byte) bool { return bytes.Count(b, []byte{0}) == len(b) }

// birthImage is what bbolt writes into a new file: two headers, an empty list of
// free pages and an empty bucket.
func birthImage() []byte {
	image := make([]byte, 4*page.Size)
	le := binary.LittleEndian
	for id, flags := range []uint16{page.FlagMeta, page.FlagMeta, page.FlagFreelist, page.FlagLeaf} {
		at := image[id*page.Size:]
		le.PutUint64(at, uint64(id))
		le.PutUint16(at[8:], flags)
		if flags != page.FlagMeta {
			continue
		}
		m := at[page.HeaderOffset : page.HeaderOffset+page.HeaderBytes]
		le.PutUint32(m, page.Magic)
		le.PutUint32(m[4:], page.Version)
		le.PutUint32(m[8:], page.Size)
		le.PutUint64(m[16:], 3) // root
		le.PutUint64(m[32:], 2) // list of free pages
		le.PutUint64(m[40:], 4) // pages in use
		le.PutUint64(m[48:], uint64(id))
		le.PutUint64(m[56:], page.FNV64a(m[:56]))
	}
	return image
}

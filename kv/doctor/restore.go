package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// ErrStoreItself says that a backup and its store are one file.
var ErrStoreItself = errors.New("it is the store itself")

// Restore puts a copy of the store at from in the place of the store at path, which
// is kept beside it under the name returned, empty when there was none. The copy is
// checked as [Check] does before it takes that place, all of it at once. It waits
// for the lock of the store that is replaced.
func Restore(ctx context.Context, from, path string, o Options) (aside string, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	src, err := openSource(ctx, from, o.Options, false)
	if err != nil {
		return "", err
	}
	defer src.close()
	if storefile.Same(src.file, path) {
		return "", fmt.Errorf("restore %s: %w", from, ErrStoreItself)
	}
	if err := storefile.MakeFolder(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("make the folder of the store: %w", err)
	}
	path = storefile.Followed(path)
	if err := ttpcron.CheckReplace(path, "a store", mayHaveBeenStore); err != nil {
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	old, err := kv.LockFile(ctx, path, o.LockTimeout, true)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return "", err
	}
	if old != nil {
		defer func() { _ = storefile.Release(old) }() // keeps others out until the new file is there
	}
	err = newFile(path, true, src.Bytes, func(f *os.File) error {
		dress := func() error { return storefile.OwnLike(f, filepath.Dir(path)) }
		if old != nil {
			dress = func() error { return storefile.DressLike(f, old) }
		}
		if err := dress(); err != nil {
			return err
		}
		w := &meter{ctx: ctx, w: f, at: kv.Progress{Place: "copy", Total: src.Bytes}, progress: o.Progress}
		if _, err := io.Copy(w, io.NewSectionReader(src.file, 0, src.Bytes)); err != nil {
			return err
		}
		err := verify(ctx, f, from, o.Progress)
		if older := (*kv.OlderError)(nil); errors.As(err, &older) {
			if err = upgrade(ctx, f.Name()); err == nil {
				err = verify(ctx, f, from, o.Progress)
			}
		}
		if err != nil || old == nil {
			return err
		}
		aside, err = setAside(path, o.Now())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	return aside, nil
}

// mayHaveBeenStore distinguishes a store that damage has made unrecognisable from a file
// of another kind, named by mistake. A store's pages are full of zeros; text has none.
func mayHaveBeenStore(f *os.File) (bool, error) {
	head := make([]byte, page.Size)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	head = head[:n]
	return bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(head, []byte("SQLite format 3\x00")), nil
}

// upgrade brings a store of an earlier schema up to date.
func upgrade(ctx context.Context, path string) error {
	db, err := kv.Open(ctx, path, kv.Options{})
	if err != nil {
		return err
	}
	return db.Close()
}

// setAside gives a store a second name, under which it stays when another replaces it.
func setAside(path string, now time.Time) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.%s", path, now.UTC().Format(asideTime))
		if n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Link(path, name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil { // a filesystem without hard links
			if _, serr := os.Lstat(name); serr == nil {
				continue
			}
			err = os.Rename(path, name)
		}
		return name, err
	}
}

// asideTime is the form of the time in the name of a store that was set aside.
const asideTime = "20060102T150405Z"

// Asides lists the stores that Restore has set aside beside a store, oldest first.
func Asides(path string) (asides []string, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".")
		at, _, _ := strings.Cut(suffix, "-")
		if _, terr := time.Parse(asideTime, at); ok && terr == nil {
			asides = append(asides, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return asides, err
}

package ttpcron

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// NotRegularError says that a path is not a regular file. Such a path is not opened for
// reading, because that may block for ever, never end, or have side effects.
type NotRegularError struct {
	Path string
	Kind string // "a FIFO", "a device", …
}

// Error names the path and what it is.
func (e *NotRegularError) Error() string {
	if e.Kind == kindFolder {
		return e.Path + " is a folder"
	}
	return fmt.Sprintf("%s is %s, not a file", e.Path, e.Kind)
}

// IsFolder reports whether the path is a folder.
func (e *NotRegularError) IsFolder() bool { return e.Kind == kindFolder }

const kindFolder = "a folder"

// Irregular names the type of a file that is not regular, and is empty for a regular one.
func Irregular(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return kindFolder
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a device"
}

// OpenRegular opens a regular file for reading, following symbolic links. For anything
// else, and for files that the kernel makes up such as /proc/kmsg, it returns a
// [*NotRegularError] without opening them even briefly. Use it for every path that somebody
// else may choose or replace.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	kind := Irregular(info.Mode())
	if kind == "" && madeUp(path) {
		kind = kindMadeUp
	}
	if kind != "" {
		return nil, nil, &NotRegularError{path, kind}
	}
	// O_NONBLOCK, in case a FIFO has taken the file's place since.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err == nil {
		if kind = Irregular(info.Mode()); kind != "" {
			err = &NotRegularError{path, kind}
		}
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

const kindMadeUp = "a file of the kernel"

// TooLargeError says that a file is larger than its purpose allows.
type TooLargeError struct {
	Path  string
	Limit int64 // bytes
}

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has more than %d bytes", e.Path, e.Limit)
}

// ReadRegular reads a file opened with [OpenRegular]. If it has more than limit bytes,
// ReadRegular stops there and returns a [*TooLargeError].
func ReadRegular(path string, limit int64) ([]byte, error) {
	f, _, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &TooLargeError{path, limit}
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// RegularFS is [os.DirFS] whose files are opened by [OpenRegular].
func RegularFS(dir string) fs.FS { return regularFS{os.DirFS(dir), dir} }

type regularFS struct {
	fs.FS
	dir string
}

func (r regularFS) Open(name string) (fs.File, error) {
	info, err := fs.Stat(r.FS, name) // it refuses names that lead out of the folder
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return r.FS.Open(name)
	}
	f, _, err := OpenRegular(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		if odd := (*NotRegularError)(nil); errors.As(err, &odd) {
			err = &fs.PathError{Op: "open", Path: name, Err: errors.New("it is " + odd.Kind + ", not a file")}
		}
		return nil, err
	}
	return f, nil
}

func (r regularFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(r.FS, name) }
func (r regularFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.FS, name) }

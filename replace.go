package ttpcron

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ForeignFileError says that a file to be replaced is not of the kind being written, so the
// user probably meant another file.
type ForeignFileError struct{ Path, Want string }

// Error names the file.
func (e *ForeignFileError) Error() string {
	return fmt.Sprintf("%s exists and is not %s: it is not replaced", e.Path, e.Want)
}

// CheckReplace reports whether the file at a path may be replaced by one of the kind want:
// it does not exist, it is empty, or ours accepts its content. Otherwise the error is a
// *[ForeignFileError], or what ours returned. Everything that replaces a file calls it
// first.
func CheckReplace(path, want string, ours func(f *os.File) (bool, error)) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &ForeignFileError{path, want}
	}
	if info.Size() == 0 {
		return nil
	}
	f, _, err := OpenRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	ok, err := ours(f)
	if err == nil && !ok {
		err = &ForeignFileError{path, want}
	}
	return err
}

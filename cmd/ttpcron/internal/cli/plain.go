package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Plain is an error's text with the system's own sentence about a path put into words:
// "stat /x: no such file or directory" says neither what was wanted nor of what.
func Plain(err error) string {
	text := err.Error()
	var at *fs.PathError
	if !errors.As(err, &at) {
		return text
	}
	words := ""
	made := at.Op == "mkdir" || at.Op == "mkdirat"
	dir := filepath.Dir(at.Path)
	switch {
	case errors.Is(at.Err, fs.ErrNotExist) && made:
		words = fmt.Sprintf("nothing can be made in the folder %s", dir)
	case errors.Is(at.Err, fs.ErrNotExist):
		words = "there is no file or folder " + at.Path
	case errors.Is(at.Err, fs.ErrPermission) && made:
		words = fmt.Sprintf("nothing can be made in the folder %s: permission denied", dir)
	case errors.Is(at.Err, fs.ErrPermission) && strings.HasSuffix(at.Op, "stat"):
		words = fmt.Sprintf("%s cannot be reached: permission denied", at.Path)
	default:
		return text
	}
	return strings.Replace(text, at.Error(), words, 1)
}

package host

import "path/filepath"

// Resolve returns an absolute path without symbolic links, as far as it can be told.
func Resolve(path string) string {
	if p, err := filepath.Abs(path); err == nil {
		path = p
	}
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

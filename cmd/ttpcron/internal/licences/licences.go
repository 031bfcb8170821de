// Package licences holds the licences of everything that is linked into the program:
// of the program, of Go's standard library, and of every module, on any platform that
// releases are built for. The one file in it, licences.txt.gz, is made by the test of
// this package, from the module cache; see docs/dependencies.md.
package licences

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
)

//go:embed licences.txt.gz
var packed []byte

// Write writes a list of what is linked, with the SPDX names of the licences, and then
// their texts, each once.
func Write(w io.Writer) error {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r) //nolint:gosec // the program's own file
	return err
}

package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron"
)

// WriteFile writes all counters and the state to a file for node_exporter's textfile
// collector, which finds either the old content or the new. Everybody can read the file.
// WriteFile only replaces files that it wrote, see [CheckFile].
func (m *Metrics) WriteFile(path string, s *State) error {
	var b bytes.Buffer
	err := m.Write(&b, s)
	if err == nil {
		if real, rerr := filepath.EvalSymlinks(path); rerr == nil {
			path = real
		}
		if err = CheckFile(path); err == nil {
			err = replaceFile(path, b.Bytes())
		}
	}
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// firstLine begins everything that Write writes.
const firstLine = "# HELP ttpcron_"

// CheckFile returns an error if WriteFile would refuse to replace what is at a path:
// anything but an empty file or this program's metrics.
func CheckFile(path string) error {
	return ttpcron.CheckReplace(path, "a file of ttpcron's metrics", func(f *os.File) (bool, error) {
		head := make([]byte, len(firstLine))
		_, err := io.ReadFull(f, head)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return string(head) == firstLine, err
	})
}

// replaceFile replaces a file's content. The collector reads only *.prom in the folder, so
// it does not see the file that is being written.
func replaceFile(path string, content []byte) (err error) {
	scratch, err := ttpcron.NewScratch(filepath.Dir(path), "."+filepath.Base(path)+".", ".tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Remove()) }()
	written := scratch.File("new")
	if err := os.WriteFile(written, content, 0o600); err != nil {
		return err
	}
	if err := os.Chmod(written, 0o644); err != nil { // whatever the umask is
		return err
	}
	return os.Rename(written, path)
}

package metrics

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile writes all counters and the state to a file for node_exporter's
// textfile collector, which finds the old content or the new and nothing in
// between. The file can be read by everybody.
func (m *Metrics) WriteFile(path string, s *State) error {
	var b bytes.Buffer
	if err := m.Write(&b, s); err != nil {
		return err
	}
	// The collector reads *.prom alone.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err == nil {
		defer func() { _ = os.Remove(f.Name()) }() // which is gone when all went well
		_, err = f.Write(b.Bytes())
		if err == nil {
			err = f.Chmod(0o644)
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
	}
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

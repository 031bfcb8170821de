package logging

import (
	"bytes"
	"fmt"
	"io"

	"github.com/hashicorp/go-hclog"
)

// journal writes log lines with the priority prefix that systemd's journal uses; see
// sd-daemon(3).
type journal struct{ w io.Writer }

var _ hclog.LevelWriter = journal{}

func (j journal) Write(p []byte) (int, error) { return j.LevelWrite(hclog.Info, p) }

func (j journal) LevelWrite(level hclog.Level, p []byte) (int, error) {
	priority := 6
	switch level {
	case hclog.Trace, hclog.Debug:
		priority = 7
	case hclog.Warn:
		priority = 4
	case hclog.Error:
		priority = 3
	}
	// Each line is a separate entry there.
	var b bytes.Buffer
	for line := range bytes.Lines(p) {
		fmt.Fprintf(&b, "<%d>%s", priority, line)
	}
	if _, err := j.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

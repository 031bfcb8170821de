package inputs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/jobs"
)

// However many reasons there are, there are few lines, and all files are counted.
func TestFewReasons(t *testing.T) {
	var log nodetest.Buffer
	notes := Notes{Log: hclog.New(&hclog.LoggerOptions{Output: &log})}
	for i := range 1000 {
		name := fmt.Sprint("f", i)
		notes.Add(jobs.FileReport{ImportReport: ttpcron.ImportReport{File: name}, Passed: true, Err: fmt.Errorf("%w: %s: damaged at %d", jobs.ErrPassedOver, name, i)})
	}
	notes.End()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != maxPassedReasons+1 || !strings.Contains(lines[maxPassedReasons], fmt.Sprintf("files=%d", 1000-maxPassedReasons)) {
		t.Errorf("%d lines:\n%s", len(lines), log.String())
	}
}

package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkFormats reads the test data of each format, over and over in one file. Where it is
// JSON lines, damaged ones are left out, and the yardstick json reads the same lines with
// encoding/json, the members of an object and no deeper.
func BenchmarkFormats(b *testing.B) {
	for _, f := range Formats() {
		if f.lines == nil {
			continue
		}
		dir := filepath.Join("testdata", f.Name)
		inputs, _ := filepath.Glob(filepath.Join(dir, "input*"))
		if len(inputs) != 1 {
			b.Fatalf("%s has no input", dir)
		}
		once, err := os.ReadFile(inputs[0])
		if err != nil {
			b.Fatal(err)
		}
		if once[len(once)-1] != '\n' {
			once = append(once, '\n')
		}
		if startsWith(once, '{') {
			once = withoutDamaged(b, f.Name, once)
		}
		content := bytes.Repeat(once, 1+(1<<20)/len(once))
		b.Run(f.Name+"/import", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			events := 0
			for b.Loop() {
				events += readFormat(b, f.Name, dir, content)
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
		if !startsWith(once, '{') {
			continue
		}
		b.Run(f.Name+"/json", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				s := bufio.NewScanner(bytes.NewReader(content))
				s.Buffer(make([]byte, 64<<10), MaxLine)
				for s.Scan() {
					var members map[string]json.RawMessage
					if err := json.Unmarshal(s.Bytes(), &members); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// withoutDamaged returns the lines that are JSON and that are not rejected.
func withoutDamaged(b *testing.B, format string, content []byte) (good []byte) {
	for line := range bytes.Lines(content) {
		if json.Valid(line) && readBytes(b, line, format).Report.Rejected == 0 {
			good = append(good, line...)
		}
	}
	return good
}

// readFormat reads content and returns how many events it gave.
func readFormat(b *testing.B, format, dir string, content []byte) (events int) {
	settings, _ := os.ReadFile(filepath.Join(dir, "settings"))
	o := Options{Format: format, Stdin: bytes.NewReader(content)}
	if len(settings) > 0 {
		var err error
		if o.Settings, err = parseSettings(string(bytes.TrimSpace(settings))); err != nil {
			b.Fatal(err)
		}
	}
	f, err := Open(b.Context(), Stdin, o)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for batch, err := range f.Batches(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		events += len(batch.Events)
	}
	return events
}

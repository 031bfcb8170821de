package importer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// What an arena has allocated does not change, whatever is allocated or appended
// afterwards.
func TestArenaKeepsWhatItGaveOut(t *testing.T) {
	a := &arena{}
	var texts []string
	var raws [][]byte
	total := 0
	content := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 1+n*n%(maxChunk/4)) }
	for n := range 300 {
		b := content(n)
		total += 2 * len(b)
		texts = append(texts, a.Text(b))
		raws = append(raws, a.Raw(b))
		_ = append(raws[n], "overwritten"...)
		fields := a.Fields(n % 7)
		for i := range fields {
			if fields[i].Name != "" {
				t.Fatalf("field %d of %d is %+v", i, n, fields[i])
			}
			fields[i].Name = fmt.Sprint(n)
		}
		_ = append(fields, fields...)
	}
	for n := range texts {
		if want := content(n); texts[n] != string(want) || !bytes.Equal(raws[n], want) {
			t.Errorf("%d: text %.10q, raw %.10q", n, texts[n], raws[n])
		}
	}
	if a.size != total {
		t.Errorf("size %d, gave out %d", a.size, total)
	}
}

// Fields take more memory than the text of an event whose strings repeat those of the last
// one, so the text of its lines limits a batch.
func TestEventsOfManyFieldsMakeSmallBatches(t *testing.T) {
	var payload strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&payload, `,"member%d":""`, i)
	}
	line := `{"source_kind":"k","time":"2026-05-04T05:49:05Z","attacker_ip":"192.0.2.1","payload":{` + payload.String()[1:] + "}}\n"
	lines := 2*MaxBatchBytes/len(line) + 10
	r := readBytes(t, []byte(strings.Repeat(line, lines)), "events")
	if len(r.Events) != lines || r.Batches != 3 {
		t.Errorf("%d events of %d in %d batches, want 3", len(r.Events), lines, r.Batches)
	}
}

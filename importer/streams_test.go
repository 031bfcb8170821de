package importer

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// endless is a document with n records, made as it is read.
type endless struct {
	begin, between, end string
	n, i                int
	left                []byte
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.left) == 0 {
		switch {
		case e.i > e.n:
			return 0, io.EOF
		case e.i == e.n:
			e.left = append(e.left[:0], e.end...)
		case e.i == 0:
			e.left = append(e.left[:0], e.begin...)
		default:
			e.left = append(e.left[:0], e.between...)
		}
		if e.i < e.n {
			e.left = append(e.left, strings.TrimSpace(command(e.i, "uname -a"))...)
		}
		e.i++
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// listed is how many records TestListsAreStreamed reads in a list: RECORDS, or as many
// as make 50 MiB.
func listed(t *testing.T) int {
	if s := os.Getenv("RECORDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 300_000
}

// TestListsAreStreamed: a list is read element by element, in memory that does not grow
// with it, wherever it lies.
func TestListsAreStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := listed(t)
	for name, doc := range map[string]*endless{
		"on one line":                {begin: "[", between: ",", end: "]"},
		"a line each":                {begin: "[\n", between: ",\n", end: "\n]\n"},
		"in a document":              {begin: `{"took":1,"hits":{"total":7,"hits":[`, between: ",", end: `]},"timed_out":false}`},
		"in a document, a line each": {begin: "{\n  \"took\": 1,\n  \"hits\": {\n    \"hits\": [\n", between: ",\n", end: "\n    ],\n    \"max\": {\n \"a\": 1\n }\n  },\n  \"timed_out\": false\n}\n"},
		"wrapped":                    {begin: `{"Records":[{"message":`, between: `},{"message":`, end: "}]}"},
		"CR":                         {between: "\r", end: "\r"},
	} {
		doc.n = n
		f, err := Open(t.Context(), Stdin, Options{Stdin: doc, Format: "cowrie"})
		if err != nil {
			t.Fatal(err)
		}
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		before, peak := stats.HeapAlloc, uint64(0)
		events, rejects, batches := 0, 0, 0
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			events += len(b.Events)
			for _, r := range b.Rejects {
				if rejects++; rejects < 4 {
					t.Errorf("%s: line %d: %s: %.200s", name, r.Line, r.Reason, r.Excerpt)
				}
			}
			if batches++; batches%16 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&stats)
				peak = max(peak, stats.HeapAlloc)
			}
		}
		if events != n || rejects != 0 {
			t.Errorf("%s: %d events of %d, %d rejects", name, events, n, rejects)
		}
		if peak > before+32<<20 {
			t.Errorf("%s: %d MiB are held", name, (peak-before)>>20)
		}
		if n != 300_000 {
			fmt.Printf("%s: %d records, %d MiB held at most, %d MiB of heap\n", name, events, peak>>20, stats.HeapSys>>20)
		}
	}
}

// TestHostileWrapped: what is made to cost much is bounded work, counted, and what
// comes behind it is read.
func TestHostileWrapped(t *testing.T) {
	last := command(9, "last")
	record := strings.TrimSpace(command(1, "id"))
	big := strings.Repeat("a", MaxLine+100)
	var keys strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&keys, `"k%d":%d,`, i, i)
	}
	for name, tt := range map[string]struct {
		content string
		events  int
		rejects int // at least
	}{
		"a list with an element that is too long":   {"[" + record + `,{"eventid":"cowrie.command.input","input":"` + big + `"},` + strings.TrimSpace(command(2, "b")) + "]\n", 2, 1},
		"a list of lines with one that is too long": {"[\n" + record + ",\n" + `{"eventid":"cowrie.command.input","input":"` + big + "\"},\n" + command(2, "b") + "]\n", 2, 1},
		"over lines, and too long":                  {"{\n" + strings.Repeat("\"a\": 1,\n", MaxLine/8+10) + "\"b\": 2\n}\n", 0, 1},
		"a record of its own with a list, too long": {`{"src_ip":"198.51.100.1","data":[` + strings.Repeat(record+",", MaxLine/len(record)+10) + record + "]}\n", 0, 1},
		"nested lists":                {strings.Repeat("[", 1<<20) + record + strings.Repeat("]", 1<<20) + "\n", 1, 0},
		"nested objects":              {strings.Repeat(`{"message":`, 1<<17) + record + strings.Repeat("}", 1<<17) + "\n", 0, 1},
		"nested texts":                {nestedTexts(record, 9) + "\n", 0, 1},
		"members without end":         {"{" + keys.String() + `"message":` + record + "}\n", 1, 0},
		"members of known names":      {`{` + strings.Repeat(`"message":{"log":"x"},"data":{"data":"{}"},`, 50_000) + `"b":1}` + "\n", 0, 1},
		"objects that do not end":     {strings.Repeat("{\n\"a\":\n", 20_000) + "\n", 0, 1},
		"beginnings":                  {strings.Repeat("{\n", 20_000), 0, 1},
		"a text that does not end":    {"{\n\"a\": \"" + strings.Repeat("x\n", 10_000), 0, 1},
		"pieces that never end":       {strings.Repeat(`{"log":"{\"a\":","stream":"stdout"}`+"\n", 5000), 0, 1},
		"pieces that are too long":    {strings.Repeat(`{"log":"{\"a\":\"`+strings.Repeat("x", 16000)+`","stream":"stdout"}`+"\n", 1) + strings.Repeat(`{"log":"`+strings.Repeat("x", 16000)+`","stream":"stdout"}`+"\n", 300), 0, 1},
		"streams without end":         {manyStreams(), 0, 1},
		"numbers for bytes":           {`{"MESSAGE":[` + strings.Repeat("123,", 900_000) + "1]}\n", 0, 1},
		"numbers that are none":       {`{"MESSAGE":[1e9,-1,300,99999999999999999999999]}` + "\n", 0, 1},
		"prefixes without end":        {strings.Repeat("a | ", 1<<19) + record + "\n", 0, 1},
		"structured data without end": {"<1>1 - a b c d " + strings.Repeat(`[a b="c"]`, 1<<18) + " " + record + "\n", 0, 1},
		"a quarter of a million elements that are no record": {`{"records":[` + strings.Repeat("{},", 250_000) + record + "]}\n", 1, 100_000},
	} {
		r := readBytes(t, []byte(tt.content+last), "cowrie")
		if len(r.Events) != tt.events+1 || len(r.Rejects)+r.Report.Ignored < tt.rejects {
			t.Errorf("%s: %d events, %d rejects, %d ignored", name, len(r.Events), len(r.Rejects), r.Report.Ignored)
			for i, j := range r.Rejects {
				if i < 3 {
					t.Logf("line %d: %s: %.100q", j.Line, j.Reason, j.Excerpt)
				}
			}
		}
	}
}

func nestedTexts(text string, n int) string {
	for range n {
		text = `{"message":` + quoted(text) + `}`
	}
	return text
}

func manyStreams() string {
	var out strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&out, `{"log":"{\"a\":","stream":"s%d"}`+"\n", i)
	}
	return out.String()
}

package record

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// valueTexts are packed values after some bytes, and how many bytes they take.
var valueTexts = []struct {
	text        string
	lead, bytes int
}{
	{"", 0, 1},
	{"\x00", 1, 2},
	{"\x00t\x09192.0.2.7", 1, 7},
	{"\x01t\x0c017bdc8940ccnt\x2436ec6162-037f-5ed3-9c27-d9d6af9e9ba8", 1, 2 + 7 + 1 + 17},
	{"t\x04roott\x06123456", 0, 1 + 5 + 4},
	{"t\x00", 0, 2},
	{"h" + strings.Repeat("\xfe", 32) + "n", 0, 1 + 33 + 1},
	{"t\x80\x01" + strings.Repeat("x", 128), 0, 1 + 129},
	{"t\x80\x02" + strings.Repeat("y", 256), 0, 1 + 3 + 256},
	{strings.Repeat("n", 126), 0, 127},
	// not packed
	{strings.Repeat("n", 127), 0, 129},
	{"", 1, 2},
	{"t\x84\x00root", 0, 2 + 7},
	{"t\x04roo", 0, 2 + 5},
	{"any text", 0, 2 + 8},
	{"t\x81\x02" + strings.Repeat("z", 257), 0, 3 + 260},
}

// Packed values are read back unchanged, and take the expected number of bytes.
func TestAppendValues(t *testing.T) {
	for _, c := range valueTexts {
		b := AppendValues([]byte("before"), c.text, c.lead)
		if len(b) != len("before")+c.bytes {
			t.Errorf("%q takes %d bytes, want %d", c.text, len(b)-len("before"), c.bytes)
		}
		r := Reader{Rest: b[len("before"):]}
		if got := r.AppendValues([]byte("start"), c.lead); string(got) != "start"+c.text || r.Finish() != nil {
			t.Errorf("%q comes back as %q, %v", c.text, got, r.Finish())
		}
	}
}

// FuzzValues: any text is read back unchanged, and reading any bytes ends.
func FuzzValues(f *testing.F) {
	for _, c := range valueTexts {
		f.Add(c.text, c.lead == 1, AppendValues(nil, c.text, c.lead))
	}
	f.Fuzz(func(t *testing.T, text string, leads bool, hostile []byte) {
		lead := 0
		if leads {
			lead = 1
		}
		r := Reader{Rest: AppendValues(nil, text, lead)}
		if got := r.AppendValues(nil, lead); string(got) != text || r.Finish() != nil {
			t.Errorf("%q comes back as %q, %v", text, got, r.Finish())
		}
		read := Reader{Rest: hostile}
		got := read.AppendValues(nil, lead)
		if read.Err != nil {
			return
		}
		if !bytes.HasSuffix(hostile, read.Rest) {
			t.Errorf("%x leaves %x", hostile, read.Rest)
		}
		if len(hostile) > 0 && hostile[0] > 0 {
			n := 0
			for rest := string(got[lead:]); rest != ""; n++ {
				one, after, ok := ttpcron.CutPacked(rest)
				if rest = after; !ok {
					t.Fatalf("%x gives %q, of which %q is no value", hostile, got, one)
				}
			}
			if n != int(hostile[0])-1 {
				t.Errorf("%x gives %d values", hostile, n)
			}
		}
	})
}

package record

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

var packedStrings = []struct {
	text string
	size int // packed
}{
	{"", 1},
	{"x", 2},
	{"192.0.2.7", 5},
	{"192.0.2.77", 5},
	{"123456789012", 7},
	{"192.0.2.07", 11}, // no canonical address
	{"2001:db8::1", 12},
	{"017bdc8940cc", 7},
	{"017BDC8940CC", 13}, // upper case
	{"017bdc8940cg", 13},
	{"1234", 3},
	{"123", 4},
	{strings.Repeat("ab", 47), 48},
	{strings.Repeat("ab", 48), 97},
	{"1ca31f08-5522-5aae-8371-fe81f0e39de3", 17},
	{"1CA31F08-5522-5aae-8371-fe81f0e39de3", 37},
	{"sha256:00112233445566778899aabbccddeeff", 17},
	{"sha256:00112233445566778899aabbccddeefg", 40},
	{strings.Repeat("z", maxPackShort), maxPackShort + 1},
	{strings.Repeat("z", maxPackShort+1), maxPackShort + 4},
	{"\x00\xff\xfe", 4},
}

func TestPacked(t *testing.T) {
	for _, c := range packedStrings {
		b := AppendPacked(nil, c.text)
		if len(b) != c.size {
			t.Errorf("%q takes %d bytes, want %d", c.text, len(b), c.size)
		}
		r := Reader{Rest: b}
		if got := r.Packed(); got != c.text || r.Finish() != nil {
			t.Errorf("%q came back as %q, %v", c.text, got, r.Err)
		}
	}
}

func FuzzPacked(f *testing.F) {
	for _, c := range packedStrings {
		f.Add(c.text, AppendPacked(nil, c.text))
	}
	f.Fuzz(func(t *testing.T, text string, hostile []byte) {
		r := Reader{Rest: AppendPacked(nil, text)}
		if got := r.Packed(); got != text || r.Finish() != nil {
			t.Errorf("%q came back as %q, %v", text, got, r.Err)
		}
		read := Reader{Rest: hostile}
		if read.Packed(); !bytes.HasSuffix(hostile, read.Rest) {
			t.Errorf("%x: reading leaves %x, %v", hostile, read.Rest, read.Err)
		}
	})
}

func TestTimes(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(-1, 999_999_999).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Time{}.Add(1)} {
		r := Reader{Rest: AppendTime(nil, at)}
		if got := r.Time(); !got.Equal(at) || got.IsZero() != at.IsZero() || r.Finish() != nil {
			t.Errorf("%v came back as %v, %v", at, got, r.Err)
		}
	}
}

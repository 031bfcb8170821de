package importer

import (
	"bytes"
	"encoding/binary"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// utf16Text is text in UTF-16, without byte order mark.
func utf16Text(text string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func TestUTF16(t *testing.T) {
	text := strings.Replace(commands(0, 300), "echo 7\"", "echo '€ 😀 ü'\"", 1)
	want := readBytes(t, []byte(text), Auto)
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		plain := utf16Text(text, order)
		marked := utf16Text("\ufeff"+text, order)
		for form, content := range map[string][]byte{
			"no mark": plain, "mark": marked, "CRLF": utf16Text("\ufeff"+strings.ReplaceAll(text, "\n", "\r\n"), order), "packed": zipped(t, string(marked)),
		} {
			if r := readBytes(t, content, Auto); !slices.Equal(r.IDs(), want.IDs()) || !reflect.DeepEqual(r.Report, want.Report) {
				t.Errorf("%s endian, %s: %+v", name, form, r.Report)
			}
		}
		// It grows, cut within a unit, a pair and a line.
		path := write(t, t.TempDir(), "cowrie.json", nil)
		for _, cut := range []int{1, 2, 3, 40, 1000, 1001, 2 * strings.Index(text, "😀"), len(marked) - 1} {
			write(t, "", path, marked[:cut])
			first := readAll(t, path, Options{Format: "cowrie"})
			var positions PositionList
			if first.Position != nil {
				positions = append(positions, *first.Position)
			}
			write(t, "", path, marked)
			rest := mustRead(t, path, Options{Format: "cowrie", Positions: positions})
			// A whole last line without newline is met again when the newline is there.
			if got := slices.Compact(slices.Concat(first.IDs(), rest.IDs())); first.Err != nil || !slices.Equal(got, want.IDs()) || len(first.Rejects)+len(rest.Rejects) != 0 {
				t.Errorf("%s endian, cut at %d: %d and %d events, %v, %+v", name, cut, len(first.Events), len(rest.Events), first.Err, rest.Rejects)
			}
			if first.Position != nil && len(rest.Events) == len(want.Events) {
				t.Errorf("%s endian, cut at %d: read again from the start", name, cut)
			}
		}
	}
	// In UTF-8 a position of the same text fits, and NULs are no UTF-16.
	path := write(t, t.TempDir(), "cowrie.json", utf16Text("\ufeff"+text, binary.LittleEndian))
	r := mustRead(t, path, Options{})
	write(t, "", path, []byte("\ufeff"+text+commands(300, 2)))
	if again := mustRead(t, path, Options{Positions: PositionList{*r.Position}}); len(again.Events) != 2 {
		t.Errorf("%d events more in UTF-8", len(again.Events))
	}
	if r := readBytes(t, []byte("\x00\x00{\x00"+text), Auto); len(r.Events) != 300 {
		t.Errorf("%d events behind NULs", len(r.Events))
	}
}

// TestUTF16KeepsAll: every sequence of units is preserved, with lone surrogates, however
// it is split into reads.
func TestUTF16KeepsAll(t *testing.T) {
	content := []byte{0xff, 0xfe}
	for _, unit := range []uint16{'a', 0xd83d, 0xde00, 0xd83d, 'b', 0xde00, 0xd83d, 0xd83d, 0xde00, 0xfffd, 0x20ac, 0xdc80, 0xd800} {
		content = binary.LittleEndian.AppendUint16(content, unit)
	}
	content = append(content, 'x')
	const want = "\ufeffa😀\xed\xa0\xbdb\xed\xb8\x80\xed\xa0\xbd😀\ufffd€\xed\xb2\x80\xed\xa0\x80x"
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(content), "bytes": iotest.OneByteReader(bytes.NewReader(content)), "halves": iotest.HalfReader(bytes.NewReader(content)), "with the end": iotest.DataErrReader(bytes.NewReader(content))} {
		got, err := io.ReadAll(steady{newUTF16(r, false)})
		if string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzUTF16(f *testing.F) {
	f.Add([]byte("\xff\xfea\x00"), false)
	f.Fuzz(func(t *testing.T, content []byte, big bool) {
		once, err := io.ReadAll(steady{newUTF16(bytes.NewReader(content), big)})
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := io.ReadAll(steady{newUTF16(iotest.OneByteReader(bytes.NewReader(content)), big)})
		if err != nil || !bytes.Equal(once, pieces) {
			t.Fatalf("%q at once, %q in pieces, %v", once, pieces, err)
		}
		if len(content)/2 > len(once) {
			t.Fatalf("%d bytes of %d", len(once), len(content))
		}
	})
}

package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// packed reads one of the files that hold commands(0, 60), as xz, zstd and bzip2
// wrote them.
func packed(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata/packed", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func zstandard(t testing.TB, content []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(content, nil)
}

func xzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := xz.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// skippable is a frame of zstd without content.
func skippable(n int) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{0x5a, 0x2a, 0x4d, 0x18}, uint32(n)), make([]byte, n)...)
}

// TestPacked reads the same records from every form of compression, once and
// together.
func TestPacked(t *testing.T) {
	want := readBytes(t, []byte(commands(0, 60)), Auto)
	files, err := filepath.Glob("testdata/packed/*")
	if err != nil || len(files) < 9 {
		t.Fatal(files, err)
	}
	second := []byte(commands(60, 40))
	more := map[string][]byte{".gz": zipped(t, string(second)), ".zst": zstandard(t, second), ".xz": xzipped(t, second)}
	for _, file := range files {
		name := filepath.Base(file)
		content := packed(t, name)
		if strings.HasSuffix(name, ".refused") {
			r := readAll(t, file, Options{})
			if r.Err == nil || !strings.Contains(r.Err.Error(), "data need a dictionary") && !strings.Contains(r.Err.Error(), "a filter that is not known") {
				t.Errorf("%s: %v", name, r.Err)
			}
			continue
		}
		r := mustRead(t, file, Options{})
		if !slices.Equal(r.IDs(), want.IDs()) || len(r.Rejects) != 0 || r.Position == nil {
			t.Errorf("%s: %d events, rejects %+v", name, len(r.Events), r.Rejects)
		}
		// The position of the plain log fits, and that of the packed one the plain log.
		if again := mustRead(t, write(t, t.TempDir(), "cowrie.json", []byte(commands(0, 61))), Options{Positions: PositionList{*r.Position}}); len(again.Events) != 1 {
			t.Errorf("%s: unpacked, it has %d events more", name, len(again.Events))
		}
		twice := map[string][]byte{"in gzip": zipped(t, string(content)), "in zstd": zstandard(t, content), "in xz": xzipped(t, content)}
		if behind := more[filepath.Ext(name)]; behind != nil {
			twice["followed"] = slices.Concat(content, behind)
		}
		switch filepath.Ext(name) {
		case ".zst":
			twice["between frames without content"] = slices.Concat(skippable(7), content, skippable(100_000), skippable(0))
		case ".xz":
			twice["padded"] = slices.Concat(content, make([]byte, 8), xzipped(t, nil), make([]byte, 1<<20))
		case ".bz2":
			twice["followed"] = slices.Concat(content, content)
		}
		for how, content := range twice {
			r := readBytes(t, content, Auto)
			events := 60
			if how == "followed" {
				events = 100
			}
			if how == "followed" && filepath.Ext(name) == ".bz2" {
				events = 120
			}
			if len(r.Events) != events || len(r.Rejects) != 0 {
				t.Errorf("%s %s: %d events, rejects %+v", name, how, len(r.Events), r.Rejects)
			}
		}
	}
}

// TestPackedCutAnywhere: of data cut off or damaged anywhere, what could be read
// counts, and the rest is one reject.
func TestPackedCutAnywhere(t *testing.T) {
	all := readBytes(t, []byte(commands(0, 60)), Auto)
	want := all.IDs()
	for _, name := range []string{"plain.bz2", "crc64.xz", "blocks.xz", "plain.zst"} {
		content := packed(t, name)
		for n := 1; n < len(content); n += cutStep() {
			r := readBytes(t, content[:n], "cowrie")
			whole := len(r.Rejects) == 1 && strings.Contains(r.Rejects[0].Reason, "data are ")
			if n <= 6 && !whole { // too little to know it by
				continue
			}
			if !slices.Equal(r.IDs(), want[:len(r.Events)]) || !whole {
				t.Fatalf("%s cut at %d: %d events, rejects %+v", name, n, len(r.Events), r.Rejects)
			}
			hurt := bytes.Clone(content)
			hurt[n] ^= 0x55
			o := readAll(t, Stdin, Options{Format: "cowrie", Stdin: bytes.NewReader(hurt)})
			if o.Err == nil && len(o.Rejects) == 0 && !slices.Equal(o.IDs(), want) {
				t.Fatalf("%s hurt at %d: %d events and nothing said", name, n, len(o.Events))
			}
		}
	}
}

// TestPackedBombs: nothing decompresses without end, or needs more memory than there is,
// however it is nested.
func TestPackedBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	zeros := zstandard(t, make([]byte, 128<<20))
	deep := []byte(commands(0, 3))
	for range maxLayers + 1 {
		deep = zipped(t, string(deep))
	}
	block := packed(t, "best.xz") // which asks for 64 MiB
	for name, tt := range map[string]struct {
		content []byte
		reason  string
	}{
		"zeros":         {bytes.Repeat(zeros, 40), "it decompresses to more than 2000 times its size"},
		"zeros in gzip": {zipped(t, string(bytes.Repeat(zeros, 40))), "it decompresses to more than 2000 times its size"},
		"in itself":     {deep, "compressed more than 4 times over"},
		"dictionaries":  {zipped(t, string(bytes.Repeat(block, 3000))), "it decompresses to more than 2000 times its size"},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := readAll(t, Stdin, Options{Format: "cowrie", Stdin: bytes.NewReader(tt.content)})
		runtime.ReadMemStats(&after)
		reason := ""
		if r.Err != nil {
			reason = r.Err.Error()
		} else if len(r.Rejects) > 0 {
			reason = r.Rejects[len(r.Rejects)-1].Reason
		}
		if !strings.Contains(reason, tt.reason) {
			t.Errorf("%s: %q", name, reason)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 192<<20 {
			t.Errorf("%s: the heap grew by %d MiB", name, grown>>20)
		}
	}
}

// What is left of a compressed file says that it is cut, whether or not some content can be read.
func TestPackedStump(t *testing.T) {
	whole := zipped(t, "Nov 27 13:51:56 web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2\n")
	for n, want := range map[int]string{
		3: "gzip data are cut off, before any content", 20: "gzip data are cut off, after the first 9 bytes of content", len(whole) - 8: "",
	} {
		path := write(t, t.TempDir(), "auth.log.1.gz", whole[:n])
		changed(t, path, time.Date(2026, 11, 27, 14, 0, 0, 0, time.UTC))
		r := readAll(t, path, Options{Settings: Settings{Zone: time.UTC, Year: 2026}})
		unknown := (*UnknownFormatError)(nil)
		if is := errors.As(r.Err, &unknown); is != (want != "") || is && !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%d bytes: %v", n, r.Err)
		}
	}
	path := write(t, t.TempDir(), "auth.log.1.gz", zipped(t, ""))
	if r := readAll(t, path, Options{}); r.Err != nil || r.Report.Lines != 0 {
		t.Errorf("empty: %v", r.Err)
	}
}

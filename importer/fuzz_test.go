package importer

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/mapping"
)

// FuzzLines reads hostile content in every line format. No line may be lost, every event
// can be stored, and it does not matter in how many pieces a file is read.
func FuzzLines(f *testing.F) {
	f.Add([]byte(commands(0, 3)), uint16(1))
	f.Add([]byte(command(1, "a")[:70]+command(2, "b")+"\x00\x00\n\r\n"+command(3, "c")), uint16(0))
	f.Add([]byte(`{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","payload":{"command_text":"x"}}`+"\nx"), uint16(0))
	f.Add([]byte("\x1f\x8b\x08"), uint16(0))
	f.Fuzz(func(t *testing.T, content []byte, cut uint16) {
		for _, format := range Formats() {
			if format.lines == nil || format.lines.joins() { // see FuzzTextLog
				continue
			}
			o := Options{Format: format.Name, Final: true}
			o.Stdin = bytes.NewReader(content)
			whole := readAll(t, Stdin, o)
			if whole.Err != nil {
				continue // a database, or what looks like one
			}
			if bytes.HasPrefix(content, gzipMagic) {
				continue
			}
			o.Stdin = &inPieces{content, int(cut)%300 + 1}
			pieces := readAll(t, Stdin, o)
			if !slices.Equal(pieces.IDs(), whole.IDs()) || !reflect.DeepEqual(pieces.Report, whole.Report) {
				t.Fatalf("in pieces %+v, at once %+v", pieces.Report, whole.Report)
			}
			for i := range whole.Events {
				e := &whole.Events[i]
				back := readBytes(t, e.AppendJSON(nil), "events")
				if len(back.Events) != 1 || back.Events[0].ContentID() != e.ContentID() {
					t.Fatalf("event %+v does not come back: %+v", e, back.Rejects)
				}
			}
		}
	})
}

// FuzzCowrie reads hostile members in a record of each of Cowrie's types, and of none.
// Each record is an event, ignored or refused, and every event can be stored and read back
// unchanged.
func FuzzCowrie(f *testing.F) {
	for i := range cowrieTypes {
		f.Add(uint8(i), []byte(`"input":"i\udcff","realm":"r","username":"u","password":["p",{"a":1.50}],"protocol":"ssh","src_port":"22","dst_ip":"::1","dst_port":22,"data":"\u0000",`+
			`"version":"b'SSH-2.0-x'","hassh":"h","name":"n","value":null,"width":1,"height":2,"duration":"1.5","url":"u","shasum":"s","destfile":"d","attempted_command":"c","fingerprint":"f","key":"a b","type":"t"`))
		f.Add(uint8(i), []byte(`"timestamp":1760745601123456789,"session":null,"session_id":7,"sensor":1.5,"input":{"a":"\ud800"},"message":"CMD: \ud800"`))
	}
	f.Fuzz(func(t *testing.T, n uint8, members []byte) {
		name := "cowrie.unknown"
		if int(n) < len(cowrieTypes) {
			name = cowrieTypes[n].name
		}
		line := append([]byte(cowrieLine(name, ",")[:len(cowrieLine(name, ","))-len("}\n")]), members...)
		if bytes.ContainsAny(members, "\n\x00") {
			return
		}
		r := readBytes(t, append(line, "}\n"...), "cowrie")
		if len(r.Events) == 0 && r.Report.Ignored+r.Report.Rejected == 0 {
			t.Fatal("a record is lost")
		}
		var native []byte
		for i := range r.Events {
			native = append(r.Events[i].AppendJSON(native), '\n')
		}
		if len(native) == 0 || len(native) > MaxLine {
			return
		}
		again := readBytes(t, native, "events")
		if len(again.Rejects) > 0 || len(again.Events) != len(r.Events) {
			t.Fatalf("%q: %+v", native, again.Rejects)
		}
		for i := range r.Events {
			if e, o := &r.Events[i], &again.Events[i]; string(e.AppendJSON(nil)) != string(o.AppendJSON(nil)) || e.ContentID() != o.ContentID() {
				t.Fatalf("%+v comes back as %+v", e, o)
			}
		}
	})
}

// inPieces reads content some bytes at a time.
type inPieces struct {
	content []byte
	n       int
}

func (r *inPieces) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), r.n)], r.content)
	if r.content = r.content[n:]; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// FuzzSplit joins records in every way that they are found joined, and reads them in
// pieces: they are the records that they were.
func FuzzSplit(f *testing.F) {
	for i := range wrappers {
		f.Add("uname -a", "\"}{\x00\n[", uint8(i), uint16(i))
	}
	f.Fuzz(func(t *testing.T, a, b string, how uint8, cut uint16) {
		var lines []string
		for i, text := range []string{a, b, a + b} {
			lines = append(lines, strings.Replace(strings.TrimSpace(command(i, "X")), `"X"`, quoted(text), 1))
		}
		want := readBytes(t, []byte(strings.Join(lines, "\n")), "cowrie")
		w := wrappers[int(how)%len(wrappers)]
		got := mustRead(t, Stdin, Options{Format: "cowrie", Stdin: &inPieces{[]byte(w.wrap(lines)), int(cut) + 1}})
		if !slices.Equal(got.IDs(), want.IDs()) || len(got.Rejects) != 0 {
			t.Fatalf("%s: %d events of %d, rejects %+v", w.name, len(got.Events), len(want.Events), got.Rejects)
		}
	})
}

// FuzzResume cuts a file anywhere, reads the beginning, lets it grow to the whole, and
// continues from the position: every event must come once.
func FuzzResume(f *testing.F) {
	f.Add([]byte(commands(0, 5)), uint16(300), false)
	f.Add([]byte(commands(0, 5)), uint16(300), true)
	f.Add([]byte("\x00\x00"+command(1, "a")+"\x00"+command(2, "b")), uint16(170), false)
	f.Add([]byte(cowrieLine("cowrie.session.connect", "")+cowrieLine("cowrie.command.failed", `,"input":"a"`)), uint16(150), false)
	f.Fuzz(func(t *testing.T, content []byte, cut uint16, final bool) {
		if bytes.HasPrefix(content, gzipMagic) || bytes.HasPrefix(content, sqliteMagic) {
			return
		}
		dir := t.TempDir()
		at := min(int(cut), len(content))
		path := write(t, dir, "log", content)
		whole := readAll(t, path, Options{Format: "cowrie"})
		if whole.Err != nil {
			return // it does not look like a log
		}
		write(t, dir, "log", content[:at])
		if bytes.HasPrefix(content[:at], gzipMagic) {
			return
		}
		first := readAll(t, path, Options{Format: "cowrie", Final: final})
		var positions []ttpcron.FilePosition
		if first.Position != nil {
			positions = append(positions, *first.Position)
		}
		write(t, dir, "log", content)
		second := mustRead(t, path, Options{Format: "cowrie", Positions: PositionList(positions)})
		ids := append(first.IDs(), second.IDs()...)
		for _, id := range whole.IDs() {
			if !slices.Contains(ids, id) {
				t.Fatalf("lost %s", id)
			}
		}
		if again := len(ids) - len(whole.Events); !final && again > max(maxRecordEvents, mapping.MaxEvents) {
			t.Fatalf("%d events in two readings, %d in one: more than a last record without its newline gives", len(ids), len(whole.Events))
		}
	})
}

// FuzzCommands reads hostile lists of commands as DECNET's.
func FuzzCommands(f *testing.F) {
	f.Add([]byte(`[{"command":"id","uid":0,"ts":1777873750.25},{"id":"","text":"x"},1,{}]`))
	f.Add([]byte(`[{"command_text":"","text":null,"command":"\udcff","timestamp":"2026-05-04"}]`))
	f.Fuzz(func(t *testing.T, commands []byte) {
		r := &decnetReader{tableReader: newTableReader(&database{name: "x.db"}, &decnet, Options{Now: clock})}
		r.row = 1
		r.yield = func(b ttpcron.Batch, _ error) bool {
			checkBatch(t, b)
			return true
		}
		c := make([]column, 7)
		c[1].raw, c[2].raw, c[4].raw, c[6].raw = []byte("uuid"), []byte("192.0.2.1"), []byte("2026-05-04 00:00:00"), commands
		before := bytes.Clone(commands)
		r.attacker(c)
		r.flush()
		if !bytes.Equal(before, commands) {
			t.Fatal("the row was changed")
		}
	})
}

package importer

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"
)

// windows is the beginning of a Windows program whose header is at an offset.
func windows(offset uint32) string {
	b := append([]byte("MZ"), make([]byte, 58)...)
	return string(binary.LittleEndian.AppendUint32(b, offset)) + "PE\x00\x00"
}

// words are 32 bits each, the lowest byte first.
func words(w ...uint32) string {
	var b []byte
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return string(b)
}

// likenessCases has, for each likeness, content that resembles it, and content
// that nearly does.
var likenessCases = []struct{ what, is, near string }{
	{"an Office document", "PK\x03\x04" + strings.Repeat("\x00", 26) + "[Content_Types].xml", "PK\x03\x04" + strings.Repeat("\x00", 26) + "cowrie.json"},
	{"a ZIP archive", "PK\x03\x04\x14\x00\x08", "PK is a programme\nkeep it\n"},
	{"a tar archive", "cowrie.json" + strings.Repeat("\x00", 246) + "ustar\x0000", "ustar is a kind of tar archive\n"},
	{"a 7z archive", "7z\xbc\xaf\x27\x1c\x00\x04", "7z is a program\n"},
	{"a RAR archive", "Rar!\x1a\x07\x01\x00", "Rar! cried the lion\n"},
	{"a cpio archive", "070701000000", "0707\n"},
	{"an ar archive or a Debian package", "!<arch>\ndebian-binary", "!<arch> is how they begin\n"},
	{"lz4 data", "\x04\x22\x4d\x18\x64\x40", "\x04\x22\x4d\x19\x64\x40"},
	{"lzip data", "LZIP\x01\x0c", "LZIP is better than ZIP\n"},
	{"data of compress", "\x1f\x9d\x90", "\x1f\x9c\x90"},
	{"lzop data", "\x89LZO\x00\r\n\x1a\n\x10", "LZO\n"},
	{"Snappy data", "\xff\x06\x00\x00sNaPpY", "sNaPpY\n"},
	{"a capture of packets (PCAP)", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "\xd4\xc3\xb2\xa0\x02\x00\x04\x00"},
	{"a capture of packets (pcapng)", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", "\n\r\r\nhello, world\n"},
	{"a program (ELF)", "\x7fELF\x02\x01\x01", "ELF is a format\n"},
	{"a program (Mach-O)", "\xcf\xfa\xed\xfe\x07\x00", "\xcf\xfa\xed\xff\x07\x00"},
	{"a program for Windows", windows(64), windows(1 << 31)},
	{"a Parquet file", "PAR1\x15\x04", "PAR2\n"},
	{"an Avro file", "Obj\x01\x04", "Obj 1\n"},
	{"a store of ttpcron, or another bbolt database", strings.Repeat("\x00", 8) + "\x04\x00\x00\x00\x00\x00\x00\x00\xed\xda\x0c\xed\x02", strings.Repeat("\x00", 16) + "\xed\xda\x0c\xee\x02"},
	{"a journal of systemd", "LPKSHHRH\x00\x00", "LPKSHHR\n"},
	{"an event log of Windows", "ElfFile\x00\x00", "ElfFile\n"},
	{"a PDF document", "%PDF-1.7\n", "% PDF-1.7\n"},
	{"an image", "\x89PNG\r\n\x1a\n\x00", "PNG\n"},
	{"a recording of a terminal (ttylog)", words(1, 0, 0, 0, 1760749323, 5) + words(3, 0, 4, 2, 1760749323, 9) + "abcd", words(1, 0, 0, 0, 7, 5)},
	{"a recording of a terminal (ttyrec)", words(1760749323, 5, 4) + "abcd" + words(1760749324, 5, 1) + "e", words(1760749323, 5, 4) + "abcd" + words(7, 5, 1) + "e"},

	{"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0c298d7380bfecf874f381077400c92858639a9e122250a194d063763e44bbce\nsize 29228686\n", "version https://git-lfs.github.com/ is where they are told of\n"},
	{"a git-annex pointer", "/annex/objects/SHA256E-s1234--0c298d7380bf.json\n", "/annex/objects/ is a folder\nof git-annex\n"},
	{"an HTML page, perhaps a login page saved instead of the log", "\n<!DOCTYPE html>\n<html><title>Sign in</title>", "the page begins with <!DOCTYPE html>\n"},
	{"an XML document, such as the error of a server saved instead of the log", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "xml\n"},
	{"the error of a server saved instead of the log", `{"message":"Not Found","documentation_url":"https://docs.example.org","status":"404"}`, `{"message":"Not Found","src_ip":"203.0.113.7"}`},
	{"the error of a server saved instead of the log", "404: Not Found", "404: Not Found\nand another line\n"},
	{"JSON without any record in it", "[\n]\n", `[{"a":1}]`},
	{"JSON without any record in it", "[{}]", "[{"},
	{"JSON without any record in it", `{"took":1,"hits":{"total":{"value":0},"hits":[]}}`, `{"took":1,"hits":{"total":{"value":1},"hits":[{"a":1}]}}`},

	{"events as OCSF", `{"metadata":{},"class_uid":1007}`, `{"metadata":{},"class":1007}`},
	{"a log of qeeqbox/honeypots", `{"action":"login","src_ip":"x","dest_ip":"y","dest_port":"22","timestamp":"t"}`, `{"action":"login","src_ip":"x","dest_port":"22","timestamp":"t"}`},
	{"sshesame's text log", "2026/05/04 05:49:13 [203.0.113.7:41190] connection with client version \"x\" established\n[[2001:db8::7]:4] [channel 0] input: \"id\"\n", "2026/05/04 05:49:13 [203.0.113.7] connection\n"},
	{"a log of Zeek", `{"id.orig_h":"x","id.resp_h":"y"}`, `{"id.orig_h":"x"}`},
	{"alerts of Wazuh", `{"rule":{},"agent":{},"manager":{}}`, `{"rule":"","agent":{},"manager":{}}`},
	{"tags as ttpcron prints them", `{"_index":"x","_source":{"rule_id":"R","technique_id":"T1105","source_id":"x"}}`, `{"_index":"x","other":{"rule_id":"R","technique_id":"T1105","source_id":"x"}}`},
	{"tags as ttpcron prints them", `{"stream":"stdout","log":"{\"message\":{\"rule_id\":\"R\",\"technique_id\":\"T\",\"source_id\":\"x\"}}\n"}`, `{"stream":"stdout","log":"x {\"rule_id\":\"R\",\"technique_id\":\"T\",\"source_id\":\"x\"}\n"}`},
	{"a recording of a terminal (asciicast)", `{"version": 2, "width": 80, "height": 24}`, `{"version": 2, "width": 80}`},
	{"a STIX bundle", `{"type":"bundle","objects":[]}`, `{"type":"indicator","objects":[]}`},
	{"a STIX bundle", `{"_index":"x","_source":{"type":"bundle","objects":[]}}`, `{"_index":"x","other":{"type":"bundle","objects":[]}}`},
	{"a STIX bundle", `{"stream":"stdout","log":"{\"message\":{\"type\":\"bundle\",\"objects\":[]}}\n"}`, `{"stream":"stdout","log":"x {\"type\":\"bundle\",\"objects\":[]}\n"}`},
	{"an event of MISP", `{"Event":{"info":"x"}}`, `{"Event":"x"}`},
	{"tags as ttpcron prints them", `{"rule_id":"R","technique_id":"T1105","source_id":"x"}`, `{"rule_id":"R","source_id":"x"}`},
	{"a log of qeeqbox/honeypots as Python prints it", "{'action': 'login', 'src_ip': 'x'}\n", "{'src_ip': 'x'}\n"},
	{`JSON whose records have the members "one", "two"`, `{"one":1,"two":"x"}`, "one, two\n"},

	{"a CSV export of Kibana", "\xef\xbb\xbf@timestamp,_id,_index,input.keyword\r\n\"Oct 18, 2025 @ 01:02:01.100\",x0,l,-\r\n", "timestamp,one,two\n2025,1,2\n"},
	{"CSV of Cowrie's records without a header line", "2025-10-18T01:02:01Z,cowrie.session.connect,203.0.113.50\n2025-10-18T01:02:02Z,cowrie.login.failed,203.0.113.50\n", "the event cowrie.session.connect, a client, and 203.0.113.50\n"},
	{"CSV with a header line", "a,b,c\n1,2,3\n4,5,6\n", "some, words, here\nand a line\nand one more\n"},
	{"CSV without a header line", "1,2025-10-18 01:02:03,x\n2,2025-10-18 01:02:04,y\n", "1,one,x\n2,two,y\n"},
	{"a log of Zeek", "#separator \\x09\n#fields ts\n", "separator\n"},
	{"a log of Sysmon for Linux", `Nov 27 13:51:56 h sysmon: <Event><System><Provider Name="Linux-Sysmon" Guid="x"/>`, "Sysmon\n"},
	{"a syslog without Cowrie's records in it", "<34>1 2026-11-27T13:51:56Z host su: failed\n", "Nov 27 somebody said: something\n"},
	{"the log of a program written with Twisted", "2015-05-29 03:31:55+0000 [twisted.web] hello\n", "2015-05-29 03:31:55+0000 hello\n"},
	{"a dump of a SQL database", "-- MySQL dump 10.19\n--\n", "-- a poem\n"},
	{"a script", "#!/bin/sh\nid\n", "# /bin/sh\n"},
	{"binary data", "\x01\x02\x03\x04\x05\x06hello", "hello\n"},
}

// Each likeness is found in content that has it, and in none that nearly has.
func TestLikenesses(t *testing.T) {
	seen := map[*likeness]bool{}
	for _, tt := range likenessCases {
		got := likenessOf([]byte(tt.is), true)
		if got == nil || got.what != tt.what || got.todo == "" {
			t.Errorf("%.60q looks like %+v, want %s", tt.is, got, tt.what)
			continue
		}
		seen[got] = true
		if got := likenessOf([]byte(tt.near), true); got != nil && got.what == tt.what {
			t.Errorf("%.60q looks like %s", tt.near, got.what)
		}
	}
	for _, list := range [][]likeness{packedLikenesses, pointerLikenesses, jsonLikenesses, textLikenesses} {
		for i := range list {
			if !seen[&list[i]] {
				t.Errorf("no case looks like %s, number %d of its list", list[i].what, i)
			}
		}
	}
	if got := likenessOf([]byte("# Nothing to import\n\nSome prose, with a comma.\n"), true); got != nil {
		t.Errorf("prose looks like %s", got.what)
	}
}

// A log, cut anywhere, never looks like a file without records, and recognition never
// fails.
func TestLikenessOfLogs(t *testing.T) {
	logs := commands(0, 3) + "\x00\x00\x00" + command(4, "x")
	for end := range len(logs) {
		for _, whole := range []bool{false, true} {
			if got := likenessOf([]byte(logs[:end]), whole); got != nil && got.never && end > 2 {
				t.Fatalf("%q looks like %s", logs[:end], got.what)
			}
		}
	}
	for _, tt := range likenessCases {
		for end := range len(tt.is) {
			likenessOf([]byte(tt.is)[:end:end], end%2 == 0)
		}
	}
}

// A file that cannot be a log is refused whatever format the user names; one that only
// begins with odd lines is read.
func TestNamedFormatOfNoLog(t *testing.T) {
	dir := t.TempDir()
	zip := write(t, dir, "cowrie.zip", []byte("PK\x03\x04\x14\x00\x08\x00"+strings.Repeat("x", 100)))
	for _, format := range []string{"cowrie", "decnet"} {
		if _, err := Open(t.Context(), zip, Options{Format: format}); err == nil || !strings.Contains(err.Error(), "it looks like a ZIP archive; unpack it first") {
			t.Errorf("%s: %v", format, err)
		}
	}
	odd := write(t, dir, "odd.json", []byte("404: Not Found\n"+commands(0, 3)))
	if got := mustRead(t, odd, Options{Format: "cowrie"}); len(got.Events) != 3 || len(got.Rejects) != 1 {
		t.Errorf("%d events, %d rejects", len(got.Events), len(got.Rejects))
	}
}

// A refusal is remembered with what it says.
func TestLikenessIsRemembered(t *testing.T) {
	path := write(t, t.TempDir(), "pointer.json", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0c\nsize 2\n"))
	first, look, _ := importOf(t, path, Options{})
	if first.Err == nil || look == nil || !strings.Contains(first.Err.Error(), "a Git LFS pointer; run git lfs pull") {
		t.Fatalf("%v, look %v", first.Err, look)
	}
	again, _, _ := importOf(t, path, Options{Look: *look})
	if again.Err == nil || again.Err.Error() != first.Err.Error() {
		t.Errorf("%v, then %v", first.Err, again.Err)
	}
	for want, err := range map[bool]error{false: first.Err, true: again.Err} {
		if said := err.(*UnknownFormatError).SaidBefore(); said != want {
			t.Errorf("said before: %t, want %t", said, want)
		}
	}
}

// A database is known by its tables, and not by views that are called so.
func TestLikenessOfDatabase(t *testing.T) {
	for name, tt := range map[string]struct{ schema, want string }{
		"honeypots": {"CREATE TABLE Servers_table(id)", "but looks like what qeeqbox/honeypots writes; it is not read yet"},
		"near":      {"CREATE VIEW servers_table AS SELECT 1; CREATE TABLE other(id)", "name the log"},
		"views":     {"CREATE VIEW sessions AS SELECT 1; CREATE VIEW connections AS SELECT 1; CREATE TABLE input(id)", "name the log"},
	} {
		path := filepath.Join(t.TempDir(), "other.db")
		w := openWriter(t, path)
		exec(t, w, tt.schema)
		w.Close()
		if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLikeness(f *testing.F) {
	for _, tt := range likenessCases {
		f.Add([]byte(tt.is), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, whole bool) {
		before := bytes.Clone(text)
		if l := likenessOf(text, whole); l != nil && (l.what == "" || l.todo == "" || len(l.what) > 1000) {
			t.Errorf("%q; %q", l.what, l.todo)
		}
		if !bytes.Equal(text, before) {
			t.Error("the text was changed")
		}
	})
}

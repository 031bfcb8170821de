package importer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/jsontext"
)

// likeness is something that a file of no known format may be. The error says what it
// looks like and what to do about it, instead of only "no format recognises it".
type likeness struct {
	what string // such as "a Git LFS pointer"
	todo string
	is   func(h *head) bool
	// never says that no line of such a file can be a record, so it is refused even if the
	// user named a format.
	never bool
}

func (l *likeness) detail() string { return "it looks like " + l.what + "; " + l.todo }

// head is the beginning of content that no format recognises.
type head struct {
	text   []byte   // without a byte order mark
	whole  bool     // there is no more
	lines  [][]byte // the first ones, trimmed, none of them empty
	record *jsonHead
}

// maxHeadLines is how many lines are looked at.
const maxHeadLines = 20

func newHead(text []byte, whole bool) *head {
	h := &head{text: bytes.TrimPrefix(text, byteOrderMark), whole: whole}
	for line := range bytes.FieldsFuncSeq(h.text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = trimLine(line); len(line) > 0 {
			h.lines = append(h.lines, line)
		}
		if len(h.lines) == maxHeadLines {
			break
		}
	}
	h.record = newJSONHead(h)
	return h
}

// first is the first line that holds something.
func (h *head) first() []byte {
	if len(h.lines) == 0 {
		return nil
	}
	return h.lines[0]
}

// most reports whether more than half of the first lines are as they should be.
func (h *head) most(is func(line []byte) bool) bool {
	n := 0
	for _, line := range h.lines {
		if is(line) {
			n++
		}
	}
	return 2*n > len(h.lines)
}

// likeBytes is how much is inspected of content that has a format already.
const likeBytes = 4 << 10

// likenessOf says what content resembles, going by its beginning, or returns nil.
func likenessOf(text []byte, whole bool) *likeness {
	h := newHead(text, whole)
	for _, list := range [][]likeness{packedLikenesses, pointerLikenesses, jsonLikenesses} {
		if like := h.among(list); like != nil {
			return like
		}
	}
	outer := h.record
	for range maxWrapped {
		if h.record = h.record.unwrapped(); !h.record.is {
			break
		}
		if like := h.among(jsonLikenesses); like != nil {
			return like
		}
	}
	if like := h.among(textLikenesses); like != nil {
		return like
	}
	return outer.unknown()
}

// among returns the first of a list that the content resembles, or nil.
func (h *head) among(list []likeness) *likeness {
	for i := range list {
		if list[i].is(h) {
			return &list[i]
		}
	}
	return nil
}

// begins is the test for content that begins with one of some bytes.
func begins(magic ...string) func(*head) bool {
	return func(h *head) bool {
		return slices.ContainsFunc(magic, func(m string) bool { return bytes.HasPrefix(h.text, []byte(m)) })
	}
}

// at is the test for content that has some bytes at an offset.
func at(offset int, magic string) func(*head) bool {
	return func(h *head) bool {
		return len(h.text) > offset && bytes.HasPrefix(h.text[offset:], []byte(magic))
	}
}

const (
	unpackFirst  = "unpack it first, and import what is in it"
	nameTheLog   = "name the log that the sensor writes"
	asJSON       = "convert it to one JSON object a line first"
	notReadYet   = "it is not read yet"
	fetchAgain   = "fetch the log again, and look at what you get"
	attackersOwn = "perhaps something that an attacker left; " + nameTheLog
)

// packedLikenesses are files of bytes, which no line can be cut from.
var packedLikenesses = []likeness{
	{"an Office document", "save it as CSV or JSON, and convert that to one JSON object a line", officeDocument, true},
	{"a ZIP archive", unpackFirst, begins("PK\x03\x04", "PK\x05\x06", "PK\x07\x08"), true},
	{"a tar archive", unpackFirst, at(257, "ustar"), true},
	{"a 7z archive", unpackFirst, begins("7z\xbc\xaf\x27\x1c"), true},
	{"a RAR archive", unpackFirst, begins("Rar!\x1a\x07"), true},
	{"a cpio archive", unpackFirst, begins("070701", "070702"), true},
	{"an ar archive or a Debian package", unpackFirst, begins("!<arch>\n"), true},
	{"lz4 data", "decompress it with lz4 -d, and import what comes out", begins("\x04\x22\x4d\x18"), true},
	{"lzip data", "decompress it with lzip -d, and import what comes out", begins("LZIP\x01"), true},
	{"data of compress", "decompress it with uncompress, and import what comes out", begins("\x1f\x9d"), true},
	{"lzop data", "decompress it with lzop -d, and import what comes out", begins("\x89LZO\x00\r\n\x1a\n"), true},
	{"Snappy data", "decompress it, and import what comes out", begins("\xff\x06\x00\x00sNaPpY"), true},
	{"a capture of packets (PCAP)", "it has packets, not what the sensor made of them; " + nameTheLog,
		begins("\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d"), true},
	{"a capture of packets (pcapng)", "it has packets, not what the sensor made of them; " + nameTheLog, pcapng, true},
	{"a program (ELF)", attackersOwn, begins("\x7fELF"), true},
	{"a program (Mach-O)", attackersOwn, begins("\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe\x00\x00\x00"), true},
	{"a program for Windows", attackersOwn, windowsProgram, true},
	{"a Parquet file", asJSON, begins("PAR1"), true},
	{"an Avro file", asJSON, begins("Obj\x01"), true},
	{"a store of ttpcron, or another bbolt database", "name a store with --db; export-events writes its events as import reads them", at(16, "\xed\xda\x0c\xed"), true},
	{"a journal of systemd", "import what journalctl makes of it: journalctl --file FILE -o cat | ttpcron import -", begins("LPKSHHRH"), true},
	{"an event log of Windows", notReadYet, begins("ElfFile\x00"), true},
	{"a PDF document", nameTheLog, begins("%PDF-"), true},
	{"an image", nameTheLog, begins("\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a"), true},
	{"a recording of a terminal (ttylog)", recorded, cowrieTTYLog, true},
	{"a recording of a terminal (ttyrec)", recorded, ttyrec, true},
}

const recorded = "what was typed is in the sensor's log too, such as cowrie.json: name that"

// officeDocument distinguishes a spreadsheet or the like from other ZIP archives.
func officeDocument(h *head) bool {
	return begins("PK\x03\x04")(h) && at(30, "[Content_Types].xml")(h)
}

func pcapng(h *head) bool {
	return begins("\x0a\x0d\x0d\x0a")(h) && (at(8, "\x1a\x2b\x3c\x4d")(h) || at(8, "\x4d\x3c\x2b\x1a")(h))
}

// windowsProgram distinguishes a program from text that begins with its two letters.
func windowsProgram(h *head) bool {
	if !begins("MZ")(h) || len(h.text) < 64 {
		return false
	}
	offset := binary.LittleEndian.Uint32(h.text[60:])
	return offset < uint32(len(h.text)) && at(int(offset), "PE\x00\x00")(h)
}

// A recording says at each piece when it was: seconds since 1970, within this
// century, and microseconds.
func isMoment(seconds, micros uint32) bool {
	return seconds > 946684800 && seconds < 4102444800 && micros < 1e6
}

// cowrieTTYLog: Cowrie begins a recording with a record of 24 bytes that says the
// terminal was opened.
func cowrieTTYLog(h *head) bool {
	if len(h.text) < 24 {
		return false
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(h.text[4*i:]) }
	return word(0) == 1 && word(1) == 0 && word(2) == 0 && word(3) <= 3 && isMoment(word(4), word(5))
}

// ttyrec: each piece has 12 bytes before it, the last four of which are its length.
func ttyrec(h *head) bool {
	pieces := 0
	for text := h.text; len(text) >= 12; pieces++ {
		if !isMoment(binary.LittleEndian.Uint32(text), binary.LittleEndian.Uint32(text[4:])) {
			return false
		}
		size := binary.LittleEndian.Uint32(text[8:])
		if size > 1<<20 {
			return false
		}
		if uint64(size) > uint64(len(text)-12) {
			return !h.whole
		}
		text = text[12+size:]
		if len(text) > 0 && len(text) < 12 && h.whole {
			return false
		}
	}
	return pieces > 0
}

// pointerLikenesses are placeholders for a log that was not fetched.
var pointerLikenesses = []likeness{
	{"a Git LFS pointer", "run git lfs pull in its repository", gitLFS, true},
	{"a git-annex pointer", "run git annex get in its repository", gitAnnex, true},
	{"an HTML page, perhaps a login page saved instead of the log", fetchAgain, isHTML, true},
	{"an XML document, such as the error of a server saved instead of the log", fetchAgain, isXML, true},
	{"the error of a server saved instead of the log", fetchAgain, serverError, true},
	{"JSON without any record in it", "look at the query or program that wrote it", emptyJSON, true},
}

var lfsPointer = newExpression(`^version https://(git-lfs\.github\.com|hawser\.github\.com)/spec/v[0-9]+\r?\n`)

func gitLFS(h *head) bool {
	return lfsPointer.Match(h.text) && bytes.Contains(h.text, []byte("\noid "))
}

func gitAnnex(h *head) bool {
	return h.whole && len(h.lines) == 1 && len(h.text) < 4<<10 &&
		(bytes.HasPrefix(h.text, []byte("/annex/objects/")) || bytes.Contains(h.text, []byte(".git/annex/objects/")))
}

func (h *head) lower(n int) string {
	text := bytes.TrimLeft(h.text, " \t\r\n\x00")
	return strings.ToLower(string(text[:min(n, len(text))]))
}

func isHTML(h *head) bool {
	text := h.lower(1 << 10)
	return strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html") ||
		(strings.HasPrefix(text, "<!--") || strings.HasPrefix(text, "<?xml")) && strings.Contains(text, "<html")
}

func isXML(h *head) bool {
	text := h.lower(16)
	return strings.HasPrefix(text, "<?xml ") || strings.HasPrefix(text, "<error>")
}

// serverError is the answer of an object store, a Git host or Elasticsearch for a missing
// file.
func serverError(h *head) bool {
	if line := string(h.first()); h.whole && len(h.lines) == 1 && (line == "404: Not Found" || line == "Not Found" || line == "Access Denied") {
		return true
	}
	return h.whole && h.record.is && len(h.record.members) <= 4 && (h.record.has("error", "status") || h.record.has("message", "documentation_url"))
}

var noHits = newExpression(`"(hits|logEvents|records|results|data|events)"\s*:\s*\[\s*\]`)

func emptyJSON(h *head) bool {
	if !h.whole || len(h.text) > 4<<10 {
		return false
	}
	text := bytes.Trim(h.text, " \t\r\n\x00")
	var all jsontext.Scanner
	all.Reset(text)
	if all.Value(); all.End() == nil && len(bytes.Trim(text, "[]{}, \t\r\n")) == 0 {
		return true
	}
	return string(text) == "null" || string(text) == `""` || h.record.is && noHits.Match(text) && len(h.lines) < maxHeadLines && !bytes.Contains(text, []byte(`":[{`))
}

// textLikenesses are texts, and binary files.
var textLikenesses = []likeness{
	{"a CSV export of Kibana", "no format knows its columns: export whole documents, as JSON or with all columns", kibanaCSV, false},
	{"CSV of Cowrie's records without a header line", "nothing says which column is what: export it with a header, or as JSON", cowrieBareCSV, false},
	{"CSV with a header line", "no format knows its columns; give them the names of the log's members, or describe them in the config file, in a table [format.NAME]: see docs/sources.md", anyCSV, false},
	{"CSV without a header line", "nothing says which column is what: export it with a header, or as JSON", bareCSV, false},
	{"a log of Zeek", notReadYet, begins("#separator "), false},
	{"sshesame's text log", "let it write JSON: json: true under logging, in its configuration", lines(`^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?\[(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+(%\w+)?\]):\d{1,5}\] `), false},
	{"a log of Sysmon for Linux", notReadYet, lines(`<Event><System><Provider Name="(Linux-Sysmon|Microsoft-Windows-Sysmon)"`), false},
	{"a syslog without Cowrie's records in it", "name the file that Cowrie itself writes, cowrie.json", syslog, false},
	{"the log of a program written with Twisted", nameTheLog, lines(twisted), false},
	{"a dump of a SQL database", "load it, and export its rows as JSON", sqlDump, false},
	{"a script", attackersOwn, func(h *head) bool { return begins("#!/", "#! /")(h) }, false},
	{"binary data", nameTheLog, isBinary, false},
}

// lines is the test for content where most of the first lines match an expression.
func lines(pattern string) func(*head) bool {
	re := newExpression(pattern)
	return func(h *head) bool { return len(h.lines) > 0 && h.most(re.Match) }
}

const twisted = `^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)? \[[^\]]+\] `

const syslogTime = `([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*)`

var isSyslog = lines(`^(<\d{1,3}>)?(\d )?` + syslogTime + ` \S+ \S+(\[\d+\])?:? `)

func syslog(h *head) bool { return isSyslog(h) }

var sqlLine = newExpression(`(?i)^(-- (MySQL|MariaDB|PostgreSQL|phpMyAdmin)|PRAGMA foreign_keys|CREATE TABLE |INSERT INTO |BEGIN TRANSACTION;|/\*![0-9]+ )`)

func sqlDump(h *head) bool { return slices.ContainsFunc(h.lines, sqlLine.Match) }

// isText reports whether content is text, going by its beginning: nothing that is
// packed, with hardly any bytes that are no UTF-8.
func isText(text []byte, whole bool) bool {
	h := newHead(text[:min(len(text), likeBytes)], whole && len(text) <= likeBytes)
	if len(h.text) == 0 || isBinary(h) || h.among(packedLikenesses) != nil || bytes.HasPrefix(h.text, sqliteMagic) {
		return false
	}
	odd := 0
	for rest := h.text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			odd++
		}
		rest = rest[n:]
	}
	return odd*20 <= len(h.text)
}

// isBinary reports whether content has more control characters than text does. NULs do not
// count: a power loss leaves these.
func isBinary(h *head) bool {
	odd, all := 0, 0
	for _, c := range h.text[:min(len(h.text), 4<<10)] {
		if c == 0 {
			continue
		}
		all++
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b {
			odd++
		}
	}
	return odd*20 > all
}

package kv

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestSipHash checks the vectors of the reference implementation: key 00 … 0f,
// text 00 … n-1.
func TestSipHash(t *testing.T) {
	var s secret
	text := make([]byte, 64)
	for i := range text {
		text[i] = byte(i)
	}
	copy(s[:], text)
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 63: 0x958a324ceb064572} {
		if got := s.sip(text[:n]); got != want {
			t.Errorf("sip of %d bytes = %#x, want %#x", n, got, want)
		}
	}
}

func TestHashKeepsPartsApart(t *testing.T) {
	s := secret{1}
	if s.hash('a', "ab", "c") == s.hash('a', "a", "bc") || s.hash('a', "x", "") == s.hash('b', "x", "") {
		t.Error("different texts have one hash")
	}
}

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
		b := appendPacked(nil, c.text)
		if len(b) != c.size {
			t.Errorf("%q takes %d bytes, want %d", c.text, len(b), c.size)
		}
		r := reader{rest: b}
		if got := r.packed(); got != c.text || r.finish() != nil {
			t.Errorf("%q came back as %q, %v", c.text, got, r.err)
		}
		r = reader{rest: b}
		if r.skipPacked(); r.finish() != nil {
			t.Errorf("%q skipped with %v", c.text, r.err)
		}
	}
}

func FuzzPacked(f *testing.F) {
	for _, c := range packedStrings {
		f.Add(c.text, appendPacked(nil, c.text))
	}
	f.Fuzz(func(t *testing.T, text string, hostile []byte) {
		r := reader{rest: appendPacked(nil, text)}
		if got := r.packed(); got != text || r.finish() != nil {
			t.Errorf("%q came back as %q, %v", text, got, r.err)
		}
		read, skip := reader{rest: hostile}, reader{rest: hostile}
		read.packed()
		if skip.skipPacked(); read.err != skip.err || !bytes.Equal(read.rest, skip.rest) {
			t.Errorf("%x: reading leaves %x, %v, skipping %x, %v", hostile, read.rest, read.err, skip.rest, skip.err)
		}
	})
}

func TestTimes(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(-1, 999_999_999).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Time{}.Add(1)} {
		r := reader{rest: appendTime(nil, at)}
		if got := r.time(); !got.Equal(at) || got.IsZero() != at.IsZero() || r.finish() != nil {
			t.Errorf("%v came back as %v, %v", at, got, r.err)
		}
	}
}

func TestTagKeysAreInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		a, b := rnd.Int64N(dayNanos), rnd.Int64N(dayNanos)
		ka, kb := makeTagKey(a, ttpcron.UUID{255}), makeTagKey(b, ttpcron.UUID{})
		if a != b && (a < b) != (bytes.Compare(ka[:], kb[:]) < 0) {
			t.Fatalf("keys of %d and %d are not in order", a, b)
		}
		if nanos, u, ok := parseTagKey(ka[:]); nanos != a || u != (ttpcron.UUID{255}) || !ok {
			t.Fatalf("key of %d came back as %d, %v, %v", a, nanos, u, ok)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9}, int64(12345))
	f.Fuzz(func(t *testing.T, k []byte, nanos int64) {
		if day, seq, ok := parseBlockKey(k); ok && !bytes.Equal(blockKey(day, seq), k) {
			t.Errorf("%x is not the key of its parts", k)
		}
		if n, u, ok := parseTagKey(k); ok {
			if again := makeTagKey(n, u); !bytes.Equal(again[:], k) {
				t.Errorf("%x is not the key of its parts", k)
			}
		}
		if nanos < 0 {
			nanos = -(nanos + 1)
		}
		nanos %= dayNanos
		at := timeOf(20000, nanos)
		if nanosOf(at, 20000) != nanos || ttpcron.DayOf(at) != 20000 {
			t.Errorf("%d ns came back as %v", nanos, at)
		}
	})
}

// randomEvents makes events of one day as attackers would like them.
func randomEvents(rnd *rand.Rand, n int, day ttpcron.Day) []ttpcron.Event {
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	events := make([]ttpcron.Event, n)
	seq := rnd.Uint64N(1 << 40)
	for i := range events {
		seq += 1 + rnd.Uint64N(3)
		e := &events[i]
		*e = ttpcron.Event{
			Kind: ttpcron.Command, Seq: seq, Time: timeOf(day, rnd.Int64N(dayNanos)),
			AttackerUUID: pick("", ttpcron.DeriveAttacker("a"), "odd"), AttackerIP: pick("192.0.2.1", "", "\xff", "::1"),
			AttackerOrigin: ttpcron.Origin(rnd.IntN(3)), TimeOrigin: ttpcron.Origin(2 * rnd.IntN(2)), IdentityUUID: pick("", "", "i"),
			SessionID: fmt.Sprintf("%06x", rnd.IntN(4)), DeckyID: pick("", "a\x00b"),
		}
		for f := range rnd.IntN(4) {
			field := ttpcron.Field{Name: fmt.Sprint("f", f), Text: strings.Repeat(pick("", "x", "\xfe\n", "ls -la; "), rnd.IntN(50))}
			if rnd.IntN(4) == 0 {
				field.Text, field.Raw = "", json.RawMessage(pick("null", "[1,2]", `{"a":"b"}`, "7"))
			}
			e.Payload = append(e.Payload, field)
		}
		e.ID = pick(e.ContentID(), e.ContentID(), "cmd#1", "1ca31f08-5522-5aae-8371-fe81f0e39de3")
	}
	return events
}

// sameEvents compares events; an empty payload may be nil or not.
func sameEvents(a, b []ttpcron.Event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if len(x.Payload) == 0 && len(y.Payload) == 0 {
			x.Payload, y.Payload = nil, nil
		}
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

func testCodecs(t testing.TB) *DB {
	t.Helper()
	db := &DB{}
	if err := db.openCodecs(); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestBlocks(t *testing.T) {
	db := testCodecs(t)
	w := newBlockWriter(db.encoder)
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range maxBlockEvents {
		events := randomEvents(rnd, 1+n, 19000)
		if n%3 == 0 {
			for i := range events {
				events[i].ID = events[i].ContentID()
			}
		}
		rec := w.appendBlock(nil, ttpcron.Command, 19000, events)
		got, err := db.blocks.read(ttpcron.Command, 19000, events[0].Seq, rec)
		if err != nil {
			t.Fatal(err)
		}
		if !sameEvents(got, events) {
			t.Fatalf("block of %d events came back changed", len(events))
		}
		if _, err := db.blocks.read(ttpcron.Command, 19001, events[0].Seq, rec); err == nil {
			t.Fatal("a block under another key is not noticed")
		}
		rec[rnd.IntN(len(rec))] ^= 1 << rnd.IntN(8)
		if _, err := db.blocks.read(ttpcron.Command, 19000, events[0].Seq, rec); err == nil {
			t.Fatal("a flipped bit is not noticed")
		}
	}
}

func TestBlockPayloadsAreApart(t *testing.T) {
	db := testCodecs(t)
	e := ttpcron.Event{Kind: "k", ID: "a", Time: timeOf(1, 0), AttackerIP: "::1", Payload: ttpcron.TextPayload("a", "same"), Seq: 1}
	f := e
	f.Seq = 2
	rec := newBlockWriter(db.encoder).appendBlock(nil, "k", 1, []ttpcron.Event{e, f})
	got, err := db.blocks.read("k", 1, 1, rec)
	if err != nil {
		t.Fatal(err)
	}
	got[0].Payload.Set("a", "changed")
	got[0].Payload.Set("b", "added")
	if text, _ := got[1].Payload.Text("a"); text != "same" || len(got[1].Payload) != 1 {
		t.Errorf("setting a field of one event changed the next: %+v", got[1].Payload)
	}
}

// FuzzBlock feeds hostile bodies to the decoder, behind the checksum: it must
// fail or give events that encode and decode to themselves, in bounded memory.
func FuzzBlock(f *testing.F) {
	db := testCodecs(f)
	w := newBlockWriter(db.encoder)
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range 5 {
		events := randomEvents(rnd, 1+8*n, 19000)
		rec := w.appendBlock(nil, ttpcron.Command, 19000, events)
		f.Add(events[0].Seq, rec[recordHeader:])
	}
	f.Fuzz(func(t *testing.T, first uint64, body []byte) {
		events, err := db.blocks.decode(ttpcron.Command, 19000, first, reader{rest: body})
		if err != nil {
			return
		}
		fields := 0
		for i := range events {
			fields += len(events[i].Payload)
			if ttpcron.DayOf(events[i].Time) != 19000 {
				t.Fatalf("event at %v", events[i].Time)
			}
		}
		if len(events) > maxBlockEvents || fields > maxBlockFields {
			t.Fatalf("%d events with %d fields", len(events), fields)
		}
		rec := w.appendBlock(nil, ttpcron.Command, 19000, events)
		again, err := db.blocks.read(ttpcron.Command, 19000, first, rec)
		if err != nil || !sameEvents(again, events) {
			t.Fatalf("events change when they are stored again: %v", err)
		}
	})
}

// FuzzColumns is FuzzBlock without compression, which the fuzzer cannot see
// through.
func FuzzColumns(f *testing.F) {
	db := testCodecs(f)
	w := newBlockWriter(db.encoder)
	rnd := rand.New(rand.NewPCG(2, 1))
	for n := range 4 {
		events := randomEvents(rnd, 1+5*n, 19000)
		f.Add(len(events), bytes.Clone(w.encodeColumns(19000, events)))
	}
	f.Fuzz(func(t *testing.T, n int, columns []byte) {
		if n < 1 || n > maxBlockEvents {
			return
		}
		events := make([]ttpcron.Event, n)
		if readColumns(columns, 19000, 1, events) == nil {
			again := make([]ttpcron.Event, n)
			if err := readColumns(w.encodeColumns(19000, events), 19000, 1, again); err != nil || !sameEvents(again, events) {
				t.Fatalf("events change when they are stored again: %v", err)
			}
		}
	})
}

// FuzzRecords feeds hostile bytes to every decoder of small records.
func FuzzRecords(f *testing.F) {
	for _, g := range goldenRecords() {
		f.Add(g.key, g.rec)
	}
	f.Fuzz(func(t *testing.T, key, rec []byte) {
		if len(rec) < recordHeader {
			rec = make([]byte, recordHeader)
		}
		rec[0] = recordVersion
		day, dayBytes := ttpcron.Day(19000), dayKey(19000)
		sum := func(key ...[]byte) []byte { return endRecord(rec, key...) }
		if c, err := readClaim(key, sum(key)); err == nil {
			same(t, rec, appendClaim(nil, key, c))
		}
		readTag(day, key, sum(dayBytes, key), &deriver{})
		readTally(sum(dayBytes, key), dayBytes, key)
		readAttacker(sum(dayBytes, key), dayBytes, key)
		readRun(key, sum(key))
		readReject(key, sum(key))
		readMark(key, sum(key))
		readState(key, sum(key))
		readCursor(key, sum(key))
		readTotal(key, sum(key))
		readKindTotal(key, sum(key))
		k := kindDay{"k", day}
		readCoverage(k, sum([]byte("k"), dayBytes))
		readRuleSet(key, sum(key))
		readAudit(key, sum(key))
		readRetirement(key, sum(key))
		readDay(k, sum([]byte("k"), dayBytes))
		x := runIndex{name: bucketNamed, width: namedWidth}
		x.chunk(1, key, sum(bucketNamed, key))
	})
}

// same reports a record that does not encode to itself, where the numbers in it
// are as short as they can be.
func same(t *testing.T, rec, again []byte) {
	if len(rec) == len(again) && !bytes.Equal(rec, again) {
		t.Errorf("record %x encodes to %x", rec, again)
	}
}

type goldenRecord struct {
	name     string
	key, rec []byte
	value    any
	read     func(rec []byte) (any, error)
}

// goldenRecords is one record of each sort.
func goldenRecords() []goldenRecord {
	at := time.Date(2024, 6, 7, 6, 50, 24, 394254000, time.UTC)
	day := ttpcron.DayOf(at)
	d := dayKey(day)
	k := kindDay{ttpcron.Command, day}
	hash := hashKey(rollupAttacker, 0x0102030405060708)
	c := claim{ttpcron.Command, ttpcron.Claim{RuleID: "R0014", RuleVersion: 2, Tactic: "TA0007", TechniqueID: "T1083", SubTechniqueID: "", Confidence: 0.85, AttackRelease: "enterprise-v18.1", MitreURL: "https://attack.mitre.org/techniques/T1083"}}
	tag := ttpcron.Tag{
		SourceID: "sha256:00112233445566778899aabbccddeeff", AttackerUUID: ttpcron.DeriveAttacker("192.0.2.7"), AttackerIP: "192.0.2.7",
		SessionID: "017bdc8940cc", DeckyID: "sensor-1", Evidence: json.RawMessage(`{"command_text":"ls"}`), CreatedAt: at.AddDate(0, 1, 0), EventTime: at,
	}
	tk := makeTagKey(nanosOf(at, day), ttpcron.UUID{1, 2, 3})
	run := ttpcron.Run{ID: "20240607T065024", Started: at, Finished: at.Add(time.Second), Window: ttpcron.Window{Since: at}, RuleSet: "f00", Outcome: "done",
		Imported: ttpcron.ImportReport{File: "f", Format: "cowrie", Lines: 1, New: 2, Known: 3, Changed: 4, Ignored: 5, Rejected: 6},
		Sources:  []ttpcron.SourceReport{{Source: "command", Events: 1, Commands: 2, Tagged: 3, Tags: 4, Inserted: 5, Known: 6, Skipped: 7, Bounded: 8, Left: 9, DryRun: true, Elapsed: time.Minute}}}
	reject := ttpcron.Reject{File: "cowrie.json", Line: 7, Format: "cowrie", Reason: "no JSON", Excerpt: []byte("\x00{"), At: at}
	named := reject
	named.ID = ttpcron.NewRejectID("cowrie", []byte("\x00{"))
	rejected := run
	rejected.Imported.RejectedKnown = 7
	mark := ttpcron.FileMark{Path: "/var/log/cowrie.json", Format: "cowrie", Head: [32]byte{1}, HeadLen: 4096, Tail: [32]byte{2}, TailLen: 64, Offset: 1 << 40, Line: 9, SeenAt: at}
	state := ttpcron.RuleState{RuleID: "R0014", Status: ttpcron.StatusClipped, ConfidenceMax: 0.5, ExpiresAt: at, Reason: "noisy", SetBy: "root", SetAt: at}
	cursor := ttpcron.Cursor{Kind: ttpcron.Command, Seq: 1 << 33, UpdatedAt: at, RunID: "manual"}
	coverage := ttpcron.Coverage{Kind: ttpcron.Command, Day: day, RuleSet: "f00", UpTo: 300, Events: 1, Tagged: 2, Tags: 3, Skipped: 4, Bounded: 5}
	second := coverage
	second.After, second.UpTo, second.Since, second.Uncounted = 300, 400, at, true
	parts := []ttpcron.Coverage{coverage, second}
	retag := run
	retag.Sources = []ttpcron.SourceReport{{Source: "command", Retagged: 10, RetagTags: 11, RetagInserted: 12}, {Source: "canary", DryRun: true}}
	set := ttpcron.RuleSet{Fingerprint: "f00", Rules: []ttpcron.RuleDef{{ID: "R0014", Version: 2, Digest: [16]byte{1, 2}, Ceiling: 0.5}, {ID: "TC0001", Version: 1, Digest: [16]byte{3}, Ceiling: 1}}}
	retired := ttpcron.Retirement{RuleID: "R0014", Version: 2, Reason: "noisy", SetBy: "root", SetAt: at}
	entry := ttpcron.AuditEntry{Number: 5, At: at, By: "root", Action: ttpcron.AuditStateSet, RuleID: "R0014", Version: ttpcron.AllVersions, Before: "enabled", After: "disabled", Reason: "noisy"}
	history := ttpcron.DayHistory{Kind: ttpcron.Command, Day: day, Events: 3, FirstSeq: 7, LastSeq: 900, Earliest: at, Latest: at.Add(time.Hour)}
	attacker := attackerTally{tally{5, 100, 2000}, ttpcron.DeriveAttacker("192.0.2.7"), "192.0.2.7", "identity"}
	event := ttpcron.Event{Kind: ttpcron.Command, ID: "cmd_42", Time: at, AttackerIP: "192.0.2.7", SessionID: "017bdc8940cc", DeckyID: "sensor-1", Seq: 5,
		Payload: ttpcron.Payload{{Name: "command_text", Text: "uname -a"}, {Name: "uid", Raw: json.RawMessage("0")}}}
	other := event
	other.ID, other.Seq, other.Time = "cmd_43", 9, at.Add(3*time.Microsecond)
	events := []ttpcron.Event{event, other}
	codecs := &DB{}
	if err := codecs.openCodecs(); err != nil {
		panic(err)
	}
	key := func(s string) []byte { return []byte(s) }
	return []goldenRecord{
		{"block", blockKey(day, 5), newBlockWriter(codecs.encoder).appendBlock(nil, ttpcron.Command, day, events), events,
			func(rec []byte) (any, error) { return codecs.blocks.read(ttpcron.Command, day, 5, rec) }},
		{"claim", claimNumber(1), appendClaim(nil, claimNumber(1), c), c, func(rec []byte) (any, error) { return readClaim(claimNumber(1), rec) }},
		{"tag", tk[:], appendTag(nil, d, &tk, 300, &tag, &deriver{}), tag, func(rec []byte) (any, error) {
			got, id, err := readTag(day, tk[:], rec, &deriver{})
			if id != 300 {
				return id, err
			}
			return got, err
		}},
		{"tally", claimKey(rollupClaim, 300), appendTally(nil, attacker.tally, d, claimKey(rollupClaim, 300)), attacker.tally,
			func(rec []byte) (any, error) { return readTally(rec, d, claimKey(rollupClaim, 300)) }},
		{"attacker", hash, appendAttacker(nil, attacker, d, hash), attacker, func(rec []byte) (any, error) { return readAttacker(rec, d, hash) }},
		{"run", key(run.ID), appendRun(nil, &run), run, func(rec []byte) (any, error) { return readRun(key(run.ID), rec) }},
		{"reject", numberKey(3), withoutRejectID(numberKey(3), appendReject(nil, numberKey(3), &reject)), reject, func(rec []byte) (any, error) { return readReject(numberKey(3), rec) }},
		{"mark", numberKey(4), appendMark(nil, numberKey(4), &mark), mark, func(rec []byte) (any, error) { return readMark(numberKey(4), rec) }},
		{"state", key(state.RuleID), appendState(nil, &state), state, func(rec []byte) (any, error) { return readState(key(state.RuleID), rec) }},
		{"cursor", key("command"), appendCursor(nil, &cursor), cursor, func(rec []byte) (any, error) { return readCursor(key("command"), rec) }},
		{"coverage", d, appendCoverage(nil, k, []ttpcron.Coverage{coverage}), []ttpcron.Coverage{coverage}, func(rec []byte) (any, error) { return readCoverage(k, rec) }},
		{"coverage-parts", d, appendCoverage(nil, k, parts), parts, func(rec []byte) (any, error) { return readCoverage(k, rec) }},
		{"run-retagged", key(retag.ID), appendRun(nil, &retag), retag, func(rec []byte) (any, error) { return readRun(key(retag.ID), rec) }},
		{"ruleset", key(set.Fingerprint), appendRuleSet(nil, &set), set, func(rec []byte) (any, error) { return readRuleSet(key(set.Fingerprint), rec) }},
		{"retired", retiredKey("R0014", 2), appendRetirement(nil, retiredKey("R0014", 2), &retired), retired,
			func(rec []byte) (any, error) { return readRetirement(retiredKey("R0014", 2), rec) }},
		{"audit", numberKey(5), appendAudit(nil, numberKey(5), &entry), entry, func(rec []byte) (any, error) { return readAudit(numberKey(5), rec) }},
		{"reject-id", numberKey(4), appendReject(nil, numberKey(4), &named), named, func(rec []byte) (any, error) { return readReject(numberKey(4), rec) }},
		{"run-rejected", key(rejected.ID), appendRun(nil, &rejected), rejected, func(rec []byte) (any, error) { return readRun(key(rejected.ID), rec) }},
		{"day", d, appendDayRecord(nil, k, history), history, func(rec []byte) (any, error) { return readDay(k, rec) }},
	}
}

// withoutRejectID makes a reject's record as it was up to schema 2.
func withoutRejectID(key, rec []byte) []byte {
	return endRecord(rec[:len(rec)-len(ttpcron.RejectID{})], key)
}

const goldenFile = "testdata/records-v1.golden"

// TestGoldenRecords reads the records of testdata, which earlier versions wrote,
// and checks that records are still written as they were. Blocks need only be
// readable: the compressor may find shorter forms.
func TestGoldenRecords(t *testing.T) {
	records := goldenRecords()
	if *update {
		var out strings.Builder
		for _, g := range records {
			fmt.Fprintf(&out, "%s %x\n", g.name, g.rec)
		}
		if err := os.WriteFile(goldenFile, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(golden)), "\n")
	if len(lines) != len(records) {
		t.Fatalf("%d golden records, want %d", len(lines), len(records))
	}
	for i, g := range records {
		name, text, _ := strings.Cut(lines[i], " ")
		rec, err := hex.DecodeString(text)
		if name != g.name || err != nil {
			t.Fatalf("line %d: %q, want %q; %v", i+1, name, g.name, err)
		}
		got, err := g.read(rec)
		if err != nil || !reflect.DeepEqual(got, g.value) {
			t.Errorf("%s: read %+v, %v, want %+v", g.name, got, err, g.value)
		}
		if g.name != "block" && !bytes.Equal(rec, g.rec) {
			t.Errorf("%s: wrote %x, want %x", g.name, g.rec, rec)
		}
		for at := range rec {
			rec[at] ^= 0x10
			if _, err := g.read(rec); err == nil {
				t.Errorf("%s: a flipped bit in byte %d is not noticed", g.name, at)
			}
			rec[at] ^= 0x10
		}
	}
}

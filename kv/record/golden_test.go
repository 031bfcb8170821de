package record_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/record"
)

var update = flag.Bool("update", false, "write the golden file anew")

// FuzzRecords feeds hostile bytes to every decoder of small records.
func FuzzRecords(f *testing.F) {
	for _, g := range goldenRecords() {
		f.Add(g.key, g.rec)
	}
	f.Fuzz(func(t *testing.T, key, rec []byte) {
		if len(rec) < record.HeaderSize {
			rec = make([]byte, record.HeaderSize)
		}
		rec[0] = 1
		day, dayBytes := ttpcron.Day(19000), record.DayKey(19000)
		sum := func(key ...[]byte) []byte { return record.End(rec, key...) }
		if c, err := record.ReadClaim(key, sum(key)); err == nil {
			same(t, rec, record.AppendClaim(nil, key, c))
		}
		record.ReadTag(day, key, sum(dayBytes, key), &record.Deriver{})
		record.ReadTally(sum(dayBytes, key), dayBytes, key)
		record.ReadAttacker(sum(dayBytes, key), dayBytes, key)
		record.ReadRun(key, sum(key))
		record.ReadReject(key, sum(key))
		record.ReadMark(key, sum(key))
		record.ReadState(key, sum(key))
		record.ReadCursor(key, sum(key))
		record.ReadTotal(key, sum(key))
		record.ReadKindTotal(key, sum(key))
		k := record.KindDay{Kind: "k", Day: day}
		record.ReadCoverage(k, sum([]byte("k"), dayBytes))
		record.ReadRuleSet(key, sum(key))
		record.ReadAudit(key, sum(key))
		record.ReadRetirement(key, sum(key))
		record.ReadDay(k, sum([]byte("k"), dayBytes))
		x := record.NamedIndex()
		x.ReadChunk(key, sum(x.Name, key))
		x.ReadRuns(sum(x.Name, x.ListKey()))
		record.ReadLook(key, sum(key))
		record.ReadPruned(key, sum(key))
		record.ReadAlias(sum(dayBytes, key), dayBytes, key)
		record.CheckMeta(key, sum(key))
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
	d := record.DayKey(day)
	k := record.KindDay{Kind: ttpcron.Command, Day: day}
	hash := record.HashKey(record.RollupAttacker, 0x0102030405060708)
	c := record.Claim{Kind: ttpcron.Command, Claim: ttpcron.Claim{RuleID: "R0014", RuleVersion: 2, Tactic: "TA0007", TechniqueID: "T1083", SubTechniqueID: "", Confidence: 0.85, AttackRelease: "enterprise-v18.1", MitreURL: "https://attack.mitre.org/techniques/T1083"}}
	tag := ttpcron.Tag{
		SourceID: "sha256:00112233445566778899aabbccddeeff", AttackerUUID: ttpcron.DeriveAttacker("192.0.2.7"), AttackerIP: "192.0.2.7",
		SessionID: "017bdc8940cc", DeckyID: "sensor-1", Evidence: json.RawMessage(`{"command_text":"ls"}`), CreatedAt: at.AddDate(0, 1, 0), EventTime: at,
	}
	tk := record.MakeTagKey(record.NanosOf(at, day), ttpcron.UUID{1, 2, 3})
	run := ttpcron.Run{ID: "20240607T065024", Started: at, Finished: at.Add(time.Second), Window: ttpcron.Window{Since: at}, RuleSet: "f00", Outcome: "done",
		Imported: ttpcron.ImportReport{File: "f", Format: "cowrie", Lines: 1, New: 2, Known: 3, Changed: 4, Ignored: 5, Rejected: 6},
		Sources:  []ttpcron.SourceReport{{Source: "command", Events: 1, Commands: 2, Tagged: 3, Tags: 4, Inserted: 5, Known: 6, Skipped: 7, Bounded: 8, Left: 9, DryRun: true, Elapsed: time.Minute}}}
	reject := ttpcron.Reject{File: "cowrie.json", Line: 7, Format: "cowrie", Reason: "no JSON", Excerpt: []byte("\x00{"), At: at}
	named := reject
	named.ID = ttpcron.NewRejectID("cowrie", []byte("\x00{"))
	rejected := run
	rejected.Imported.RejectedKnown = 7
	mark := ttpcron.FilePosition{Path: "/var/log/cowrie.json", Format: "cowrie", Head: [32]byte{1}, HeadLen: 4096, Tail: [32]byte{2}, TailLen: 64, Offset: 1 << 40, Line: 9, SeenAt: at}
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
	attacker := record.AttackerTally{Tally: record.Tally{Tags: 5, First: 100, Last: 2000}, UUID: ttpcron.DeriveAttacker("192.0.2.7"), IP: "192.0.2.7", Identity: "identity"}
	event := ttpcron.Event{Kind: ttpcron.Command, ID: "cmd_42", Time: at, AttackerIP: "192.0.2.7", SessionID: "017bdc8940cc", DeckyID: "sensor-1", Seq: 5,
		Payload: ttpcron.Payload{{Name: "command_text", Text: "uname -a"}, {Name: "uid", Raw: json.RawMessage("0")}}}
	other := event
	other.ID, other.Seq, other.Time = "cmd_43", 9, at.Add(3*time.Microsecond)
	events := []ttpcron.Event{event, other}
	encoder, err := block.NewEncoder()
	if err != nil {
		panic(err)
	}
	blocks, err := block.NewReader(1)
	if err != nil {
		panic(err)
	}
	key := func(s string) []byte { return []byte(s) }
	return []goldenRecord{
		{"block", record.BlockKey(day, 5), block.NewWriter(encoder).Append(nil, ttpcron.Command, day, events), events,
			func(rec []byte) (any, error) { return blocks.Read(ttpcron.Command, day, 5, rec) }},
		{"claim", record.ClaimNumber(1), record.AppendClaim(nil, record.ClaimNumber(1), c), c, func(rec []byte) (any, error) { return record.ReadClaim(record.ClaimNumber(1), rec) }},
		{"tag", tk[:], record.AppendTag(nil, d, &tk, 300, &tag, &record.Deriver{}), tag, func(rec []byte) (any, error) {
			got, id, err := record.ReadTag(day, tk[:], rec, &record.Deriver{})
			if id != 300 {
				return id, err
			}
			return got, err
		}},
		{"tally", record.ClaimKey(record.RollupClaim, 300), record.AppendTally(nil, attacker.Tally, d, record.ClaimKey(record.RollupClaim, 300)), attacker.Tally,
			func(rec []byte) (any, error) {
				return record.ReadTally(rec, d, record.ClaimKey(record.RollupClaim, 300))
			}},
		{"attacker", hash, record.AppendAttacker(nil, attacker, d, hash), attacker, func(rec []byte) (any, error) { return record.ReadAttacker(rec, d, hash) }},
		{"run", key(run.ID), record.AppendRun(nil, &run), run, func(rec []byte) (any, error) { return record.ReadRun(key(run.ID), rec) }},
		{"reject", record.NumberKey(3), withoutRejectID(record.NumberKey(3), record.AppendReject(nil, record.NumberKey(3), &reject)), reject, func(rec []byte) (any, error) { return record.ReadReject(record.NumberKey(3), rec) }},
		{"mark", record.NumberKey(4), record.AppendMark(nil, record.NumberKey(4), &mark), mark, func(rec []byte) (any, error) { return record.ReadMark(record.NumberKey(4), rec) }},
		{"state", key(state.RuleID), record.AppendState(nil, &state), state, func(rec []byte) (any, error) { return record.ReadState(key(state.RuleID), rec) }},
		{"cursor", key("command"), record.AppendCursor(nil, &cursor), cursor, func(rec []byte) (any, error) { return record.ReadCursor(key("command"), rec) }},
		{"coverage", d, record.AppendCoverage(nil, k, []ttpcron.Coverage{coverage}), []ttpcron.Coverage{coverage}, func(rec []byte) (any, error) { return record.ReadCoverage(k, rec) }},
		{"coverage-parts", d, record.AppendCoverage(nil, k, parts), parts, func(rec []byte) (any, error) { return record.ReadCoverage(k, rec) }},
		{"run-retagged", key(retag.ID), record.AppendRun(nil, &retag), retag, func(rec []byte) (any, error) { return record.ReadRun(key(retag.ID), rec) }},
		{"ruleset", key(set.Fingerprint), record.AppendRuleSet(nil, &set), set, func(rec []byte) (any, error) { return record.ReadRuleSet(key(set.Fingerprint), rec) }},
		{"retired", record.RetiredKey("R0014", 2), record.AppendRetirement(nil, record.RetiredKey("R0014", 2), &retired), retired,
			func(rec []byte) (any, error) { return record.ReadRetirement(record.RetiredKey("R0014", 2), rec) }},
		{"audit", record.NumberKey(5), record.AppendAudit(nil, record.NumberKey(5), &entry), entry, func(rec []byte) (any, error) { return record.ReadAudit(record.NumberKey(5), rec) }},
		{"reject-id", record.NumberKey(4), record.AppendReject(nil, record.NumberKey(4), &named), named, func(rec []byte) (any, error) { return record.ReadReject(record.NumberKey(4), rec) }},
		{"run-rejected", key(rejected.ID), record.AppendRun(nil, &rejected), rejected, func(rec []byte) (any, error) { return record.ReadRun(key(rejected.ID), rec) }},
		{"day", d, record.AppendDay(nil, k, history), history, func(rec []byte) (any, error) { return record.ReadDay(k, rec) }},
	}
}

// withoutRejectID makes a reject's record as it was up to schema 2.
func withoutRejectID(key, rec []byte) []byte {
	return record.End(rec[:len(rec)-len(ttpcron.RejectID{})], key)
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

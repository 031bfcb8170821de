package record_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

var update = flag.Bool("update", false, "write the golden file anew")

// comesBack writes a tag that was read, and reads it again.
func comesBack(t *testing.T, day ttpcron.Day, key []byte, tag ttpcron.Tag, claim uint32) {
	t.Helper()
	var d record.Deriver
	k := record.TagKey(key)
	ofGroup := findingClaim(&tag)
	completeTag(t, &tag, ofGroup, &d)
	again, id, err := record.ReadTag(day, key, record.AppendTag(nil, record.DayKey(day), &k, claim, &tag, &d), &d)
	completeTag(t, &again, ofGroup, &d)
	if err != nil || id != claim || !reflect.DeepEqual(again, tag) {
		t.Fatalf("%+v of claim %d comes back as %+v of claim %d, %v", tag, claim, again, id, err)
	}
}

// findingClaim returns a claim that goes with the tag of a finding.
func findingClaim(tag *ttpcron.Tag) *record.Claim {
	c := &record.Claim{Kind: ttpcron.Correlation, Vantage: tag.Vantage, Terms: *ttpcron.NewTerms("event_count", "gte 5", nil, nil, time.Second)}
	if f := tag.Finding; f != nil {
		for rest := string(f.Group[1:]); rest != ""; {
			_, rest, _ = ttpcron.CutPacked(rest)
			c.Terms.Group += "name\x00"
		}
	}
	return c
}

// completeTag completes the tag of a finding, unless it is one within a slot.
func completeTag(t *testing.T, tag *ttpcron.Tag, c *record.Claim, d *record.Deriver) {
	t.Helper()
	if tag.Finding != nil && tag.EventTime.Nanosecond() == 0 {
		if err := c.Complete(tag, nil, d); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzRecords feeds hostile bytes to every decoder of small records.
func FuzzRecords(f *testing.F) {
	for _, g := range goldenRecords() {
		f.Add(g.key(), g.rec)
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
		for rec[0] = 1; rec[0] <= 3; rec[0]++ {
			tag, claim, err := record.ReadTag(day, key, sum(dayBytes, key), &record.Deriver{})
			if err == nil && (tag.Finding == nil || tag.EventTime.Nanosecond() == 0) { // a slot begins with a second
				comesBack(t, day, key, tag, claim)
			}
		}
		rec[0] = 1
		record.ReadTally(sum(dayBytes, key), dayBytes, key)
		record.ReadAttacker(sum(dayBytes, key), dayBytes, key)
		record.ReadRun(key, sum(key))
		record.ReadReject(key, sum(key))
		record.ReadPosition(key, sum(key))
		record.ReadState(key, sum(key))
		record.ReadCursor(key, sum(key))
		if a, err := record.ReadArrived(key, sum(key)); err == nil {
			same(t, rec, record.AppendArrived(nil, a))
		}
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
		if s, err := record.ReadStream(key, sum(key)); err == nil {
			same(t, rec, record.AppendStream(nil, key, s))
		}
		if m, err := record.ReadMatchDay(day, sum(dayBytes, record.KeyMatchDay)); err == nil {
			same(t, rec, record.AppendMatchDay(nil, day, &m))
		}
		if s, err := record.ReadStreamDays(day, sum(dayBytes, record.KeyMatchStreams)); err == nil {
			same(t, rec, record.AppendStreamDays(nil, day, s))
		}
		new(record.Meta).Read(key, sum(key))
	})
}

// same reports a record that does not encode to itself, where the numbers in it
// are as short as they can be.
func same(t *testing.T, rec, again []byte) {
	if len(rec) == len(again) && !bytes.Equal(rec, again) {
		t.Errorf("record %x encodes to %x", rec, again)
	}
}

// goldenRecord is a record with its content.
type goldenRecord struct {
	name  string
	typ   string   // the name of its type
	sum   [][]byte // what the checksum covers beside the record
	rec   []byte
	value any
	read  func(rec []byte) (any, error)
}

// key returns the record's key.
func (g *goldenRecord) key() []byte { return g.sum[len(g.sum)-1] }

var (
	goldenTime = time.Date(2024, 6, 7, 6, 50, 24, 394254000, time.UTC)
	goldenDay  = ttpcron.DayOf(goldenTime)
	goldenAt   = record.KindDay{Kind: ttpcron.Command, Day: goldenDay}
)

func parts(p ...[]byte) [][]byte { return p }

func text(s string) []byte { return []byte(s) }

// asAny lets a decoder return a value of any type.
func asAny[T any](v T, err error) (any, error) { return v, err }

// goldenRecords is one record of each sort.
func goldenRecords() []goldenRecord {
	return slices.Concat(goldenEvents(), goldenTags(), goldenRuns(), goldenRules(), goldenCounts(), goldenIndex(), goldenMeta(), goldenMatches())
}

func goldenEvents() []goldenRecord {
	day, d := goldenDay, record.DayKey(goldenDay)
	event := ttpcron.Event{Kind: ttpcron.Command, ID: "cmd_42", Time: goldenTime, AttackerIP: "192.0.2.7", SessionID: "017bdc8940cc", DeckyID: "sensor-1", Seq: 5,
		Payload: ttpcron.Payload{{Name: "command_text", Text: "uname -a"}, {Name: "uid", Raw: json.RawMessage("0")}}}
	other := event
	other.ID, other.Seq, other.Time = "cmd_43", 9, goldenTime.Add(3*time.Microsecond)
	events := []ttpcron.Event{event, other}
	fromSeconds := slices.Clone(events)
	fromSeconds[1].Ordinal, fromSeconds[1].SessionOrigin, fromSeconds[1].SessionID = 258, ttpcron.OriginResolved, "44"
	fromSeconds[1].Connection = "HoneyPotTransport,44"
	encoder, err := block.NewEncoder()
	if err != nil {
		panic(err)
	}
	blocks, err := block.NewReader(1)
	if err != nil {
		panic(err)
	}
	coverage := ttpcron.Coverage{Kind: ttpcron.Command, Day: day, RuleSet: "f00", UpTo: 300, Events: 1, Tagged: 2, Tags: 3, Skipped: 4, Bounded: 5}
	second := coverage
	second.After, second.UpTo, second.Since, second.Uncounted = 300, 400, goldenTime, true
	one, two := []ttpcron.Coverage{coverage}, []ttpcron.Coverage{coverage, second}
	history := ttpcron.DayHistory{Kind: ttpcron.Command, Day: day, Events: 3, FirstSeq: 7, LastSeq: 900, Earliest: goldenTime, Latest: goldenTime.Add(time.Hour)}
	cursor := ttpcron.Cursor{Kind: ttpcron.Command, Seq: 1 << 33, UpdatedAt: goldenTime, RunID: "manual"}
	arrived := record.Arrived{Last: 1 << 33, At: goldenTime.Truncate(time.Second)}
	pruned := record.Pruned{Kind: ttpcron.Command, Before: day, Events: 7, Named: record.Fingerprint{N: 3, Sum: 1 << 60}, At: goldenTime, Forgotten: day - 9, Awaited: day - 5}
	ofDay := parts(text("command"), d)
	readCoverage := func(rec []byte) (any, error) { return asAny(record.ReadCoverage(goldenAt, rec)) }
	return []goldenRecord{
		{"block", "block of events", parts(text("command"), record.BlockKey(day, 5)), block.NewWriter(encoder).Append(nil, ttpcron.Command, day, events), events,
			func(rec []byte) (any, error) { return asAny(blocks.Read(ttpcron.Command, day, 5, rec)) }},
		{"block-ordinals", "block of events", parts(text("command"), record.BlockKey(day, 5)), block.NewWriter(encoder).Append(nil, ttpcron.Command, day, fromSeconds), fromSeconds,
			func(rec []byte) (any, error) { return asAny(blocks.Read(ttpcron.Command, day, 5, rec)) }},
		{"coverage", "coverage", ofDay, record.AppendCoverage(nil, goldenAt, one), one, readCoverage},
		{"coverage-parts", "coverage", ofDay, record.AppendCoverage(nil, goldenAt, two), two, readCoverage},
		{"day", "counts of a day", ofDay, record.AppendDay(nil, goldenAt, history), history,
			func(rec []byte) (any, error) { return asAny(record.ReadDay(goldenAt, rec)) }},
		{"cursor", "checkpoint", parts(text("command")), record.AppendCursor(nil, &cursor), cursor,
			func(rec []byte) (any, error) { return asAny(record.ReadCursor(text("command"), rec)) }},
		{"arrived", "time of arrival", parts(record.NumberKey(arrived.Last)), record.AppendArrived(nil, arrived), arrived,
			func(rec []byte) (any, error) { return asAny(record.ReadArrived(record.NumberKey(arrived.Last), rec)) }},
		{"pruned", "pruning", parts(text("command")), record.AppendPruned(nil, &pruned), pruned,
			func(rec []byte) (any, error) { return asAny(record.ReadPruned(text("command"), rec)) }},
	}
}

func goldenMatches() []goldenRecord {
	day, d := goldenDay, record.DayKey(goldenDay)
	number := record.ClaimNumber(3)
	stream := ttpcron.NewStream("TC1", ttpcron.AuthAttempt, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}, {Name: "user", From: "username", Optional: true}}, []string{"password"}, [16]byte{})
	box := record.Box{FirstSeq: 300, LastSeq: 900, FirstNanos: 5e9, LastNanos: 86399e9}
	of := record.MatchDay{Last: 700, Settled: 600, Matches: 40, Judged: "f00", Runs: []record.MatchRun{
		{ID: 3, Came: 41, Went: 2, First: 1, Last: 600, Box: box}, {ID: 300, Came: 1, First: 601, Last: 700, Box: record.Box{FirstSeq: 901, LastSeq: 901}},
	}}
	streams := []record.StreamDay{{Stream: 2, Matches: 40, Box: box}, {Stream: 300, Matches: 0, Box: box}}
	var secret record.Secret
	const first, second = "\x00t\x01a", "\x01t\x01b"
	entries := match.List{
		Groups: []match.Group{{Hash: secret.Group(first), Grouping: 1, To: 3, Text: first}, {Hash: secret.Group(second), Grouping: 1, From: 3, To: 4, Text: second}},
		Rows: []match.Row{
			{Nanos: 1e9, Seq: 70, Stream: 3, Values: 0}, {Nanos: 1e9, Seq: 70, Stream: 4, Values: match.NoValues},
			{Nanos: 2e9, Seq: 60, Stream: 3, Values: 0, Form: match.Replaced}, {Nanos: 1e9 + 1e6, Seq: 400, Stream: 3, Values: match.NoValues, Form: match.Went},
		},
		Values: []string{"t\x02pw"},
	}
	if entries.Groups[0].Compare(&entries.Groups[1]) > 0 {
		panic("groups are not in order")
	}
	var blockKey, blockRec []byte
	w := match.Writer{Day: day, Run: 3, Put: func(k, rec []byte) error { blockKey, blockRec = k, bytes.Clone(rec); return nil }}
	for i := range entries.Groups {
		g := &entries.Groups[i]
		for row := g.From; row < g.To; row++ {
			if err := w.Add(g, &entries.Rows[row], entries.Value(&entries.Rows[row])); err != nil {
				panic(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return []goldenRecord{
		{"stream", "stream", parts(number), record.AppendStream(nil, number, stream), stream,
			func(rec []byte) (any, error) { return asAny(record.ReadStream(number, rec)) }},
		{"matches-of-day", "base matches of a day", parts(d, record.KeyMatchDay), record.AppendMatchDay(nil, day, &of), of,
			func(rec []byte) (any, error) { return asAny(record.ReadMatchDay(day, rec)) }},
		{"streams-of-day", "streams of a day", parts(d, record.KeyMatchStreams), record.AppendStreamDays(nil, day, streams), streams,
			func(rec []byte) (any, error) { return asAny(record.ReadStreamDays(day, rec)) }},
		{"match-block", "block of base matches", parts(d, blockKey), blockRec, entries,
			func(rec []byte) (any, error) {
				var b match.Block
				err := b.Read(&secret, day, blockKey, rec)
				return b.List, err
			}},
	}
}

func goldenTags() []goldenRecord {
	day, d := goldenDay, record.DayKey(goldenDay)
	c := record.Claim{Kind: ttpcron.Command, Claim: ttpcron.Claim{RuleID: "R0014", RuleVersion: 2, Tactic: "TA0007", TechniqueID: "T1083", SubTechniqueID: "", Confidence: 0.85, AttackRelease: "enterprise-v18.1", MitreURL: "https://attack.mitre.org/techniques/T1083", Level: ttpcron.LevelHigh}, Shows: "command_text\x00uid\x00", Field: "user"}
	tag := ttpcron.Tag{
		SourceID: "sha256:00112233445566778899aabbccddeeff", AttackerUUID: ttpcron.DeriveAttacker("192.0.2.7"), AttackerIP: "192.0.2.7",
		SessionID: "017bdc8940cc", DeckyID: "sensor-1", Evidence: json.RawMessage(`{"command_text":"ls"}`), CreatedAt: goldenTime.AddDate(0, 1, 0), EventTime: goldenTime,
	}
	tk := record.MakeTagKey(ttpcron.Command, record.NanosOf(goldenTime, day), ttpcron.UUID{1, 2, 3})
	readTag := func(rec []byte) (any, error) {
		got, id, err := record.ReadTag(day, tk[:], rec, &record.Deriver{})
		if id != 300 {
			return id, err
		}
		return got, err
	}
	referring := func(name string, m ttpcron.Match) goldenRecord {
		t := ttpcron.Tag{Seq: 1 << 33, Match: m, CreatedAt: goldenTime.AddDate(0, 1, 0).Truncate(time.Second), EventTime: goldenTime}
		return goldenRecord{name, "tag", parts(d, tk[:]), record.AppendTag(nil, d, &tk, 300, &t, nil), t, readTag}
	}
	finding := func(name string, event time.Time, v ttpcron.Vantage, values ...ttpcron.PackedValue) goldenRecord {
		packed := []byte{byte(v)}
		for i := range values {
			packed = values[i].Append(packed)
		}
		names := []string{"attacker_ip", "attacker_uuid", "decky_id", "hash", "session_id"}[:len(values)]
		claim := &record.Claim{Kind: ttpcron.Correlation, Vantage: v, Terms: *ttpcron.NewTerms("event_count", "gte 5", nil, names, time.Hour)}
		t := ttpcron.NewSubject(ttpcron.Group(packed), names).Tag(&claim.Terms, ttpcron.Slot(event, time.Hour))
		t.CreatedAt = goldenTime.AddDate(0, 1, 0).Truncate(time.Second)
		day := ttpcron.DayOf(t.EventTime)
		d, k := record.DayKey(day), record.MakeTagKey(t.SourceKind, record.NanosOf(t.EventTime, day), ttpcron.UUID{1, 2, 3})
		return goldenRecord{name, "tag", parts(d, k[:]), record.AppendTag(nil, d, &k, 300, &t, &record.Deriver{}), t, func(rec []byte) (any, error) {
			var deriver record.Deriver
			got, _, err := record.ReadTag(day, k[:], rec, &deriver)
			if err == nil {
				err = claim.Complete(&got, nil, &deriver)
			}
			return got, err
		}}
	}
	findings := c
	findings.Kind, findings.Shows, findings.Field, findings.Terms = ttpcron.Correlation, "", "", *ttpcron.NewTerms("value_count", "gte 10", []string{"password", "username"}, []string{"attacker_ip", "decky_id"}, 10*time.Minute)
	number, ofClaim := record.ClaimNumber(1), record.ClaimKey(record.RollupClaim, 300)
	ofAttacker, ofAlias := record.HashKey(record.RollupAttacker, 0x0102030405060708), record.HashKey(record.RollupAlias, 9)
	attacker := record.AttackerTally{Tally: record.Tally{Tags: 5, First: 100, Last: 2000}, UUID: ttpcron.DeriveAttacker("192.0.2.7"), IP: "192.0.2.7", Identity: "identity"}
	attacker.Shown = attacker.Tally
	some, none, ofHost := attacker, attacker, c
	some.Shown, none.Shown = record.Tally{Tags: 2, First: 300, Last: 1000}, record.Tally{}
	ofHost.Vantage, ofHost.Level = ttpcron.VantageHost, ttpcron.LevelInformational
	return []goldenRecord{
		{"claim", "claim", parts(number), record.AppendClaim(nil, number, c), c,
			func(rec []byte) (any, error) { return asAny(record.ReadClaim(number, rec)) }},
		{"claim-host", "claim", parts(number), record.AppendClaim(nil, number, ofHost), ofHost,
			func(rec []byte) (any, error) { return asAny(record.ReadClaim(number, rec)) }},
		{"claim-finding", "claim", parts(number), record.AppendClaim(nil, number, findings), findings,
			func(rec []byte) (any, error) { return asAny(record.ReadClaim(number, rec)) }},
		finding("tag-finding", goldenTime, ttpcron.VantageHoneypot, ttpcron.PackedValue{Text: "192.0.2.7"}, ttpcron.PackedValue{Text: ttpcron.DeriveAttacker("192.0.2.7")},
			ttpcron.PackedValue{Text: "sensor-1"}, ttpcron.PackedValue{Hash: strings.Repeat("\x01", 32)}, ttpcron.PackedValue{Text: "017bdc8940cc"}),
		finding("tag-finding-host", goldenTime, ttpcron.VantageHost, ttpcron.PackedValue{Null: true}, ttpcron.PackedValue{Text: "0190aaaa-0000-5000-8000-000000000001"}, ttpcron.PackedValue{Text: ""}),
		finding("tag-finding-all", goldenTime, ttpcron.VantageHoneypot),
		{"tag", "tag", parts(d, tk[:]), record.AppendTag(nil, d, &tk, 300, &tag, &record.Deriver{}), tag, readTag},
		referring("tag-bare", ttpcron.Match{}),
		referring("tag-span", ttpcron.Match{Start: 3, End: 300}),
		referring("tag-literal", ttpcron.Match{Literal: "decoded"}),
		referring("tag-evidence", ttpcron.Match{Evidence: json.RawMessage(`{"metric":"m"}`)}),
		{"tally", "count of a claim", parts(d, ofClaim), record.AppendTally(nil, attacker.Tally, d, ofClaim), attacker.Tally,
			func(rec []byte) (any, error) { return asAny(record.ReadTally(rec, d, ofClaim)) }},
		{"attacker", "count of an attacker", parts(d, ofAttacker), record.AppendAttacker(nil, attacker, d, ofAttacker), attacker,
			func(rec []byte) (any, error) { return asAny(record.ReadAttacker(rec, d, ofAttacker)) }},
		{"attacker-some", "count of an attacker", parts(d, ofAttacker), record.AppendAttacker(nil, some, d, ofAttacker), some,
			func(rec []byte) (any, error) { return asAny(record.ReadAttacker(rec, d, ofAttacker)) }},
		{"attacker-none", "count of an attacker", parts(d, ofAttacker), record.AppendAttacker(nil, none, d, ofAttacker), none,
			func(rec []byte) (any, error) { return asAny(record.ReadAttacker(rec, d, ofAttacker)) }},
		{"alias", "name in a day", parts(d, ofAlias), record.AppendAlias(nil, record.Span{First: 300, Last: 86399}, d, ofAlias), record.Span{First: 300, Last: 86399},
			func(rec []byte) (any, error) { return asAny(record.ReadAlias(rec, d, ofAlias)) }},
	}
}

func goldenRuns() []goldenRecord {
	run := ttpcron.Run{ID: "20240607T065024", Started: goldenTime, Finished: goldenTime.Add(time.Second), Window: ttpcron.Window{Since: goldenTime}, RuleSet: "f00", Outcome: "done",
		Imported: ttpcron.ImportReport{File: "f", Format: "cowrie", Lines: 1, New: 2, Known: 3, Changed: 4, Ignored: 5, Rejected: 6},
		Sources:  []ttpcron.SourceReport{{Source: "command", Events: 1, Commands: 2, Tagged: 3, Tags: 4, Inserted: 5, Known: 6, Skipped: 7, Bounded: 8, DryRun: true, Elapsed: time.Minute}}}
	rejected, retag, changed, waiting, leftOut, correlated := run, run, run, run, run, run
	correlated.Correlation = ttpcron.CorrelationReport{Rules: 1, Days: 2, Matches: 300, Groups: 4, Bounded: 5, LeftOut: 300, Tags: 6, Inserted: 7, Known: 8, Replaced: 9, Removed: 10, Waiting: 11, NotForetold: true, Elapsed: time.Second}
	leftOut.Imported.LeftOut, leftOut.Unclaimed = 300, []ttpcron.SourceKind{ttpcron.SessionFact, ttpcron.Scan}
	waiting.Imported.Waiting = 1 << 40
	rejected.Imported.RejectedKnown = 7
	changed.Sources = []ttpcron.SourceReport{{Source: "command", RetagInserted: 12, Removed: 13, Replaced: 14}, {Source: "canary", Replaced: 1}}
	names := run
	names.Imported.NewKinds, names.Imported.IgnoredTypes = ttpcron.NameCounts{"command": 2}, ttpcron.NameCounts{"cowrie.client.kex": 4, ttpcron.OtherNames: 1}
	retag.Sources = []ttpcron.SourceReport{{Source: "command", Retagged: 10, RetagTags: 11, RetagInserted: 12}, {Source: "canary", DryRun: true}}
	reject := ttpcron.Reject{File: "cowrie.json", Line: 7, Format: "cowrie", Reason: "no JSON", Excerpt: []byte("\x00{"), At: goldenTime}
	named := reject
	named.ID = ttpcron.NewRejectID("cowrie", []byte("\x00{"))
	position := ttpcron.FilePosition{Path: "/var/log/cowrie.json", Format: "cowrie", Head: [32]byte{1}, HeadLen: 4096, Tail: [32]byte{2}, TailLen: 64, Offset: 1 << 40, Line: 9, SeenAt: goldenTime}
	look := ttpcron.FileLook{Path: "/var/log/cowrie.json", How: "v1", Size: 1 << 33, Modified: goldenTime, Changed: goldenTime.Add(1), Inode: 77, Head: [32]byte{1}, Tail: [32]byte{2}, Format: "cowrie",
		Outcome: ttpcron.LookGivenUp, Reason: "why", PositionFormat: "cowrie/1", PositionHead: ttpcron.FileHead{Length: 4096, Sum: [32]byte{3}}, SeenAt: goldenTime.Add(2)}
	readRun := func(rec []byte) (any, error) { return asAny(record.ReadRun(text(run.ID), rec)) }
	n := record.NumberKey
	return []goldenRecord{
		{"run", "run", parts(text(run.ID)), record.AppendRun(nil, &run), run, readRun},
		{"run-retagged", "run", parts(text(run.ID)), record.AppendRun(nil, &retag), retag, readRun},
		{"run-changed", "run", parts(text(run.ID)), record.AppendRun(nil, &changed), changed, readRun},
		{"run-names", "run", parts(text(run.ID)), record.AppendRun(nil, &names), names, readRun},
		{"run-rejected", "run", parts(text(run.ID)), record.AppendRun(nil, &rejected), rejected, readRun},
		{"run-waiting", "run", parts(text(run.ID)), record.AppendRun(nil, &waiting), waiting, readRun},
		{"run-left-out", "run", parts(text(run.ID)), record.AppendRun(nil, &leftOut), leftOut, readRun},
		{"run-correlated", "run", parts(text(run.ID)), record.AppendRun(nil, &correlated), correlated, readRun},
		{"reject", "reject", parts(n(3)), withoutRejectID(n(3), record.AppendReject(nil, n(3), &reject)), reject,
			func(rec []byte) (any, error) { return asAny(record.ReadReject(n(3), rec)) }},
		{"reject-id", "reject", parts(n(4)), record.AppendReject(nil, n(4), &named), named,
			func(rec []byte) (any, error) { return asAny(record.ReadReject(n(4), rec)) }},
		{"mark", "read position", parts(n(4)), record.AppendPosition(nil, n(4), &position), position,
			func(rec []byte) (any, error) { return asAny(record.ReadPosition(n(4), rec)) }},
		{"look", "look of a file", parts(n(6)), record.AppendLook(nil, n(6), &look), look,
			func(rec []byte) (any, error) { return asAny(record.ReadLook(n(6), rec)) }},
	}
}

func goldenRules() []goldenRecord {
	state := ttpcron.RuleState{RuleID: "R0014", Status: ttpcron.StatusClipped, ConfidenceMax: 0.5, ExpiresAt: goldenTime, Reason: "noisy", SetBy: "root", SetAt: goldenTime}
	set := ttpcron.RuleSet{Fingerprint: "f00", Rules: []ttpcron.RuleDef{{ID: "R0014", Version: 2, Digest: [16]byte{1, 2}}, {ID: "TC0001", Version: 1, Digest: [16]byte{3}}}}
	retired := ttpcron.Retirement{RuleID: "R0014", Version: 2, Reason: "noisy", SetBy: "root", SetAt: goldenTime}
	entry := ttpcron.AuditEntry{Number: 5, At: goldenTime, By: "root", Action: ttpcron.AuditStateSet, RuleID: "R0014", Version: ttpcron.AllVersions, Before: "enabled", After: "disabled", Reason: "noisy"}
	retiredKey, five := record.RetiredKey("R0014", 2), record.NumberKey(5)
	return []goldenRecord{
		{"state", "state of a rule", parts(text(state.RuleID)), record.AppendState(nil, &state), state,
			func(rec []byte) (any, error) { return asAny(record.ReadState(text(state.RuleID), rec)) }},
		{"ruleset", "rule set", parts(text(set.Fingerprint)), record.AppendRuleSet(nil, &set), set,
			func(rec []byte) (any, error) { return asAny(record.ReadRuleSet(text(set.Fingerprint), rec)) }},
		{"retired", "retirement", parts(retiredKey), record.AppendRetirement(nil, retiredKey, &retired), retired,
			func(rec []byte) (any, error) { return asAny(record.ReadRetirement(retiredKey, rec)) }},
		{"audit", "audit entry", parts(five), record.AppendAudit(nil, five, &entry), entry,
			func(rec []byte) (any, error) { return asAny(record.ReadAudit(five, rec)) }},
	}
}

func goldenCounts() []goldenRecord {
	total := record.TagTotal{Tags: 300, First: goldenTime, Last: goldenTime.Add(time.Hour)}
	kind := record.KindTotal{Events: 70_000, Days: 3, Earliest: goldenTime, Latest: goldenTime.Add(time.Hour)}
	ofClaim, ofKind := record.ClaimKey(record.RollupClaim, 300), record.KindTotalKey(ttpcron.Command)
	return []goldenRecord{
		{"total", "total of a claim", parts(ofClaim), record.AppendTotal(nil, ofClaim, total), total,
			func(rec []byte) (any, error) { return asAny(record.ReadTotal(ofClaim, rec)) }},
		{"kind-total", "total of a kind", parts(ofKind), record.AppendKindTotal(nil, ofKind, kind), kind,
			func(rec []byte) (any, error) { return asAny(record.ReadKindTotal(ofKind, rec)) }},
		{"tag-days", "number of days", parts(record.KeyTagDays), record.AppendTagDays(nil, 300), 300,
			func(rec []byte) (any, error) { return asAny(record.ReadTagDays(rec)) }},
	}
}

func goldenIndex() []goldenRecord {
	x := record.NamedIndex()
	runs := []record.IndexRun{{ID: 1, Count: 300}, {ID: 2, Count: 5}}
	entries := x.AppendEntry(x.AppendEntry(nil, 7, record.IndexValue{1, 2}), 1<<60, record.IndexValue{3, 4})
	chunk := x.ChunkKey(2, 1<<60)
	return []goldenRecord{
		{"index-runs", "list of an index", parts(x.Name, x.ListKey()), x.AppendRuns(nil, runs), runs,
			func(rec []byte) (any, error) { return asAny(x.ReadRuns(rec)) }},
		{"index-chunk", "chunk of an index", parts(x.Name, chunk), x.AppendChunk(nil, chunk, entries), entries,
			func(rec []byte) (any, error) { return asAny(x.ReadChunk(chunk, rec)) }},
	}
}

func goldenMeta() []goldenRecord {
	secret := record.Secret{1, 2, 3}
	jobs := map[string]time.Time{"backfill": goldenTime, "maintain": goldenTime.Add(1)}
	clock := record.Clock{Days: []ttpcron.Day{goldenDay, goldenDay + 1}, Last: goldenTime, Held: record.Held{
		Why: record.HeldShare, Since: goldenTime, EventsBefore: goldenDay, TagsBefore: goldenDay - 1, Events: 1, Tags: 2, OfEvents: 3, OfTags: 4}}
	return []goldenRecord{
		{"schema", "schema", parts(record.KeySchema), record.AppendSchema(nil, 4), 4,
			func(rec []byte) (any, error) { return asAny(record.ReadSchema(rec)) }},
		{"secret", "secret", parts(record.KeySecret), record.AppendSecret(nil, &secret), secret,
			func(rec []byte) (any, error) { return asAny(record.ReadSecret(rec)) }},
		{"arrival", "arrival number", parts(record.KeyArrival), record.AppendArrival(nil, 1<<33), uint64(1 << 33),
			func(rec []byte) (any, error) { return asAny(record.ReadArrival(rec)) }},
		{"dropped", "rejects dropped", parts(record.KeyDropped), record.AppendDropped(nil, 300), uint64(300),
			func(rec []byte) (any, error) { return asAny(record.ReadDropped(rec)) }},
		{"upgrade", "upgrade", parts(record.KeyUpgrade), record.AppendUpgrade(nil, 19875), ttpcron.Day(19875),
			func(rec []byte) (any, error) { return asAny(record.ReadUpgrade(rec)) }},
		{"jobs", "times of jobs", parts(record.KeyJobs), record.AppendJobTimes(nil, jobs), jobs,
			func(rec []byte) (any, error) { return asAny(record.ReadJobTimes(rec)) }},
		{"clock", "clock", parts(record.KeyClock), record.AppendClock(nil, &clock), clock,
			func(rec []byte) (any, error) { return asAny(record.ReadClock(rec)) }},
	}
}

// withoutRejectID turns a reject's record into that of schema 2.
func withoutRejectID(key, rec []byte) []byte {
	return record.End(rec[:len(rec)-len(ttpcron.RejectID{})], key)
}

const goldenFile = "testdata/records.golden"

// TestOldRecords reads the records of types that have a higher version by now.
func TestOldRecords(t *testing.T) {
	old := map[string]any{}
	for _, g := range goldenRecords() {
		switch v := g.value.(type) {
		case record.Claim:
			v.Shows, v.Field, v.Level = "", "", 0
			old[g.name] = v
		case ttpcron.Tag:
			if v.Seq == 0 {
				old[g.name] = v
			}
		case []ttpcron.Event, ttpcron.RuleSet, ttpcron.Run:
			old[g.name] = v
		case record.AttackerTally:
			old[g.name] = v
		case record.Pruned:
			v.Forgotten, v.Awaited = 0, 0
			old[g.name] = v
		case record.Span:
			old[g.name] = record.WholeDay()
		}
	}
	readers := map[string]func([]byte) (any, error){}
	for _, g := range goldenRecords() {
		readers[g.name] = g.read
	}
	for version, wantRecords := range map[byte]int{1: 10, 2: 4, 3: 5, 4: 6, 5: 7} {
		file, err := os.ReadFile(fmt.Sprintf("testdata/records-v%d.golden", version))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(file)) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			want, ok := old[name]
			if !ok {
				continue
			}
			rec, err := hex.DecodeString(text)
			if err != nil || rec[0] != version {
				t.Fatal(name, text, err)
			}
			if got, err := readers[name](rec); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("version %d of %s: read %+v, %v, want %+v", version, name, got, err, want)
			}
			n++
		}
		if n != wantRecords {
			t.Errorf("%d records of version %d were read", n, version)
		}
	}
}

// TestBlockWithoutOrdinals: up to version 2 no event had an ordinal, and every session
// was recorded.
func TestBlockWithoutOrdinals(t *testing.T) {
	const version2 = "0293b5d44b02b0c001000e0146636d645f343246636d645f3433480001000004c00002070016017bdc8940cc4873656e736f722d310102000c636f6d6d616e645f746578740103756964010008756e616d65202d61013003019cc0d3bbb7010600000000"
	rec, err := hex.DecodeString(version2)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldenEvents() {
		if g.name != "block" {
			continue
		}
		if got, err := g.read(rec); err != nil || !reflect.DeepEqual(got, g.value) {
			t.Errorf("read %+v, %v, want %+v", got, err, g.value)
		}
	}
}

// TestShorterClaims: up to version 2 a claim was one of honeypots, and up to version 3 it
// had no terms.
func TestShorterClaims(t *testing.T) {
	for _, g := range goldenRecords() {
		if g.name != "claim" {
			continue
		}
		for version, less := range map[byte]int{2: 6, 3: 5} {
			rec := slices.Clone(g.rec[:len(g.rec)-less])
			rec[0] = version
			record.End(rec, g.sum...)
			if got, err := g.read(rec); err != nil || !reflect.DeepEqual(got, g.value) {
				t.Errorf("version %d: read %+v, %v, want %+v", version, got, err, g.value)
			}
		}
	}
}

// TestGoldenRecords reads the records in testdata, which earlier versions wrote, and
// checks that records are still written the same way. Blocks need only be readable: the
// compressor may find shorter forms.
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
	file, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]string{}
	for line := range strings.Lines(string(file)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		golden[name] = text
	}
	if len(golden) != len(records) {
		t.Fatalf("%d golden records, want %d", len(golden), len(records))
	}
	for _, g := range records {
		rec, err := hex.DecodeString(golden[g.name])
		if err != nil || len(rec) == 0 {
			t.Fatalf("%s: %q is no golden record; %v", g.name, golden[g.name], err)
		}
		got, err := g.read(rec)
		if err != nil || !reflect.DeepEqual(got, g.value) {
			t.Errorf("%s: read %+v, %v, want %+v", g.name, got, err, g.value)
		}
		if g.typ != record.TypeBlock.Name && !bytes.Equal(rec, g.rec) {
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

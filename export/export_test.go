package export

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// hostile are texts that attackers might write.
var hostile = []string{
	"uname -a", "=cmd|'/C calc'!A0", "\x1b]0;owned\x07\x1b[2J", "\u202egpj.exe", `"quoted", and 'so'`, "line\nfeed\r\nand\ttab",
	"</script><script>alert(1)</script>", "\x00\xff\xfe", "{{7*7}}${jndi:ldap://203.0.113.9/a}", "|pipe\\back", "'; DROP TABLE ttp_tag; --", strings.Repeat("A", 5000), "\u2028\u2029", "",
	"a\u061c\u200b\u200e\u200f\u2066b\u2069\ufeff \u0085\u009b31m \x7f c\u0301 \u3164\U000e0041",
}

// claims with one tactic, with several, of a sub-technique, and of a technique that the
// previous release does not have.
var sampleClaims = []struct{ tactic, technique, sub string }{
	{"TA0007", "T1082", ""}, {"TA0001", "T1078", "T1078.001"}, {"TA0003", "T1098", "T1098.004"}, {"TA0011", "T1105", ""}, {"TA0006", "T1110", "T1110.001"},
}

// sampleTag makes the i-th of a series of tags that go back in time, two hours each.
func sampleTag(i int) Tag {
	c, text := sampleClaims[i%len(sampleClaims)], hostile[i%len(hostile)]
	evidence, _ := json.Marshal(map[string]string{"command_text": text})
	at := time.Date(2026, 5, 20, 23, 30, 0, 123456000, time.UTC).Add(-time.Duration(i) * 2 * time.Hour)
	t := ttpcron.Tag{
		Claim: ttpcron.Claim{RuleID: fmt.Sprint("R", i%7), RuleVersion: 1 + i%2, Tactic: c.tactic, TechniqueID: c.technique, SubTechniqueID: c.sub, Confidence: 0.5 + float64(i%5)/10,
			Level: ttpcron.Level(i % 6), AttackRelease: attack.Release, MitreURL: attack.URL(c.technique)},
		SourceKind: ttpcron.Command, SourceID: fmt.Sprint("event-", i), AttackerIP: fmt.Sprintf("203.0.113.%d", i%9), SessionID: text[:min(len(text), 20)] + fmt.Sprint(i%11), DeckyID: fmt.Sprint("sensor-", i%3),
		Seq: uint64(i + 1), Evidence: evidence, Text: text, CreatedAt: time.Date(2026, 5, 21, 0, 0, 0, 0, time.UTC), EventTime: at,
	}
	switch i % 6 {
	case 3:
		t.AttackerIP = "2001:db8::7"
	case 4:
		t.AttackerIP, t.IdentityUUID = "", ttpcron.SessionIdentity(t.DeckyID, t.SessionID)
	case 5:
		t.SourceKind, t.Seq, t.Vantage = ttpcron.Correlation, 0, ttpcron.VantageHost
	}
	if t.AttackerIP != "" {
		t.AttackerUUID = ttpcron.DeriveAttacker(t.AttackerIP)
	}
	return Tag{Tag: t, Shown: attack.Current().Shown(&t.Claim), UUID: t.UUID().String(), Checked: true}
}

// sampleTags are n tags, the newest first.
func sampleTags(n int) []Tag {
	tags := make([]Tag, n)
	for i := range tags {
		tags[i] = sampleTag(i)
	}
	return tags
}

// everyKind has a tag of each kind of event, with all that evidence of the kind may hold,
// before sample tags.
func everyKind() []Tag {
	tags := sampleTags(2 * len(hostile))
	for i, kind := range append(ttpcron.Kinds(), "intel") {
		t := sampleTag(len(tags))
		t.SourceKind, t.SourceID, t.EventTime = kind, fmt.Sprint(kind, "-", i), tags[len(tags)-1].EventTime
		t.Evidence = json.RawMessage(`{"command_text":"id","username":"root","user":"root","url":"http://192.0.2.1/\udcff","sha256":"` + strings.Repeat("0a", 32) +
			`","destination":"192.0.2.25:25","dst_ip":"192.0.2.25","dst_port":25,"method":"GET","raw_url":"/x?y","user_agent":"\ud83dcurl","service":"SSH","request_path":"/t/1","dns_qname":"k.canary.example","matched":null,"group":{"session_id":null}}`)
		t.UUID = t.Tag.UUID().String()
		tags = append(tags, t)
	}
	t := sampleTag(len(tags))
	t.AttackerIP, t.Evidence, t.DeckyID, t.SessionID, t.Text = "not an address", nil, "", "", ""
	return append(tags, t)
}

// exportTo makes a format write tags, with the given flags. It returns the stream, or the
// path of the output.
func exportTo(t testing.TB, f Format, tags []Tag, flags ...string) (stream []byte, path string) {
	t.Helper()
	return exportQuery(t, f, tags, ttpcron.TagQuery{}, flags...)
}

// exportQuery is exportTo for the tags that a query selects.
func exportQuery(t testing.TB, f Format, tags []Tag, q ttpcron.TagQuery, flags ...string) (stream []byte, path string) {
	t.Helper()
	fs := flag.NewFlagSet(f.Name, flag.ContinueOnError)
	write := f.New(fs)
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	j := jobOf(t, tags)
	j.Query = q
	if err := write(t.Context(), j); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return j.Out.(*bytes.Buffer).Bytes(), j.Path
}

// jobOf is a job of tags.
func jobOf(t testing.TB, tags []Tag) *Job {
	return &Job{
		Out: new(bytes.Buffer), Path: filepath.Join(t.TempDir(), "export"), Table: attack.Current(), Version: "1.2.3",
		Tags: func(_ context.Context, q ttpcron.TagQuery) iter.Seq2[*Tag, error] {
			return func(yield func(*Tag, error) bool) {
				for i := range tags {
					if tag := tags[i]; q.Match(&tag.Tag) && !yield(&tag, nil) {
						return
					}
				}
			}
		},
		Scratch: func() (string, error) { return t.TempDir(), nil },
		Window: func(since, until string) (w ttpcron.Window, err error) {
			if w.Since, err = time.Parse(time.DateOnly, since); err == nil {
				w.Until, err = time.Parse(time.DateOnly, until)
			}
			return w, err
		},
		Note: func(format string, args ...any) { t.Logf(format, args...) },
	}
}

// content is all that a format wrote, of files under their names.
func content(t testing.TB, f Format, stream []byte, path string) string {
	t.Helper()
	if f.To == Stream {
		return string(stream)
	}
	var all strings.Builder
	err := filepath.WalkDir(path, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s: %d bytes\n%s\n", d.Name(), len(b), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestFormats checks every format: equal tags give equal bytes, another tag gives other
// bytes, no tags give a valid output, and invalid UTF-8 and control characters are never
// written literally.
func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Short == "" || strings.HasSuffix(f.Short, ".") {
				t.Errorf("help is %q", f.Short)
			}
			tags := sampleTags(200)
			first, path := exportTo(t, f, tags)
			one := content(t, f, first, path)
			second, path := exportTo(t, f, tags)
			if two := content(t, f, second, path); one != two {
				t.Error("the same tags give other bytes")
			}
			fewer, path := exportTo(t, f, tags[1:])
			if other := content(t, f, fewer, path); one == other {
				t.Error("a tag less gives the same bytes")
			}
			none, path := exportTo(t, f, nil)
			content(t, f, none, path)
			if f.To == Stream {
				for _, c := range []string{"\x1b", "\x00", "\xff", "\x07", "\x7f", "\u0085", "\u009b", "\u061c", "\u200b", "\u200e", "\u200f", "\u202e", "\u2028", "\u2066", "\u2069", "\ufeff", "\u3164", "\U000e0041"} {
					if strings.Contains(one, c) {
						t.Errorf("%q comes out as it is", c)
					}
				}
			}
		})
	}
}

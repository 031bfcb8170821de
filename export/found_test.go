package export

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/export/exporttest"
)

// TestTagsOfFormats: every tag is there, once, under its UUID, and no other.
func TestTagsOfFormats(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			read, known := exporttest.Readers[f.Name]
			if known && read == nil {
				t.Skip("it has no tags")
			}
			if read == nil {
				t.Fatalf("exporttest.Readers has no entry for %s: nothing reads what it writes", f.Name)
			}
			for _, n := range []int{0, 1, 2 * len(hostile), 3000} {
				tags := sampleTags(n)
				if f.Name == "decnet" {
					tags = withAttackers(tags) // those of identities alone are left out, see TestDECNETLeavesOutAndSays
				}
				stream, path := exportTo(t, f, tags)
				got, want := map[string]int{}, map[string]int{}
				for _, uuid := range read(t, stream, path) {
					got[uuid]++
				}
				for i := range tags {
					want[tags[i].UUID]++
				}
				if !maps.Equal(got, want) {
					t.Errorf("of %d tags are there %d", len(want), len(got))
				}
			}
		})
	}
}

// TestHostileTexts: each text of an attacker is one value in the JSON, in its place,
// whatever its content.
func TestHostileTexts(t *testing.T) {
	for name, path := range map[string][]string{"jsonl": {"text"}, "ecs": {"process", "command_line"}, "ocsf": {"unmapped", "text"}, "timesketch": {"text"}} {
		f := Formats()[slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })]
		tags := sampleTags(6 * len(hostile))
		flags := []string{}
		if name == "ecs" {
			flags = append(flags, "--no-actions")
		}
		stream, _ := exportTo(t, f, tags, flags...)
		for i, object := range exporttest.Lines(t, stream) {
			want := unicodeText(tags[i].Text)
			if name == "jsonl" {
				want = strings.ToValidUTF8(tags[i].Text, "\ufffd\ufffd") // by encoding/json, one for each byte
			}
			if name == "ecs" && tags[i].SourceKind != "command" {
				continue
			}
			for _, member := range path[:len(path)-1] {
				object, _ = object[member].(map[string]any)
			}
			if got, _ := object[path[len(path)-1]].(string); got != want {
				t.Errorf("%s: %q came out as %q", name, tags[i].Text, got)
			}
		}
	}
}

func TestUnicodeJSON(t *testing.T) {
	for in, want := range map[string]string{
		`"plain \n \\ \" \/"`:       `"plain \n \\ \" \/"`,
		`"\udcff"`:                  `"\\xff"`,
		`"\\udcff"`:                 `"\\udcff"`,
		`"\ud83d\ude00"`:            `"\ud83d\ude00"`,
		`"\ud83d"`:                  `"\ufffd"`,
		`"\ud83dx\udc00\u00e9"`:     `"\ufffdx\ufffd\u00e9"`,
		"\"\u00e9\U0001f600\"":      `"\u00e9\ud83d\ude00"`,
		"\"\xff\xc3\"":              `"\\xff\\xc3"`,
		`"\uzzzz`:                   `"\uzzzz`,
		`"\ud83`:                    `"\ud83`,
		`"\`:                        `"\`,
		`{"a":[1,null,"\u0000"]}`:   `{"a":[1,null,"\u0000"]}`,
		`"\ud83d\ud83d\ude00\\u"`:   `"\ufffd\ud83d\ude00\\u"`,
		"\"\u2028\u202e\"":          `"\u2028\u202e"`,
		`"\u000a\udc80\udcff\udc7f`: `"\u000a\\x80\\xff\ufffd`,
	} {
		if got := string(unicodeJSON(nil, []byte(in))); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

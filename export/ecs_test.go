package export

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/export/exporttest"
)

// document is one line of _bulk with its action.
type document struct {
	action, index, id string
	source            map[string]any
}

func bulk(t testing.TB, stream []byte) (all []document) {
	t.Helper()
	objects := exporttest.Lines(t, stream)
	if len(objects)%2 != 0 {
		t.Fatalf("%d lines: an action without a document", len(objects))
	}
	for i := 0; i < len(objects); i += 2 {
		if len(objects[i]) != 1 {
			t.Fatalf("action %v", objects[i])
		}
		for action, of := range objects[i] {
			meta := of.(map[string]any)
			all = append(all, document{action, meta["_index"].(string), meta["_id"].(string), objects[i+1]})
		}
	}
	return all
}

// index is what of Elasticsearch matters for loading twice: documents by id, and the
// statuses of _bulk. Action "create" answers 409 where the id exists and changes nothing;
// "index" would replace it (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk).
// It is a model, no Elasticsearch.
type index map[string]string

func (x index) load(t testing.TB, stream []byte) (statuses map[int]int) {
	statuses = map[int]int{}
	for _, d := range bulk(t, stream) {
		source, _ := json.Marshal(d.source)
		key := d.index + "/" + d.id
		_, exists := x[key]
		switch {
		case d.action != "create":
			t.Fatalf("action %q", d.action)
		case exists:
			statuses[409]++
		default:
			x[key] = string(source)
			statuses[201]++
		}
	}
	return statuses
}

func TestECSLoadedTwice(t *testing.T) {
	tags, x := sampleTags(100), index{}
	stream, _ := exportTo(t, ecs, tags[:60], "--index", "tags")
	if got := x.load(t, stream); got[201] != 60 || got[409] != 0 {
		t.Errorf("first load: %v", got)
	}
	before := len(x)
	if got := x.load(t, stream); got[201] != 0 || got[409] != 60 || len(x) != before {
		t.Errorf("second load: %v", got)
	}
	more, _ := exportTo(t, ecs, tags, "--index", "tags")
	if got := x.load(t, more); got[201] != 40 || got[409] != 60 {
		t.Errorf("load of a window that overlaps: %v", got)
	}
}

// TestECSNeverAlerts checks what keeps old events from paging anyone.
func TestECSNeverAlerts(t *testing.T) {
	stream, _ := exportTo(t, ecs, sampleTags(100))
	for _, d := range bulk(t, stream) {
		event := d.source["event"].(map[string]any)
		if event["kind"] != "event" || event["ingested"] != nil || event["category"].([]any)[0] != "intrusion_detection" {
			t.Fatalf("event is %v", event)
		}
		for name := range d.source {
			if name == "kibana" || name == "signal" || name == "alert" {
				t.Fatalf("has %s", name)
			}
		}
		at, err := time.Parse(time.RFC3339Nano, d.source["@timestamp"].(string))
		if err != nil || at.Year() != 2026 || at.Month() != time.May {
			t.Errorf("@timestamp is %v, %v", at, err)
		}
	}
}

func TestECSIndexNames(t *testing.T) {
	for _, name := range []string{"", "Upper", "_x", "-x", "+x", ".x", "a b", "a\nb", "a/b", "a*", `a"b`, "a,b", "a:b", "a\xff", strings.Repeat("a", 256)} {
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		write := ecs.New(fs)
		if err := fs.Parse([]string{"--index", name}); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), &Job{}); err == nil || !strings.Contains(err.Error(), "--index") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// ecsField is the schema's definition of a field.
type ecsField struct {
	Type    string
	Array   bool
	Allowed []string
}

// schema opens a schema that this repository does not hold.
func schema(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(schemaFolder(t), name))
	if err != nil {
		t.Skipf("%s is not here: not checked with it", name)
	}
	return b
}

func TestECSFields(t *testing.T) {
	var fields struct {
		ECS    string
		Fields map[string]ecsField
	}
	if err := json.Unmarshal(schema(t, "ecs-9.5.0-fields.json"), &fields); err != nil {
		t.Fatal(err)
	}
	if fields.ECS != ecsVersion {
		t.Errorf("the schema is of %s, documents of %s", fields.ECS, ecsVersion)
	}
	stream, _ := exportTo(t, ecs, everyKind(), "--no-actions")
	for _, d := range exporttest.Lines(t, stream) {
		for _, problem := range ecsProblems("", d, fields.Fields) {
			t.Errorf("%s in %v", problem, d)
		}
	}
}

func ecsProblems(at string, object map[string]any, fields map[string]ecsField) (problems []string) {
	for name, value := range object {
		path := strings.TrimPrefix(at+"."+name, ".")
		if strings.HasPrefix(path, "ttpcron.") || strings.HasPrefix(path, "labels.") {
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			problems = append(problems, ecsProblems(path, inner, fields)...)
			continue
		}
		field, known := fields[path]
		values, list := value.([]any)
		if !list {
			values = []any{value}
		}
		if !known || list != field.Array || len(values) == 0 {
			problems = append(problems, path+" is no field of ECS, or a list where it is none, or none where it is one")
		}
		for _, v := range values {
			text, isText := v.(string)
			_, isNumber := v.(float64)
			switch field.Type {
			case "ip":
				if _, err := netip.ParseAddr(text); err != nil {
					problems = append(problems, path+" is no address")
				}
			case "date":
				if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
					problems = append(problems, path+" is no time")
				}
			case "long", "float":
				if !isNumber {
					problems = append(problems, path+" is no number")
				}
			default:
				if !isText || text == "" || len(field.Allowed) > 0 && !slices.Contains(field.Allowed, text) {
					problems = append(problems, path+" has a value that is not allowed")
				}
			}
		}
	}
	return problems
}

// The text of a request without evidence begins with its method, which is no part of a URL.
func TestURLOf(t *testing.T) {
	for text, want := range map[string]string{"GET decoy.example/.env": "decoy.example/.env", "/a b": "/a b", "/x": "/x", "GET": "GET", "": "", " x": "x", "get /x": "get /x"} {
		if got := urlOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

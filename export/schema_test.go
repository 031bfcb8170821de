package export

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFolder is a folder of published schemas next to a clone. They are not part of the
// project: without them, tests that need them are skipped.
func schemaFolder(t testing.TB) string {
	t.Helper()
	for _, up := range []string{"../..", "../../.."} {
		folder := filepath.Join(up, "shared", "data", "schemas")
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	t.Skip("no schemas here")
	return ""
}

// compilers are by folder, or by file where a schema is a file alone.
var compilers = map[string]*jsonschema.Compiler{}

// validator compiles a published schema by its path in the folder. Other files in its
// folder and in neighbouring ones are found by their own ids.
func validator(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join(schemaFolder(t), name)
	top := filepath.Join(schemaFolder(t), strings.Split(name, "/")[0])
	c := compilers[top]
	if c == nil {
		c = jsonschema.NewCompiler()
		compilers[top] = c
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".json" && !d.IsDir() {
				addSchema(t, c, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(addSchema(t, c, path))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// addSchema adds a file under its own id, and returns that.
func addSchema(t testing.TB, c *jsonschema.Compiler, path string) (id string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := jsonDocument(t, b)
	for _, member := range []string{"$id", "id"} {
		if s, ok := doc.(map[string]any)[member].(string); ok && id == "" {
			id = s
		}
	}
	if !strings.Contains(id, "://") {
		id = "file:///" + filepath.Base(path)
	}
	if err := c.AddResource(id, doc); err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
	return id
}

// jsonDocument reads JSON as validators take it.
func jsonDocument(t testing.TB, b []byte) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%v in %.200s", err, b)
	}
	return doc
}

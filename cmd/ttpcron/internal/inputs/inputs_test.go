package inputs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ttpcron/ttpcron/jobs"
)

// TestSessionsOfAFolder: a folder is read oldest file first, and sessions continue from
// one file to the next.
func TestSessionsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"cowrie.json.1": `{"eventid":"cowrie.session.connect","src_ip":"203.0.113.7","session":"12","timestamp":"2015-05-04T05:49:05Z"}` + "\n",
		"cowrie.json":   `{"eventid":"cowrie.command.input","input":"id","session":"12","timestamp":"2015-05-04T05:49:06Z"}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Find([]string{dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, in := range found {
		f, err := in.Open(t.Context(), jobs.Known{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range b.Events {
				addresses = append(addresses, string(e.Kind)+" "+e.AttackerIP)
			}
		}
	}
	if len(addresses) != 2 || addresses[0] != "session 203.0.113.7" || addresses[1] != "command 203.0.113.7" {
		t.Errorf("%q", addresses)
	}
}

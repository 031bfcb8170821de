package jobs

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestNothingReachesOut checks that no package of a job imports one that could reach a
// network, start a program or bypass package os. The root package's test of the import
// graph checks other modules: only google/uuid, which the SQLite driver needs, imports
// package net, for a hardware address.
func TestNothingReachesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	reaches := []string{"C", "net", "net/http", "net/rpc", "net/smtp", "crypto/tls", "log/syslog", "os/exec", "plugin", "golang.org/x/sys/unix", "syscall"}
	// Why each package needs it.
	may := map[string]string{
		" syscall":             "O_NONBLOCK, the kind of a file system, and the lock and owner of a scratch folder",
		"kv syscall":           "a full disk, and the pages that the system may take back",
		"kv/storefile syscall": "the lock of a file, and its device and inode, to find who holds it",

		"kv golang.org/x/sys/unix": "whether 32 bits of address space have room for a larger mapping",
		"importer syscall":         "the inode of a file, and when it changed last",
		"tagger syscall":           "the inode of a rule file, to see that another took its place",
	}
	const module = "github.com/ttpcron/ttpcron"
	format := `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", format, module+"/jobs", module+"/tagger/...", module+"/kv/...", module+"/importer/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		name, inside := strings.CutPrefix(fields[0], module)
		if !inside {
			continue
		}
		ours++
		name = strings.TrimPrefix(name, "/")
		for _, imported := range fields[1:] {
			if slices.Contains(reaches, imported) && may[name+" "+imported] == "" {
				t.Errorf("%s imports %s", fields[0], imported)
			}
		}
	}
	if ours < 5 {
		t.Errorf("only %d packages seen", ours)
	}
}

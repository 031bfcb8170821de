package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
)

var update = flag.Bool("update", false, "write the golden files of help and scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ttpcron": shifted})
}

// clockVariable names a file that says how far the clock is ahead, such as 24h or -9000h.
// It is only for tests: the program has no such setting.
const clockVariable = "TEST_CLOCK"

// shifted is the program, with a clock that a test can set while it runs.
func shifted() {
	path := os.Getenv(clockVariable)
	if path == "" {
		main()
		return
	}
	os.Exit(process(func() time.Time {
		text, _ := os.ReadFile(path)
		ahead, _ := time.ParseDuration(strings.TrimSpace(string(text)))
		return time.Now().Round(0).Add(ahead) // no more than the wall shows
	}))
}

// TestScript specifies the command line.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Condition: func(cond string) (bool, error) {
			if cond != "systemconfig" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := os.Stat(settings.SystemConfig)
			return err == nil, nil
		},
		Setup: func(e *testscript.Env) error {
			// Nothing of the machine's own configuration plays a part. Most
			// scripts bring a few rules of their own, which load at once.
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("TTPCRON_CONFIG", os.DevNull)
			e.Setenv("TTPCRON_DB", filepath.Join(e.WorkDir, "t.db"))
			e.Setenv("TTPCRON_EMBEDDED", "false")
			e.Setenv("TTPCRON_RULES", filepath.Join(e.WorkDir, "rules"))
			e.Setenv("TTPCRON_LOCK_TIMEOUT", "100ms")
			return os.CopyFS(filepath.Join(e.WorkDir, "rules"), os.DirFS("testdata/rules"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "lines": lines, "gzip": compress, "hold": hold, "torn": torn, "damage": damage, "zero": zero, "changed": changed},
	})
}

// invoke runs the program within the test. Its store is a new one, unless env says
// otherwise: even root's tests must not touch the machine's.
func invoke(t testing.TB, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	home := t.TempDir()
	var out, errs bytes.Buffer
	code = run(context.Background(), time.Now, args, strings.NewReader(""), &out, &errs, append([]string{"TTPCRON_CONFIG=" + os.DevNull, "HOME=" + home, "STATE_DIRECTORY=" + home}, env...))
	return code, out.String(), errs.String()
}

// commands lists all commands, as typed.
func commands() (names []string) {
	rootCommand().Each(func(c *command) { names = append(names, c.Name) })
	slices.Sort(names)
	return names
}

func TestHelp(t *testing.T) {
	for _, name := range commands() {
		t.Run(name, func(t *testing.T) {
			code, got, stderr := invoke(t, nil, append(strings.Fields(name), "--help")...)
			if code != exitDone || stderr != "" {
				t.Errorf("exit %d, stderr %q", code, stderr)
			}
			file := filepath.Join("testdata", "help", strings.ReplaceAll("ttpcron "+name, " ", "-")+".txt")
			file = strings.ReplaceAll(file, "-.txt", ".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("help changed; go test -update ./cmd/ttpcron writes it\n%s", got)
			}
			for _, section := range []string{"USAGE\n", "EXIT STATUS\n", "EXAMPLES\n"} {
				if !strings.Contains(got, section) {
					t.Errorf("no %q", section)
				}
			}
			for _, line := range strings.Split(got, "\n") {
				if len(line) > 82 && !strings.Contains(line, "ttpcron explain --event") {
					t.Errorf("line of %d characters: %s", len(line), line)
				}
			}
			if _, same, _ := invoke(t, nil, append([]string{"help"}, strings.Fields(name)...)...); same != got {
				t.Error("ttpcron help says something else")
			}
		})
	}
}

// TestEveryCommandHasJSON checks the README's claim. Exceptions: the daemon prints
// nothing, export-events only JSON, export what --format names, completion and man a
// script and pages.
func TestEveryCommandHasJSON(t *testing.T) {
	rootCommand().Each(func(c *command) {
		if c.Run == nil || c.Name == "daemon" || c.Name == "export-events" || c.Name == "export" || c.Name == "completion" || c.Name == "man" {
			return
		}
		if !c.Has("json") {
			t.Errorf("%s has no --json", c.Name)
		}
	})
}

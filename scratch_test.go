package ttpcron_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("TTPCRON_TEST_SCRATCH"); parent != "" {
		s, err := ttpcron.NewScratch(parent, "s-*-", ".tmp")
		if err != nil {
			os.Exit(1)
		}
		if err := os.WriteFile(s.File("x"), []byte("left behind"), 0o600); err != nil {
			os.Exit(1)
		}
		// A store that is made in the folder is made in one of its own.
		within, err := ttpcron.NewScratch(s.Dir, "y-", "")
		if err != nil {
			os.Exit(1)
		}
		if err := os.WriteFile(within.File("z"), []byte("left behind"), 0o600); err != nil {
			os.Exit(1)
		}
		// An export has folders of any mode.
		for _, dir := range []string{"export", "export/day"} {
			if err := os.Mkdir(s.File(dir), 0o700); err != nil {
				os.Exit(1)
			}
			if err := os.Chmod(s.File(dir), 0o755); err != nil {
				os.Exit(1)
			}
			if err := os.WriteFile(filepath.Join(s.File(dir), "part"), []byte("left behind"), 0o644); err != nil {
				os.Exit(1)
			}
		}
		os.Stdout.WriteString(s.Dir)
		os.Stdout.Close()
		_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed
	}
	os.Exit(m.Run())
}

// hold starts a process that has a scratch folder, and returns the folder.
func hold(t *testing.T, parent string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TTPCRON_TEST_SCRATCH="+parent)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	dir := make([]byte, 4096)
	n, err := out.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, string(dir[:n])
}

// TestScratch holds that a scratch folder stays while its owner lives, and goes
// with the next one after its owner was killed.
func TestScratch(t *testing.T) {
	parent := t.TempDir()
	others := filepath.Join(parent, "s-_-.tmp") // no number: not one of ours
	for _, dir := range []string{others, filepath.Join(parent, "s-_-1.other")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	alive, kept := hold(t, parent)
	killed, left := hold(t, parent)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed.Wait()
	if _, err := os.Stat(filepath.Join(left, "x")); err != nil {
		t.Fatal("the killed process left nothing, which is no test")
	}
	s, err := ttpcron.NewScratch(parent, "s-*-", ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("%s of a killed process is still there: %v", left, err)
	}
	for _, dir := range []string{filepath.Join(kept, "x"), others, filepath.Join(parent, "s-_-1.other")} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s is gone: %v", dir, err)
		}
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("removed, it is still there: %v", err)
	}
	alive.Process.Kill()
	alive.Wait()
	ttpcron.SweepScratch(parent, "s-*-", ".tmp")
	if _, err := os.Stat(kept); !os.IsNotExist(err) {
		t.Errorf("%s is still there after its owner: %v", kept, err)
	}
}

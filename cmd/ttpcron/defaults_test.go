package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
)

// TestNoHome: without a home, nothing is read from the current folder.
func TestNoHome(t *testing.T) {
	if _, err := os.Stat(settings.SystemConfig); err == nil {
		t.Log("this machine has a " + settings.SystemConfig)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for _, place := range []string{".config/ttpcron", "ttpcron", "x/ttpcron"} {
		if err := os.MkdirAll(place, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place+"/ttpcron.toml", []byte("db = \"/planted.db\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, env := range [][]string{{"HOME="}, {"HOME=."}, {"HOME=", "XDG_CONFIG_HOME=."}, {"HOME=", "XDG_CONFIG_HOME=x", "XDG_STATE_HOME=x"}} {
		if os.Geteuid() != 0 { // root's store needs no home
			env = append(env, "STATE_DIRECTORY=")
		}
		_, out, stderr := invoke(t, append([]string{"TTPCRON_CONFIG="}, env...), "status")
		if strings.Contains(out+stderr, "planted") {
			t.Errorf("%q reads the config of the folder: %s%s", env, out, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".local")); err == nil {
		t.Error("a store was made in the folder")
	}
}

// TestNoPlace: a command that works without a store also works if there is no default path
// for one, and opens nothing in the current folder.
func TestNoPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := new(store.Opener).Read(t.Context()); !errors.Is(err, store.ErrNone) {
		t.Errorf("without a place for the store: %v", err)
	}
	var usage *cli.UsageError
	if _, err := new(store.Opener).Write(t.Context()); !errors.As(err, &usage) {
		t.Errorf("without a place for the store, writing: %v", err)
	}
	for _, c := range []*command{explainCommand(), rulesList(), importCommand()} {
		if !c.Unstored {
			t.Errorf("%s wants a place for a store", c.Name)
		}
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestForeignConfig: a config file that was found, not named, must be one that nobody else
// can change.
func TestForeignConfig(t *testing.T) {
	if _, err := os.Stat(settings.SystemConfig); err == nil {
		t.Skip("this machine has a " + settings.SystemConfig)
	}
	home := t.TempDir()
	file := filepath.Join(home, ".config", "ttpcron", "ttpcron.toml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("log-level = \"loud\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + home, "TTPCRON_CONFIG=", "TTPCRON_DB=" + filepath.Join(home, "t.db")}
	if _, _, stderr := invoke(t, env, "status"); !strings.Contains(stderr, `log-level is "loud", want trace`) {
		t.Errorf("my own file is not read: %s", stderr)
	}
	chmod(t, file, 0o666)
	code, _, stderr := invoke(t, env, "status")
	if code != exitUsage || !strings.Contains(stderr, "is not used: everybody may write to "+file) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, _, stderr := invoke(t, env, "status", "--config", file); !strings.Contains(stderr, `log-level is "loud", want trace`) {
		t.Errorf("named, it is not read: %s", stderr)
	}
}

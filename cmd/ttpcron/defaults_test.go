package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultDB(t *testing.T) {
	for _, tt := range []struct {
		name string
		user int
		env  map[string]string
		want string // empty: refused
	}{
		{"state home", 1000, map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/s/ttpcron/ttpcron.db"},
		{"home", 1000, map[string]string{"HOME": "/h"}, "/h/.local/state/ttpcron/ttpcron.db"},
		{"a relative state home is ignored", 1000, map[string]string{"HOME": "/h", "XDG_STATE_HOME": "s"}, "/h/.local/state/ttpcron/ttpcron.db"},
		{"no home", 1000, nil, ""},
		{"a relative home", 1000, map[string]string{"HOME": "h"}, ""},
		{"only relative ones", 1000, map[string]string{"HOME": ".", "XDG_STATE_HOME": "."}, ""},
		{"root", 0, map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/var/lib/ttpcron/ttpcron.db"},
		{"root without a home", 0, nil, "/var/lib/ttpcron/ttpcron.db"},
		{"a service", 0, map[string]string{"STATE_DIRECTORY": "/v/x:/v/y"}, "/v/x/ttpcron.db"},
	} {
		got, err := defaultDB(tt.env, tt.user)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// TestNoHome holds that without a home nothing of the folder that the program
// happens to be in is read.
func TestNoHome(t *testing.T) {
	if _, err := os.Stat(systemConfig); err == nil {
		t.Log("this machine has a " + systemConfig)
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

// TestNoPlace holds that a command which works without a store works where there
// is no place for one, and opens nothing of the folder that the program is in.
func TestNoPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	var a app
	if _, err := a.readStore(t.Context()); !errors.Is(err, errNoStore) {
		t.Errorf("without a place for the store: %v", err)
	}
	for _, c := range []*command{a.explainCommand(), a.rulesList()} {
		if !c.unstored {
			t.Errorf("%s wants a place for a store", c.name)
		}
	}
}

// TestTrusted tries files and folders that somebody else could have changed.
func TestTrusted(t *testing.T) {
	me := os.Geteuid()
	for _, tt := range []struct {
		name    string
		user    int
		prepare func(t *testing.T, dir, file string) string
		want    string // in the error; empty: trusted
	}{
		{"my own", me, func(_ *testing.T, _, file string) string { return file }, ""},
		{"somebody else's", me + 1, func(_ *testing.T, _, file string) string { return file }, "belongs to the user with number"},
		{"everybody's", me, func(t *testing.T, _, file string) string { chmod(t, file, 0o666); return file }, "everybody may write to"},
		{"everybody's folder", me, func(t *testing.T, dir, file string) string { chmod(t, dir, 0o777); return file }, "everybody may write to"},
		{"everybody's folder further up", me, func(t *testing.T, dir, file string) string { chmod(t, filepath.Dir(dir), 0o777); return file }, "everybody may write to"},
		{"a link", me, func(t *testing.T, dir, file string) string {
			link := filepath.Join(dir, "link.toml")
			if err := os.Symlink(file, link); err != nil {
				t.Fatal(err)
			}
			return link
		}, ""},
		{"a link into everybody's folder", me, func(t *testing.T, dir, file string) string {
			open := filepath.Join(dir, "open")
			if err := os.Mkdir(open, 0o700); err != nil {
				t.Fatal(err)
			}
			chmod(t, open, 0o777)
			if err := os.WriteFile(filepath.Join(open, "x"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			link := filepath.Join(dir, "link.toml")
			if err := os.Symlink(filepath.Join(open, "x"), link); err != nil {
				t.Fatal(err)
			}
			return link
		}, "everybody may write to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "ttpcron.toml")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.user != me && me == 0 {
				if err := os.Chown(file, 4242, 4242); err != nil {
					t.Fatal(err)
				}
			}
			err := trusted(tt.prepare(t, dir, file), tt.user)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("trusted: %v, want %q", err, tt.want)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestForeignConfig holds that a config file that was found, and not named, must
// be one that nobody else can change.
func TestForeignConfig(t *testing.T) {
	if _, err := os.Stat(systemConfig); err == nil {
		t.Skip("this machine has a " + systemConfig)
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
	if _, _, stderr := invoke(t, env, "status"); !strings.Contains(stderr, `log-level: "loud" is not a value`) {
		t.Errorf("my own file is not read: %s", stderr)
	}
	chmod(t, file, 0o666)
	code, _, stderr := invoke(t, env, "status")
	if code != exitUsage || !strings.Contains(stderr, "is not used: everybody may write to "+file) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, _, stderr := invoke(t, env, "status", "--config", file); !strings.Contains(stderr, `log-level: "loud" is not a value`) {
		t.Errorf("named, it is not read: %s", stderr)
	}
}

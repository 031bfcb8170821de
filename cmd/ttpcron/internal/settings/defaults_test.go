package settings

import (
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

// The units of systemd say where the state belongs.
func TestDefaultStore(t *testing.T) {
	for _, tt := range []struct{ state, want string }{{"/var/lib/ttpcron", "/var/lib/ttpcron/ttpcron.db"}, {"/a:/b", "/a/ttpcron.db"}} {
		if got, _ := defaultDB(map[string]string{"STATE_DIRECTORY": tt.state, "HOME": "/h"}, 1000); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.state, got, tt.want)
		}
	}
	if got, _ := defaultDB(map[string]string{"STATE_DIRECTORY": "relative", "HOME": "/h"}, 1000); strings.Contains(got, "relative") {
		t.Error(got)
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

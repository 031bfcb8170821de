package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
)

// SystemConfig is the config file of a machine.
const SystemConfig = "/etc/ttpcron/ttpcron.toml"

// serviceDir is the folder that systemd made for a service and named in a variable such as
// STATE_DIRECTORY, or empty.
func serviceDir(env map[string]string, name string) string {
	dir, _, _ := strings.Cut(env[name], ":")
	if !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// defaultDB is the path of a user's store if none is named.
func defaultDB(env map[string]string, user int) (string, error) {
	if dir := serviceDir(env, "STATE_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "ttpcron.db"), nil
	}
	if user == 0 {
		return "/var/lib/ttpcron/ttpcron.db", nil
	}
	dir := xdg(env, "XDG_STATE_HOME", ".local/state")
	if dir == "" {
		return "", cli.Usage("there is no place for the store: HOME is not set to a folder", "name the store with --db FILE or TTPCRON_DB")
	}
	return filepath.Join(dir, "ttpcron", "ttpcron.db"), nil
}

// xdg is a folder of the XDG base directory specification, which says to ignore relative
// paths; empty if HOME is not set either.
func xdg(env map[string]string, name, fallback string) string {
	if dir := env[name]; filepath.IsAbs(dir) {
		return dir
	}
	if home := env["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, fallback)
	}
	return ""
}

// defaultConfig is the config file if none is named: the machine's, or else the user's
// own, which may be missing.
func defaultConfig(env map[string]string) (string, error) {
	path := SystemConfig
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if dir := xdg(env, "XDG_CONFIG_HOME", ".config"); dir != "" {
			path = filepath.Join(dir, "ttpcron", "ttpcron.toml")
		}
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err := trusted(path, os.Geteuid()); err != nil {
		return path, cli.Usage(fmt.Sprintf("config %s is not used: %v", path, err),
			"whoever can change it decides what ttpcron writes; correct that, name the file with --config if you trust it, or use none with --config /dev/null")
	}
	return path, nil
}

// Trusted refuses a file that anybody but root and the user given can change. A config
// file that was named is not refused for it.
func Trusted(path string, user int) error { return trusted(path, user) }

// trusted refuses a file that anybody but root and the user could have put there,
// by writing to it or to a folder on the way to it. Symbolic links may lead to it
// if every folder that they pass is as safe.
func trusted(path string, user int) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, p := range []string{path, real} {
		for {
			info, err := os.Stat(p)
			if err != nil {
				return err
			}
			if err := ownedWell(p, info, user); err != nil {
				return err
			}
			if p == filepath.Dir(p) {
				break
			}
			p = filepath.Dir(p)
		}
	}
	return nil
}

// ownedWell refuses files that belong to anyone but root and the given user, or that
// others can write. In a folder with the sticky bit, such as /tmp, nobody can replace
// another user's files. A group with the owner's number is that user's own, which most
// systems create.
func ownedWell(path string, info fs.FileInfo, user int) error {
	uid, gid, known := host.OwnerOf(info)
	mode := info.Mode()
	switch {
	case known && uid != 0 && uid != user:
		return fmt.Errorf("%s belongs to the user with number %d, neither root nor you", path, uid)
	case info.IsDir() && mode&fs.ModeSticky != 0:
		return nil
	case mode.Perm()&0o002 != 0:
		return fmt.Errorf("everybody may write to %s", path)
	case mode.Perm()&0o020 != 0 && gid != uid:
		return fmt.Errorf("the group with number %d may write to %s", gid, path)
	}
	return nil
}

// SystemSocket is where a daemon that a system package installed answers.
const SystemSocket = "/run/ttpcron/ttpcron.sock"

// SocketOf is the socket of a store when nobody names one.
func SocketOf(db string) string { return host.Resolve(db) + ".sock" }

// Sockets lists where a daemon that has the store may answer.
func (s *Settings) Sockets() []string {
	if s.Socket != "" {
		return []string{s.Socket}
	}
	return []string{SocketOf(s.DB), SystemSocket}
}

package host

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
)

// Filesystem is what a path lies on.
type Filesystem struct {
	Name     string // such as ext4
	ReadOnly bool
	Network  bool // other machines have a part in it
	Memory   bool // it is gone when the machine stops
	Layered  bool // it is a container's own, and goes with it
	Foreign  bool // another program, or the rules of another system, stand behind it
}

// User is a user by numbers.
type User struct {
	Name   string
	ID     int
	Groups []int // by number, the first one too
}

// UserNamed looks a user up, by name or number.
func UserNamed(name string, groups ...string) (User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return User{}, fmt.Errorf("there is no user %s", name)
		}
	}
	out := User{Name: u.Username}
	if out.ID, err = strconv.Atoi(u.Uid); err != nil {
		return User{}, err
	}
	ids, _ := u.GroupIds() // what cannot be found out is not there
	for _, g := range groups {
		if found, err := user.LookupGroup(g); err == nil {
			ids = append(ids, found.Gid)
		}
	}
	for _, id := range append(ids, u.Gid) {
		if n, err := strconv.Atoi(id); err == nil {
			out.Groups = append(out.Groups, n)
		}
	}
	return out, nil
}

// What a user wants to do with a path.
const (
	Enter = 0o1
	Write = 0o2
	Read  = 0o4
)

// May says what keeps a user from a path, by the permission bits of everything on the
// way; nil when nothing does. Lists of access beyond the bits are not looked at.
func (u User) May(path string, want fs.FileMode) error {
	real := Resolve(path)
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	if u.ID == 0 {
		return nil
	}
	if err := u.may(real, info, want); err != nil {
		return err
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if err := u.may(dir, info, Enter); err != nil {
			return err
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (u User) may(path string, info fs.FileInfo, want fs.FileMode) error {
	uid, gid, known := OwnerOf(info)
	if !known {
		return nil
	}
	bits := info.Mode().Perm()
	switch {
	case uid == u.ID:
		bits >>= 6
	case slices.Contains(u.Groups, gid):
		bits >>= 3
	}
	if bits&want == want {
		return nil
	}
	verb := map[fs.FileMode]string{Enter: "enter", Write: "write to", Read: "read"}[want&^(bits&want)]
	if verb == "" {
		verb = "use"
	}
	return fmt.Errorf("%s may not %s %s, which is %s of user %d and group %d", u.Name, verb, path, info.Mode(), uid, gid)
}

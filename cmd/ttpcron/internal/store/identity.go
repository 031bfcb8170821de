package store

import (
	"os"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
)

// identity says which file a store is.
type identity struct {
	Path          string // absolute, without symbolic links
	Device, Inode uint64
	Version       string // of the program that has it open
}

func identify(path, version string) (identity, error) {
	is := identity{Path: host.Resolve(path), Version: version}
	info, err := os.Stat(path)
	if err != nil {
		return is, err
	}
	is.Device, is.Inode = inode(info)
	return is, nil
}

// same reports whether a path leads to the store.
func (is identity) same(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return host.Resolve(path) == is.Path // a folder that this user may not enter
	}
	device, number := inode(info)
	return device == is.Device && number == is.Inode
}

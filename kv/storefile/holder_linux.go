package storefile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Holder finds a process that holds the lock of a file, perhaps this one; 0 if the system
// does not say.
func Holder(path string) (pid int, command string) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, ""
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return 0, ""
	}
	defer f.Close()
	major, minor := deviceNumbers(uint64(stat.Dev))
	for _, l := range parseLocks(f) {
		if l.inode != stat.Ino {
			continue
		}
		// An overlay shows its own device to stat and the one beneath to the
		// kernel's list; there the process's open files decide.
		if l.major == major && l.minor == minor || hasOpen(l.pid, info) {
			return l.pid, commandOf(l.pid)
		}
	}
	return 0, ""
}

// deviceNumbers splits a device, as gnu_dev_major and gnu_dev_minor of the C library do.
func deviceNumbers(dev uint64) (major, minor uint64) {
	return dev>>8&0xfff | dev>>32&^0xfff, dev&0xff | dev>>12&^0xff&0xffffffff
}

func hasOpen(pid int, want os.FileInfo) bool {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	for _, f := range files {
		if got, err := os.Stat(f); err == nil && os.SameFile(got, want) {
			return true
		}
	}
	return false
}

func commandOf(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

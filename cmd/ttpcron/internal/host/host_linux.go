package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// filesystems are the filesystems that matter, by the number that statfs(2) gives.
var filesystems = map[uint32]Filesystem{
	0xEF53: {Name: "ext4"}, 0x58465342: {Name: "xfs"}, 0x9123683E: {Name: "btrfs"}, 0x2FC12FC1: {Name: "zfs"}, 0xF2F52010: {Name: "f2fs"},
	0x6969: {Name: "nfs", Network: true}, 0x517B: {Name: "smb", Network: true}, 0xFF534D42: {Name: "cifs", Network: true}, 0xFE534D42: {Name: "smb2", Network: true},
	0x01021997: {Name: "9p", Network: true}, 0x65735546: {Name: "fuse", Foreign: true}, 0x5346414F: {Name: "afs", Network: true}, 0x00C36400: {Name: "ceph", Network: true},
	0x01021994: {Name: "tmpfs", Memory: true}, 0x858458F6: {Name: "ramfs", Memory: true}, 0x794C7630: {Name: "overlay", Layered: true},
	0x4D44: {Name: "vfat", Foreign: true}, 0x2011BAB0: {Name: "exfat", Foreign: true}, 0x5346544E: {Name: "ntfs", Foreign: true}, 0x73717368: {Name: "squashfs"},
}

// FilesystemOf says on what a path lies, and false when the system does not.
func FilesystemOf(path string) (Filesystem, bool) {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return Filesystem{}, false
	}
	f := filesystems[uint32(st.Type)]
	if f.Name == "" {
		f.Name = "type 0x" + strconv.FormatUint(uint64(uint32(st.Type)), 16)
	}
	f.ReadOnly = st.Flags&unix.ST_RDONLY != 0
	return f, true
}

// ClockSynchronised reports whether the kernel takes its clock to be set by something that
// knows the time, and false when it does not say.
func ClockSynchronised() (is, known bool) {
	var t unix.Timex // which asks, and sets nothing
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unix.STA_UNSYNC == 0, true
}

// MemoryLimit is the least that the groups of this process let it have, in bytes, and
// false when they set no limit.
func MemoryLimit() (int64, bool) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	least, known := int64(0), false
	take := func(path string) {
		content, err := os.ReadFile(path)
		if err != nil {
			return
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil && n < 1<<60 && (!known || n < least) {
			least, known = n, true
		}
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if strings.Contains(","+parts[1]+",", ",memory,") {
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if parts[1] != "" {
			continue
		}
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			take(filepath.Join(root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return least, known
}

// FileSizeLimit is how large a file this process may write, and false when there is no limit.
func FileSizeLimit() (int64, bool) {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &limit) != nil || limit.Cur >= 1<<62 {
		return 0, false
	}
	return int64(limit.Cur), true
}

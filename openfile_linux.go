package ttpcron

import "syscall"

// madeUpFilesystems are those whose files have no content of their own: the
// kernel makes it up while it is read, and may block or never end.
// (include/uapi/linux/magic.h)
var madeUpFilesystems = map[uint32]bool{
	0x9fa0:     true, // proc
	0x62656572: true, // sysfs
	0x64626720: true, // debugfs
	0x74726163: true, // tracefs
	0x73636673: true, // securityfs
	0x0027e0eb: true, // cgroup
	0x63677270: true, // cgroup2
	0xcafe4a11: true, // bpf
	0xf97cff8c: true, // selinux
	0x6165676c: true, // pstore
}

// madeUp reports whether a file lies in such a filesystem.
func madeUp(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && madeUpFilesystems[uint32(s.Type)]
}

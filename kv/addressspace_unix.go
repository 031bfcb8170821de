//go:build unix

package kv

import "golang.org/x/sys/unix"

// mappable finds which of bbolt's mapping sizes fit into the address space next to the
// rest of the process. It reads nothing, and takes no memory.
func mappable() int64 {
	for _, size := range mapSizes {
		room, err := unix.MmapPtr(-1, 0, nil, uintptr(size)+heapRoom, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err == nil {
			_ = unix.MunmapPtr(room, uintptr(size)+heapRoom)
			return size
		}
	}
	return mapSizes[len(mapSizes)-1] / 2
}

//go:build unix

package daemon

import "syscall"

// writeOnce writes to a socket, and does not wait for room.
func writeOnce(fd uintptr, text string) error {
	_, err := syscall.Write(int(fd), []byte(text))
	return err
}

//go:build !unix

package daemon

import "errors"

// writeOnce does nothing: there is no systemd to tell.
func writeOnce(uintptr, string) error { return errors.ErrUnsupported }

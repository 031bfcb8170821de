package daemon

import (
	"context"
	"os"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/control"
)

// author names a caller by the kernel's information. Only the command knows who used sudo
// to become root; the daemon believes it only from callers who could write to the store
// anyway.
func author(ctx context.Context, stated string) string {
	p, ok := control.PeerOf(ctx)
	if !ok {
		return "unknown"
	}
	_, sudo, _ := strings.Cut(strings.TrimSuffix(stated, ")"), host.SudoBy)
	if p.UID != 0 && p.UID != os.Geteuid() {
		sudo = ""
	}
	return host.AuthorOf(p.UID, p.PID, sudo)
}

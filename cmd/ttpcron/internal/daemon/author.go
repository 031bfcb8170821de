package daemon

import (
	"context"
	"os"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/control"
)

// author names who made a call, by what the kernel says of it. Only the command
// knows who became root with sudo; the daemon believes it only from those who could
// write to the store anyway.
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

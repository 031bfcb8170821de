package daemon

import (
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
)

// A changed setting that needs a restart is named, and no other: a socket next to the
// store moves with the store.
func TestWhatNeedsARestart(t *testing.T) {
	b := newBench(t, nodetest.Rarely)
	other := b.n.Path("other.db")
	for _, tt := range []struct {
		change func(*settings.Daemon)
		want   string
	}{
		{func(*settings.Daemon) {}, ""},
		{func(c *settings.Daemon) { c.DB, c.Socket = other, settings.SocketOf(other) }, "db"},
		{func(c *settings.Daemon) { c.Socket = b.n.Path("other.sock") }, "socket"},
		{func(c *settings.Daemon) { c.DB, c.Socket = other, b.n.Path("other.sock") }, "db socket"},
		{func(c *settings.Daemon) { c.Role, c.LogJSON = settings.RoleMaster, true }, "role log-json"},
	} {
		old := b.d.config()
		read := *old
		tt.change(&read)
		before := len(b.stderr.String())
		kept := b.d.keepingStart(old, &read)
		var got []string
		for _, line := range strings.Split(b.stderr.String()[before:], "\n") {
			if _, name, ok := strings.Cut(line, "setting="); ok {
				got = append(got, name)
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%q needs a restart, want %q", text, tt.want)
		}
		if kept.DB != old.DB || kept.Socket != old.Socket || kept.Role != old.Role || kept.LogJSON != old.LogJSON {
			t.Errorf("%s: %+v is in force", tt.want, kept.Settings)
		}
	}
}

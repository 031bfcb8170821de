package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// askTime is how long the doctor waits for systemd, and for a daemon.
const askTime = 3 * time.Second

// unit is a unit of systemd, with its properties.
type unit struct{ facts map[string]string }

func (u unit) name() string { return u.facts["Id"] }

func (u unit) loaded() bool { return u.facts["LoadState"] == "loaded" }

// on reports whether systemd starts the unit by itself, or has.
func (u unit) on() bool {
	state := u.facts["ActiveState"]
	return strings.HasPrefix(u.facts["UnitFileState"], "enabled") || state == "active" || state == "activating" || state == "reloading"
}

// unitNames are the units that come with ttpcron; others that begin with its name are
// found if they are loaded.
var unitNames = []string{"ttpcron.service", "ttpcron-run.timer", "ttpcron-run.service", "ttpcron*"}

var unitProperties = []string{
	"Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecMainStatus", "NRestarts", "User", "SupplementaryGroups", "NextElapseUSecRealtime", "MemoryMax", "NeedDaemonReload",
}

// systemdUnits asks systemd for the units, and returns false if no systemd answers.
func systemdUnits(ctx context.Context) ([]unit, bool) {
	path, err := exec.LookPath("systemctl")
	if err != nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"show", "--no-pager", "--property=" + strings.Join(unitProperties, ",")}, unitNames...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	return readUnits(out), true
}

// readUnits reads what systemctl show prints: a block of lines for each unit.
func readUnits(text []byte) (units []unit) {
	for block := range bytes.SplitSeq(text, []byte("\n\n")) {
		u := unit{map[string]string{}}
		for line := range strings.Lines(string(block)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				u.facts[key] = value
			}
		}
		if u.name() != "" && !slices.ContainsFunc(units, func(o unit) bool { return o.name() == u.name() }) {
			units = append(units, u)
		}
	}
	return units
}

func (p *patient) lookAtUnits(context.Context) {
	if !p.systemd {
		p.rightly("no systemd answers here: what starts ttpcron was not looked at")
		return
	}
	var on []string
	installed := false
	for _, u := range p.units {
		if !u.loaded() {
			continue
		}
		installed = true
		p.lookAtUnit(u)
		if u.on() && u.name() != "ttpcron-run.service" {
			on = append(on, u.name())
		}
	}
	switch {
	case !installed:
		p.doubtfully("docs/systemd.md says how to install them; cron may call ttpcron run-once too", "no unit of ttpcron is installed")
	case len(on) == 0:
		p.doubtfully("systemctl enable --now ttpcron", "units are installed and none is enabled: nothing runs by itself")
	case slices.Contains(on, "ttpcron.service") && slices.Contains(on, "ttpcron-run.timer"):
		p.doubtfully("systemctl disable --now ttpcron-run.timer", "both the daemon and the timer are enabled: one of them is enough")
	case !p.unwell("systemd"):
		p.rightly("enabled: %s%s", strings.Join(on, ", "), p.nextRun())
	}
}

// lookAtUnit looks at an installed unit.
func (p *patient) lookAtUnit(u unit) {
	name := u.name()
	// A run that found the store held, or was stopped, did not fail.
	fine := slices.Contains([]string{"0", "75", "130", ""}, u.facts["ExecMainStatus"])
	switch {
	case u.facts["ActiveState"] == "failed" || u.facts["Result"] != "" && u.facts["Result"] != "success" && !fine:
		p.wrongly("journalctl -u "+name+" says why; systemctl reset-failed "+name+" forgets it", "%s failed: %s, exit status %s", name, u.facts["Result"], u.facts["ExecMainStatus"])
	case strings.HasPrefix(u.facts["UnitFileState"], "enabled") && u.facts["ActiveState"] == "inactive" && name != "ttpcron-run.service":
		p.doubtfully("systemctl start "+name, "%s is enabled and does not run", name)
	case u.facts["UnitFileState"] == "disabled" && u.facts["ActiveState"] == "active":
		p.doubtfully("systemctl enable "+name, "%s runs and is not enabled: it does not start with the machine", name)
	}
	if u.facts["NeedDaemonReload"] == "yes" {
		p.doubtfully("systemctl daemon-reload", "the file of %s has changed since systemd read it", name)
	}
	if n := u.facts["NRestarts"]; n != "" && n != "0" {
		p.doubtfully("journalctl -u "+name+" says why", "%s was started again %s times", name, n)
	}
}

func (p *patient) nextRun() string {
	for _, u := range p.units {
		if next := u.facts["NextElapseUSecRealtime"]; next != "" && next != "0" && u.on() {
			return ", next " + next
		}
	}
	return ""
}

func (p *patient) lookAtDaemon(ctx context.Context) {
	any := false
	for _, path := range p.stores.Sockets {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		switch {
		case err != nil:
			p.doubtfully("run it as root, or as a member of the group of the socket", "socket: %v", err)
		case info.Mode().Type() != fs.ModeSocket:
			p.wrongly("name another with socket, or move the file away", "%s is no socket, and a daemon wants to answer there", path)
		default:
			any = true
			p.askDaemon(ctx, path)
		}
	}
	if !any && !p.unwell("daemon") {
		p.rightly("none answers: commands open the store themselves")
	}
}

// askDaemon asks a daemon how it is.
func (p *patient) askDaemon(ctx context.Context, path string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ttpcron/healthz", nil)
	if err != nil {
		p.doubtfully("", "daemon: %v", err)
		return
	}
	answer, err := client.Do(req)
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.doubtfully("run it as root, or as a member of the group of the socket", "the daemon at %s may not be asked by %s", path, p.user.Name)
		return
	case err != nil:
		p.doubtfully("if no daemon runs, one that was killed left the socket: the next one takes its place", "there is a socket at %s, and nobody answers: %v", path, err)
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // what came is shown
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	if answer.StatusCode != http.StatusOK {
		p.wrongly("journalctl -u ttpcron, or its log, says more", "the daemon is not well: %s", lines[0])
	}
	for _, line := range lines[1:] {
		p.doubtfully("journalctl -u ttpcron, or its log, says more", "the daemon says %s", strings.TrimPrefix(line, "TROUBLE: "))
	}
	ours := buildVersion()
	theirs, serves := p.stores.DaemonVersion(ctx, path)
	switch {
	case !serves:
		p.rightly("a daemon answers at %s, for another store", path)
	case theirs != ours:
		p.doubtfully("systemctl restart ttpcron", "the daemon is ttpcron %s, and this is %s", theirs, ours)
	case !p.unwell("daemon"):
		p.rightly("it answers at %s, is healthy, and has this version (%s)", path, term.Clean(ours))
	}
}

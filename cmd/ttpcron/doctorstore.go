package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
)

func (p *patient) lookAtConfig(context.Context) {
	if p.unwell("config") {
		return // the file could not be read at all
	}
	f := &p.conf.File
	for _, fault := range f.Faults {
		if fault.Line > 0 {
			p.wrongly(fault.Hint, "%s, line %d: %s", f.Path, fault.Line, fault.Text)
		} else {
			p.wrongly(fault.Hint, "%s", fault.Text)
		}
	}
	if err := p.conf.RoleErr(); err != nil {
		p.doubtfully(hintOf(err), "no daemon starts here: %v", err)
	}
	if !f.Found {
		p.doubtfully("write "+settings.SystemConfig+" with your logs: inputs = [\"/var/log/cowrie\"]; docs/config.md has the other keys", "there is no %s: every setting has its default", noConfig(f.Path))
		return
	}
	if f.Path != os.DevNull {
		if err := settings.Trusted(f.Path, p.user.ID); err != nil {
			p.doubtfully("chown root and chmod 644 it, and its folder 755: whoever can change it decides what ttpcron writes", "config: %v", err)
		}
		if err := p.service.May(f.Path, host.Read); err != nil && len(f.Faults) == 0 {
			p.wrongly("let the user of the service read it", "config: %v", err)
		}
	}
	if token := p.conf.HTTPTokenFile; token != "" && len(f.Faults) == 0 {
		if err := p.service.May(token, host.Read); err != nil {
			p.wrongly("chgrp it to the group of the service and chmod 640 it", "http-token-file: %v", err)
		}
	}
	if !p.unwell("config") {
		p.rightly("%s: nothing is wrong", f.Path)
	}
}

func (p *patient) lookAtStore(context.Context) {
	db := p.conf.DB
	var locked *kv.LockedError
	var older *kv.OlderError
	switch info, err := os.Stat(db); {
	case errors.Is(err, fs.ErrNotExist):
		if p.doubtStoreFolder(); !p.unwell("store") {
			p.doubtfully("ttpcron run-once --input PATH makes one; --db names another", "there is no store yet at %s", db)
		}
		return
	case err != nil:
		p.wrongly("run it as the user that owns the store, or as root", "store: %v", err)
		return
	case p.failed == nil:
		if err := p.service.May(db, host.Read|host.Write); err != nil {
			p.wrongly("chown it to the user that makes runs", "runs cannot write the store: %v", err)
		}
		if mode := info.Mode().Perm(); mode&0o007 != 0 {
			p.doubtfully("chmod 640 "+db, "everybody on this machine may read or write %s, which holds captured passwords", db)
		}
	case errors.As(p.failed, &older):
		p.doubtfully(hintOf(p.failed), "%v", p.failed)
	case errors.As(p.failed, &locked):
		p.doubtfully(hintOf(p.failed), "%v, so that it was not looked at", p.failed)
	default:
		do := hintOf(p.failed)
		if damaged := (*kv.DamagedError)(nil); errors.As(p.failed, &damaged) {
			do = "ttpcron db check says what is damaged, ttpcron db recover NEWFILE saves what can be saved; docs/durability.md"
		}
		p.wrongly(do, "%v", p.failed)
	}
	p.doubtStoreFolder()
	if !p.unwell("store") {
		s := &p.status.Store
		p.rightly("%s: %s, schema %d, %s, %s", db, term.Bytes(s.Bytes), s.Schema, term.Plural(s.EventsOfAllKind, "event", "events"), term.Plural(s.TagsOfAllKinds, "tag", "tags"))
	}
}

// doubtStoreFolder says what keeps runs from making files next to the store.
func (p *patient) doubtStoreFolder() {
	dir := existing(p.conf.StoreDir())
	if err := p.service.May(dir, host.Write|host.Enter); err != nil {
		p.wrongly("let the user that makes runs write there, or name another store with db", "no store can be made or copied: %v", err)
	}
}

// existing is the nearest folder on the way to a path that is there.
func existing(dir string) string {
	dir = host.Resolve(dir)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func (p *patient) lookAtFilesystem(context.Context) {
	dir := existing(p.conf.StoreDir())
	f, known := p.filesystem(dir)
	switch {
	case !known:
		p.doubtfully("", "the system does not say on what %s lies", dir)
	case f.ReadOnly:
		p.wrongly("mount it for writing, or name another store with db", "%s lies on a filesystem (%s) that is read-only", dir, f.Name)
	case f.Network:
		p.wrongly("keep the store on a local disk, and copy it with ttpcron db backup", "%s lies on %s, a network filesystem, which is not supported", dir, f.Name)
	case f.Memory:
		p.wrongly("name a store on a disk with db", "%s lies on %s, in memory: the store is gone when the machine stops", dir, f.Name)
	case f.Layered:
		p.doubtfully("mount a volume at "+dir, "%s lies on %s, as in a container without a volume: the store goes with the container", dir, f.Name)
	case f.Foreign:
		p.doubtfully("ext4, xfs, btrfs and zfs are known to keep what was synced", "%s lies on %s, of which it is not known whether it keeps what was synced", dir, f.Name)
	default:
		p.rightly("%s lies on %s", dir, f.Name)
	}
}

func (p *patient) lookAtDisk(context.Context) {
	dir := existing(p.conf.StoreDir())
	free, err := p.free(dir)
	if err != nil {
		p.doubtfully("", "%v", err)
		return
	}
	size, unused := int64(0), int64(0)
	if info, err := os.Stat(p.conf.DB); err == nil {
		size = info.Size()
	}
	if p.status != nil {
		unused = p.status.Store.FreeBytes
	}
	switch {
	case free < int64(p.conf.MinFree):
		p.wrongly("free some room there, or set min-free in [daemon]", "%s has %s free, less than min-free (%s): nothing is imported", dir, term.Bytes(free), term.Bytes(int64(p.conf.MinFree)))
	case free < size-unused:
		p.doubtfully("free some room there, or write copies to another disk with db backup", "%s has %s free, too little for a copy of the store (%s), which db compact and an upgrade need", dir, term.Bytes(free), term.Bytes(size-unused))
	default:
		p.rightly("%s has %s free", dir, term.Bytes(free))
	}
	if text := halfFree(size, unused); text != "" {
		p.doubtfully("ttpcron db compact, with the daemon stopped, gives it back to the disk", "%s of the %s of the store are free pages", term.Bytes(unused), term.Bytes(size))
	}
}

// leastTemp is how little room for temporary files is doubtful: a dry run keeps a whole
// store there, and SQLite sorts there.
const leastTemp = 64 << 20

func (p *patient) lookAtTemp(context.Context) {
	dir := p.env["TMPDIR"]
	if dir == "" {
		dir = os.TempDir()
	}
	if err := p.user.May(dir, host.Write|host.Enter); err != nil {
		p.wrongly("TMPDIR names a folder that you may write to", "temporary files: %v", err)
		return
	}
	if free, err := p.free(dir); err == nil && free < leastTemp {
		p.doubtfully("TMPDIR names another folder", "%s has %s free for temporary files, which run-once --dry-run and large databases need", dir, term.Bytes(free))
		return
	}
	p.rightly("%s can be written to", dir)
}

func (p *patient) lookAtLimits(context.Context) {
	if limit, known := p.memoryLimit(); known && limit < memoryGoal {
		p.doubtfully("give it 256 MiB: it is killed when it needs more than it may have", "this process may have %s of memory, less than the %s that ttpcron aims at", term.Bytes(limit), term.Bytes(memoryGoal))
	}
	if limit, known := p.fileSizeLimit(); known {
		size := int64(0)
		if info, err := os.Stat(p.conf.DB); err == nil {
			size = info.Size()
		}
		if limit <= size {
			p.wrongly("ulimit -f unlimited, or LimitFSIZE=infinity in the unit", "files may have %s, and the store has %s", term.Bytes(limit), term.Bytes(size))
		} else {
			p.doubtfully("ulimit -f unlimited, or LimitFSIZE=infinity in the unit", "no file may have more than %s: the store cannot grow beyond that", term.Bytes(limit))
		}
	}
	p.lookAtAddressSpace()
	if !p.unwell("limits") {
		p.rightly("no limit on memory or file size is too low")
	}
}

// lookAtAddressSpace compares the store's size, now and at its limit, with the most that a
// 32-bit process can map.
func (p *patient) lookAtAddressSpace() {
	limit := p.largestStore()
	if limit == 0 {
		return
	}
	size := int64(0)
	if info, err := os.Stat(p.conf.DB); err == nil {
		size = info.Size()
	}
	use := "set max-size to " + term.Bytes(limit/4*3) + " or less, or use a 64-bit system"
	switch set := int64(p.conf.MaxSize); {
	case size > limit:
		p.wrongly("use a 64-bit system; db prune and db compact make it smaller there", "the store is %s, and a 32-bit process can map at most %s", term.Bytes(size), term.Bytes(limit))
	case size > limit/4*3:
		p.doubtfully("ttpcron db prune takes out old days; or use a 64-bit system", "the store is %s, and a 32-bit process can map at most %s: it cannot grow beyond that", term.Bytes(size), term.Bytes(limit))
	case set > limit/8*7:
		p.doubtfully(use, "max-size is %s, and a 32-bit process can map at most %s: the store stops growing before maintenance takes anything out", term.Bytes(set), term.Bytes(limit))
	case set == 0:
		p.doubtfully(use, "there is no max-size, and a 32-bit process can map a store of at most %s", term.Bytes(limit))
	}
}

// clockSlack is the step back of a clock that goes unmentioned.
const clockSlack = 5 * time.Minute

func (p *patient) lookAtClock(context.Context) {
	if p.now.Year() < 2020 {
		p.wrongly("set the clock", "the clock says %s", term.Time(p.now))
	}
	if p.status != nil {
		if at := p.status.Store.Arrived; at != nil && at.Sub(p.now) > clockSlack {
			p.wrongly("set the clock; nothing is taken out of the store while it is behind", "the clock says %s UTC, and the last events arrived at %s: it is behind, or was ahead", term.Time(p.now), term.Time(*at))
		}
	}
	if is, known := p.synchronised(); known && !is {
		p.doubtfully("timedatectl set-ntp true, or run chrony; in a virtual machine that its host sets this may be right", "nothing keeps the clock set, says the kernel")
	}
	if !p.unwell("clock") {
		zone, _ := p.now.Local().Zone()
		p.rightly("it is %s UTC; this machine shows times in %s, ttpcron in UTC", term.Time(p.now), zone)
	}
}

func (p *patient) lookAtRuns(context.Context) {
	if p.status == nil {
		return
	}
	limit := p.conf.HealthyWithin(p.now)
	switch runs := p.status.Runs; {
	case len(runs) == 0:
		p.doubtfully("ttpcron run-once makes the first", "there was no run yet, so that nothing is tagged")
	case runs[0].Finished == nil:
		if age := p.now.Sub(runs[0].Started); age > limit {
			p.doubtfully("the next run continues where it stopped", "the last run began %s and did not end: it is still running, or was killed", term.Away(runs[0].Started, p.now))
		}
	case runs[0].Outcome != "done":
		p.doubtfully("ttpcron run-once goes on, and says what is wrong", "the last run ended %s with %q", term.Away(*runs[0].Finished, p.now), runs[0].Outcome)
	case p.now.Sub(*runs[0].Finished) > limit:
		p.doubtfully("if it should run by itself: see daemon and systemd", "the last run ended %s", term.Away(*runs[0].Finished, p.now))
	}
	for _, s := range p.status.Sources {
		if late := s.UpdatedAt == nil || p.now.Sub(*s.UpdatedAt) > limit; s.Waiting > 0 && late && !s.Unclaimed && len(p.status.Runs) > 0 {
			p.doubtfully("ttpcron run-once takes them; a job with source in the config file may leave them out", "%s of %s wait for a run since %s", term.Plural(s.Waiting, "event", "events"), s.Source, sinceWhen(s.UpdatedAt, p.now))
		}
	}
	if !p.unwell("runs") && p.status.Runs[0].Finished == nil {
		p.rightly("a run began %s", term.Away(p.status.Runs[0].Started, p.now))
	} else if !p.unwell("runs") {
		p.rightly("the last run ended %s", term.Away(*p.status.Runs[0].Finished, p.now))
	}
}

func sinceWhen(t *time.Time, now time.Time) string {
	if t == nil {
		return "they came"
	}
	return term.Away(*t, now)
}

func (p *patient) lookAtKinds(context.Context) {
	if p.status == nil {
		return
	}
	if !p.status.ran && p.rules.RuleSet != nil {
		store.Claim(p.status.Sources, p.rules)
	}
	for _, s := range p.status.Sources {
		if s.Unclaimed && s.Events > 0 {
			p.doubtfully("write a rule for them, or name with kinds what is to be imported", "no rule looks at events of the kind %s, of which there are %s", s.Source, term.Count(s.Events))
		}
		if s.FutureEvents > 0 && s.FutureLatest != nil {
			p.doubtfully("set the clock of the sensor; such events stay, and are tagged", "%s of %s are dated ahead, up to %s", term.Plural(s.FutureEvents, "event", "events"), s.Source, term.Time(*s.FutureLatest))
		}
	}
	if held := p.status.Store.Held; held != nil {
		p.doubtfully("docs/config.md, retention and clocks, says why maintenance waits", "%s", held.Text)
	}
	if !p.unwell("kinds") && len(p.status.Sources) > 0 {
		p.rightly("rules apply to all %s of event", term.Plural(len(p.status.Sources), "kind", "kinds"))
	}
}

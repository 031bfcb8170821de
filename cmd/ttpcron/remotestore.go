package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// remoteStore is a store that a daemon has open. What has no bound is asked for
// in pages, so that nothing waits in the daemon while this process is slow.
type remoteStore struct {
	client *control.Client
	path   string
	wait   time.Duration // for a run that must end first
}

var _ store = remoteStore{}

// get calls a method that takes nothing.
func get[T any](ctx context.Context, s remoteStore, name string) (T, error) {
	return control.Call[none, T](ctx, s.client, name, none{})
}

func (s remoteStore) Path() string { return s.path }
func (s remoteStore) Close() error { return nil }

func (s remoteStore) Kinds(ctx context.Context) ([]ttpcron.SourceKind, error) {
	return get[[]ttpcron.SourceKind](ctx, s, "kinds")
}

func (s remoteStore) DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error) {
	return control.Call[daysFrom, []ttpcron.DayHistory](ctx, s.client, "days", daysFrom{kind, from})
}

func (s remoteStore) LastSeq(ctx context.Context) (uint64, error) {
	return get[uint64](ctx, s, "last-seq")
}

func (s remoteStore) Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		for after < upTo {
			page, err := control.Call[eventsOf, []ttpcron.Event](ctx, s.client, "events", eventsOf{kind, day, after, upTo})
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
			after = page[len(page)-1].Seq
		}
	}
}

// sendBytes is about how much is sent in one call.
const sendBytes = 1 << 20

// Import sends large batches in parts. The read position of the file goes with the last
// one, so that it is never ahead of what is stored.
func (s remoteStore) Import(ctx context.Context, b ttpcron.Batch) (total ttpcron.ImportReport, err error) {
	send := func(q importing) error {
		r, err := control.Call[importing, ttpcron.ImportReport](ctx, s.client, "import", q)
		total.Add(r)
		return err
	}
	last := importing{Rejects: wireRejects(b.Rejects), Position: b.Position}
	if len(last.Rejects) > sendBytes {
		for part := range parts(b.Rejects, wireRejects) {
			if err := send(importing{Rejects: part.wire}); err != nil {
				return total, err
			}
		}
		last.Rejects = nil
	}
	for part := range parts(b.Events, wireEvents) {
		if part.last {
			last.Events = part.wire
			break
		}
		if err := send(importing{Events: part.wire}); err != nil {
			return total, err
		}
	}
	return total, send(last)
}

// part is a part of a list as it is sent.
type part[T any] struct {
	items []T
	wire  []byte
	last  bool
}

// parts cuts a list into parts that one call can carry.
func parts[T any](list []T, write func([]T) []byte) iter.Seq[part[T]] {
	return func(yield func(part[T]) bool) {
		for len(list) > 0 {
			n, wire := 0, []byte(nil)
			for n < len(list) && (n == 0 || len(wire) < sendBytes) {
				one := write(list[n : n+1])
				if n > 0 && len(wire)+len(one) > sendBytes {
					break
				}
				wire = append(wire, one...)
				n++
			}
			if !yield(part[T]{list[:n], wire, n == len(list)}) {
				return
			}
			list = list[n:]
		}
	}
}

func (s remoteStore) Known(ctx context.Context, events []ttpcron.Event) ([]bool, error) {
	return askAbout(ctx, s, "known", events, wireEvents)
}

func (s remoteStore) KnownRejects(ctx context.Context, rejects []ttpcron.Reject) ([]bool, error) {
	return askAbout(ctx, s, "known-rejects", rejects, wireRejects)
}

// askAbout asks a method that gives an answer for each item.
func askAbout[T any](ctx context.Context, s remoteStore, method string, items []T, write func([]T) []byte) ([]bool, error) {
	var all []bool
	for part := range parts(items, write) {
		answers, err := control.Call[[]byte, []bool](ctx, s.client, method, part.wire)
		if err == nil && len(answers) != len(part.items) {
			err = fmt.Errorf("%s: the daemon answered for %d of %d", method, len(answers), len(part.items))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

func (s remoteStore) HeadLengths(ctx context.Context) ([]int, error) {
	return get[[]int](ctx, s, "head-lengths")
}

func (s remoteStore) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	return control.Call[positionsOf, []ttpcron.FilePosition](ctx, s.client, "find-positions", positionsOf{format, heads})
}

func (s remoteStore) FileLooks(ctx context.Context, paths []string) ([]ttpcron.FileLook, error) {
	return control.Call[[]string, []ttpcron.FileLook](ctx, s.client, "file-looks", paths)
}

func (s remoteStore) KeepLooks(ctx context.Context, looks []ttpcron.FileLook) error {
	_, err := control.Call[[]ttpcron.FileLook, none](ctx, s.client, "keep-looks", looks)
	return err
}

func (s remoteStore) ForgetFiles(ctx context.Context, seenBefore time.Time) (int, error) {
	return control.Call[time.Time, int](ctx, s.client, "forget-files", seenBefore)
}

// Commit is for runs, which need their turn: see heldStore.
func (s remoteStore) Commit(context.Context, ttpcron.Commit) (int, error) {
	return 0, errNoTurn
}

func (s remoteStore) HasTags(ctx context.Context, tags []ttpcron.Tag) (known int, err error) {
	for part := range parts(tags, wireTags) {
		n, err := control.Call[[]byte, int](ctx, s.client, "has-tags", part.wire)
		if err != nil {
			return 0, err
		}
		known += n
	}
	return known, nil
}

func (s remoteStore) RuleSet(ctx context.Context, fingerprint string) (ttpcron.RuleSet, bool, error) {
	r, err := control.Call[string, found[ttpcron.RuleSet]](ctx, s.client, "rule-set", fingerprint)
	return r.Value, r.OK, err
}

func (s remoteStore) Cursors(ctx context.Context) ([]ttpcron.Cursor, error) {
	return get[[]ttpcron.Cursor](ctx, s, "cursors")
}

func (s remoteStore) SetCursor(ctx context.Context, c ttpcron.Cursor) error {
	_, err := control.Call[exclusive[ttpcron.Cursor], none](ctx, s.client, "set-cursor", exclusive[ttpcron.Cursor]{s.wait, c})
	return err
}

func (s remoteStore) DeleteCursor(ctx context.Context, kind ttpcron.SourceKind) error {
	_, err := control.Call[exclusive[ttpcron.SourceKind], none](ctx, s.client, "delete-cursor", exclusive[ttpcron.SourceKind]{s.wait, kind})
	return err
}

func (s remoteStore) Tags(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[ttpcron.Tag, error] {
	return func(yield func(ttpcron.Tag, error) bool) {
		n := 0
		for at := (kv.TagPosition{}); !at.End; {
			about := maxTagPage
			if q.Limit > 0 {
				about = min(about, q.Limit-n)
			}
			page, err := control.Call[tagsFrom, tagPage](ctx, s.client, "tags", tagsFrom{q, at, about})
			if err != nil {
				yield(ttpcron.Tag{}, err)
				return
			}
			for _, t := range page.Tags {
				if !yield(t, nil) {
					return
				}
				if n++; n == q.Limit {
					return
				}
			}
			at = page.Next
		}
	}
}

func (s remoteStore) TagByUUID(ctx context.Context, u ttpcron.UUID) (ttpcron.Tag, bool, error) {
	r, err := control.Call[ttpcron.UUID, found[ttpcron.Tag]](ctx, s.client, "tag", u)
	return r.Value, r.OK, err
}

func (s remoteStore) EventByID(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, id string) (ttpcron.Event, bool, error) {
	r, err := control.Call[eventOf, found[ttpcron.Event]](ctx, s.client, "event", eventOf{kind, day, id})
	return r.Value, r.OK, err
}

func (s remoteStore) Summary(ctx context.Context, w ttpcron.Window) (ttpcron.Summary, error) {
	return control.Call[ttpcron.Window, ttpcron.Summary](ctx, s.client, "summary", w)
}

func (s remoteStore) Stats(ctx context.Context) (kv.Stats, error) {
	st, err := get[kv.Stats](ctx, s, "stats")
	st.Path = s.path // as it was named here
	return st, err
}

func (s remoteStore) Runs(ctx context.Context, limit int) ([]ttpcron.Run, error) {
	return control.Call[int, []ttpcron.Run](ctx, s.client, "runs", limit)
}

func (s remoteStore) Rejects(ctx context.Context) iter.Seq2[ttpcron.Reject, error] {
	return func(yield func(ttpcron.Reject, error) bool) {
		for after := uint64(0); ; {
			page, err := control.Call[uint64, rejectPage](ctx, s.client, "rejects", after)
			if err != nil {
				yield(ttpcron.Reject{}, err)
				return
			}
			for _, r := range page.Rejects {
				if !yield(r, nil) {
					return
				}
			}
			if len(page.Rejects) == 0 {
				return
			}
			after = page.Last
		}
	}
}

func (s remoteStore) RejectsDropped(ctx context.Context) (int, error) {
	return get[int](ctx, s, "rejects-dropped")
}

func (s remoteStore) RuleStates(ctx context.Context) ([]ttpcron.RuleState, error) {
	return get[[]ttpcron.RuleState](ctx, s, "rule-states")
}

func (s remoteStore) SetRuleState(ctx context.Context, st ttpcron.RuleState) error {
	_, err := control.Call[ttpcron.RuleState, none](ctx, s.client, "set-rule-state", st)
	return err
}

func (s remoteStore) ClearRuleState(ctx context.Context, ruleID, by string) error {
	_, err := control.Call[clearing, none](ctx, s.client, "clear-rule-state", clearing{ruleID, by})
	return err
}

func (s remoteStore) RuleVersions(ctx context.Context) ([]kv.VersionCount, error) {
	return get[[]kv.VersionCount](ctx, s, "rule-versions")
}

func (s remoteStore) Retirements(ctx context.Context) ([]ttpcron.Retirement, error) {
	return get[[]ttpcron.Retirement](ctx, s, "retirements")
}

func (s remoteStore) Retire(ctx context.Context, r ttpcron.Retirement) error {
	_, err := control.Call[ttpcron.Retirement, none](ctx, s.client, "retire", r)
	return err
}

func (s remoteStore) Unretire(ctx context.Context, ruleID string, version int, by, reason string) (bool, error) {
	return control.Call[unretiring, bool](ctx, s.client, "unretire", unretiring{ruleID, version, by, reason})
}

func (s remoteStore) Audit(ctx context.Context, limit int) ([]ttpcron.AuditEntry, error) {
	return control.Call[int, []ttpcron.AuditEntry](ctx, s.client, "audit", limit)
}

func (s remoteStore) Prune(ctx context.Context, p kv.Prune) (kv.PruneReport, error) {
	return control.Call[exclusive[kv.Prune], kv.PruneReport](ctx, s.client, "prune", exclusive[kv.Prune]{s.wait, p})
}

func (s remoteStore) ForgetHorizon(ctx context.Context, kind ttpcron.SourceKind) ([]kv.Horizon, error) {
	return control.Call[exclusive[ttpcron.SourceKind], []kv.Horizon](ctx, s.client, "forget-horizon", exclusive[ttpcron.SourceKind]{s.wait, kind})
}

// MeasureSpace shows no progress.
func (s remoteStore) MeasureSpace(ctx context.Context, _ func(kv.Progress)) (doctor.Space, error) {
	return get[doctor.Space](ctx, s, "space")
}

// Backup writes the copy that the daemon makes, with this process's rights.
func (s remoteStore) Backup(ctx context.Context, path string, replace bool, progress func(kv.Progress)) error {
	if _, err := os.Lstat(path); err == nil && !replace { // before the daemon takes the trouble
		return fmt.Errorf("back up the store to %s: %w", path, &doctor.ExistsError{Path: path})
	}
	err := control.CallFile(ctx, s.client, "backup", none{}, func(size int64, content io.Reader) error {
		return doctor.WriteCopy(ctx, path, replace, size, content, progress)
	})
	if err != nil {
		return fmt.Errorf("back up the store to %s: %w", path, err)
	}
	return nil
}

// storeIs says which file a store is.
type storeIs struct {
	Path          string // absolute, without symbolic links
	Device, Inode uint64
	Version       string // of the program that has it open
}

// resolve makes a path absolute and follows symbolic links as far as it may.
func resolve(path string) string {
	if p, err := filepath.Abs(path); err == nil {
		path = p
	}
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

func identify(path string) (storeIs, error) {
	is := storeIs{Path: resolve(path), Version: version}
	info, err := os.Stat(path)
	if err != nil {
		return is, err
	}
	is.Device, is.Inode = inode(info)
	return is, nil
}

func inode(info fs.FileInfo) (device, number uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino
}

// same reports whether a path leads to the store.
func (is storeIs) same(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return resolve(path) == is.Path // a folder that this user may not enter
	}
	device, number := inode(info)
	return device == is.Device && number == is.Inode
}

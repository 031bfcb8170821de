package daemon

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/kv"
)

// health is how the runs of a daemon went.
type health struct {
	mu      sync.Mutex
	success time.Time         // when the last run ended well
	ended   time.Duration     // the same, as time passed since the daemon began
	last    string            // what it did
	trouble map[string]string // what needs attention, by job
	changed string            // what the last reload brought and took away
	reload  string            // what was wrong with the last reload
	rules   string            // what was wrong with rules when they were last read
	damage  string            // damage that a job met in the store, until a run ends well
}

// text is the part of a status line that says how runs went.
func (h *health) text() string {
	h.mu.Lock()
	var text string
	if !h.success.IsZero() {
		text = fmt.Sprintf("; last run %s UTC: %s", h.success.UTC().Format(time.TimeOnly), h.last)
	}
	if h.changed != "" {
		text += "; " + h.changed
	}
	h.mu.Unlock()
	for _, trouble := range h.troubles() {
		text += "; TROUBLE: " + trouble
	}
	return text
}

// troubles lists what needs attention.
func (h *health) troubles() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := []string{h.reload, h.rules}
	for _, job := range slices.Sorted(maps.Keys(h.trouble)) {
		all = append(all, h.trouble[job])
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func (h *health) succeeded(at time.Time, passed time.Duration, did string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.success, h.ended, h.last, h.damage = at, passed, did, ""
}

// failed records why a job failed.
func (h *health) failed(job string, err error) {
	h.troubled(job, fmt.Sprintf("%s failed: %v", job, err))
	var damaged *kv.DamagedError
	var unsynced *kv.UnsyncedError
	if errors.As(err, &damaged) || errors.As(err, &unsynced) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.damage = err.Error()
	}
}

// troubled records what needs attention after a job's last run, "" for nothing.
func (h *health) troubled(job, trouble string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if trouble == "" {
		delete(h.trouble, job)
		return
	}
	if h.trouble == nil {
		h.trouble = map[string]string{}
	}
	h.trouble[job] = trouble
}

// keep forgets the trouble of jobs that are no longer configured.
func (h *health) keep(jobs []settings.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.trouble, func(job, _ string) bool {
		return !slices.ContainsFunc(jobs, func(j settings.Job) bool { return j.Name == job })
	})
}

// reloadFailed records why a configuration is refused.
func (h *health) reloadFailed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reload = "reload: " + err.Error()
}

// reloaded records what a reload changed, and what about it needs attention.
func (h *health) reloaded(at time.Time, ch settings.Change, trouble string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed, h.reload = "", trouble
	if text := ch.String(); text != "" {
		h.changed = fmt.Sprintf("reloaded %s UTC: %s", at.UTC().Format(time.TimeOnly), text)
	}
}

func (h *health) rulesLoaded(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = ""
	if err != nil {
		h.rules = err.Error()
	}
}

// saidOnce keeps repetitions in a job's runs out of the log: a message is logged again
// when it has changed, or was gone in between.
type saidOnce struct {
	before, now map[uint64]bool // by hashes
	whole       bool            // the run got to everything: what it did not say is over
}

// maxSaid bounds what is remembered from one run: no scan sees more files.
const maxSaid = 1_000_000

var saidSeed = maphash.MakeSeed()

// news reports whether the last run did not say that.
func (s *saidOnce) news(text string) bool {
	h := maphash.String(saidSeed, text)
	if s.now[h] {
		return false
	}
	if len(s.now) < maxSaid {
		s.now[h] = true
	}
	return !s.before[h]
}

// next begins another run.
func (s *saidOnce) next() {
	if !s.whole {
		for h := range s.before {
			if len(s.now) >= maxSaid {
				break
			}
			s.now[h] = true
		}
	}
	s.before, s.now, s.whole = s.now, map[uint64]bool{}, false
}

// saidBy returns what a job has logged. Only runs use it, one at a time.
func (d *runner) saidBy(job string) *saidOnce {
	if d.said == nil {
		d.said = map[string]*saidOnce{}
	}
	if d.said[job] == nil {
		d.said[job] = &saidOnce{}
	}
	return d.said[job]
}

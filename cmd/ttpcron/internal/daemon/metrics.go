package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/metrics"
	"github.com/ttpcron/ttpcron/tagger"
)

// observer counts the work of a daemon's runs.
type observer struct {
	*metrics.Metrics

	mu      sync.Mutex
	taggers []*tagger.Composite // of the run in progress
}

// Tagger remembers a tagger that a run has made.
func (o *observer) Tagger(t *tagger.Composite) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taggers = append(o.taggers, t)
}

// ended counts a finished run, with the caches of its taggers.
func (o *observer) ended(r *ttpcron.Run) {
	o.mu.Lock()
	made := o.taggers
	o.taggers = nil
	o.mu.Unlock()
	for _, t := range made {
		s := t.CacheStats()
		o.Memo(s.Hits, s.Misses)
	}
	o.Run(r)
}

// count counts a run that has ended, and has the file of metrics written.
func (d *runner) count(r *ttpcron.Run) {
	d.observer.ended(r)
	select {
	case d.runEnded <- struct{}{}:
	default: // somebody is about to look
	}
}

// timed is a run's store, with commits measured.
func (d *runner) timed() jobs.Store {
	s := d.store.Jobs()
	s.Ledger = timedLedger{s.Ledger, d.observer}
	return s
}

// timedLedger measures how long commits take.
type timedLedger struct {
	jobs.Ledger
	o *observer
}

func (s timedLedger) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	began := time.Now()
	n, err := s.Ledger.Commit(ctx, c)
	if len(c.Tags) > 0 {
		s.o.Batch(time.Since(began))
	}
	return n, err
}

// moment gathers the metrics that are looked up when somebody asks for them.
func (d *daemon) moment(ctx context.Context) (*metrics.State, error) {
	c := d.config()
	view := d.db.Under(c.Attack)
	st, err := view.Stats(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := d.store.Sources(ctx, st)
	if err != nil {
		return nil, err
	}
	techniques, err := view.TechniqueTotals(ctx)
	if err != nil {
		return nil, err
	}
	why, last := d.unhealthy()
	s := &metrics.State{
		Version: d.version, Healthy: why == "", Began: d.began, LastSuccess: last, StoreBytes: st.FileBytes, StoreFree: st.FreeBytes, DiskFree: -1,
		HeldEvents: st.Clock.Held.Events, HeldTags: st.Clock.Held.Tags,
		Rejects: st.Rejects, RulesInForce: d.inForce(), RulesRefused: int(d.refused.Load()),
	}
	if free, err := host.FreeBytes(c.StoreDir()); err == nil {
		s.DiskFree = free
	}
	if s.BaseMatches, s.MatchesWaiting, err = d.matches(ctx); err != nil {
		return nil, err
	}
	for _, src := range sources {
		s.Sources = append(s.Sources, metrics.Source{
			Name: src.Source, Events: src.Events, Tags: src.Tags, Waiting: src.Waiting, Moved: timeOrZero(src.UpdatedAt), Latest: timeOrZero(src.Latest), Future: src.FutureEvents,
		})
	}
	for _, t := range techniques {
		s.Techniques = append(s.Techniques, metrics.Technique{ID: t.Technique, Tags: t.Tags})
	}
	s.Levels = levels(&st)
	for _, j := range d.sched.Status() {
		s.Jobs = append(s.Jobs, metrics.Job{
			Name: j.Name, Running: j.Running, Started: j.Started, Next: j.Next,
			Runs: j.Runs, Failures: j.Failures, Stopped: j.Stopped, Skipped: j.Skipped, Missed: j.Missed,
		})
	}
	return s, nil
}

// matches counts correlations' base matches, and those that wait to be judged.
func (d *daemon) matches(ctx context.Context) (all, waiting int, err error) {
	for from := ttpcron.Day(0); ; {
		days, err := d.db.MatchDays(ctx, from)
		if err != nil || len(days) == 0 {
			return all, waiting, err
		}
		for i := range days {
			all += days[i].Matches
			waiting += days[i].Touched
		}
		from = days[len(days)-1].Day + 1
	}
}

// levels counts tags by level, with zeros.
func levels(st *kv.Stats) []metrics.Level {
	var all []metrics.Level
	for _, level := range ttpcron.Levels() {
		one := metrics.Level{Name: level.String()}
		for _, c := range st.Levels {
			if c.Level != level {
				continue
			}
			if one.Tags += c.Tags; c.Vantage == ttpcron.VantageHost {
				one.OfHosts += c.Tags
			}
		}
		all = append(all, one)
	}
	return all
}

func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// unhealthy says why /healthz is false, "" when it is true, and when a run last
// ended well. A daemon that has just begun is not unhealthy before the limit has
// passed.
func (d *daemon) unhealthy() (why string, last time.Time) {
	c := d.config()
	d.health.mu.Lock()
	last, ended, damage := d.health.success, d.health.ended, d.health.damage
	d.health.mu.Unlock()
	if damage != "" {
		return damage, last
	}
	limit := c.HealthyWithin(d.now())
	if age := d.passed() - ended; age > limit {
		return fmt.Sprintf("no run has ended well for %s, the limit is %s", age.Round(time.Second), limit), last
	}
	return "", last
}

// handlers are what HTTP serves, on the control socket and elsewhere.
func (d *daemon) handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /metrics": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var b bytes.Buffer
			s, err := d.moment(r.Context())
			if err == nil {
				err = d.observer.Write(&b, s)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", metrics.Format)
			_, _ = w.Write(b.Bytes())
		}),
		"GET /healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			if why, _ := d.unhealthy(); why != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				fmt.Fprintln(w, term.Clean(why))
				return
			}
			fmt.Fprintln(w, "ok")
			for _, trouble := range d.health.troubles() {
				fmt.Fprintln(w, "TROUBLE:", term.Clean(trouble))
			}
		}),
	}
}

// fileEvery is how often the metrics file is written, besides the end of runs.
const fileEvery = time.Minute

// writeMetrics keeps the metrics file fresh, if there is one. A file that a reload has
// dropped is removed: otherwise its readers would believe it for ever.
func (d *daemon) writeMetrics(ctx context.Context) error {
	ticker := time.NewTicker(fileEvery)
	defer ticker.Stop()
	said, written := "", ""
	for {
		c := d.config()
		if written != "" && written != c.MetricsFile {
			if err := os.Remove(written); err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.log.Warn("the file of metrics that is no longer written cannot be removed", "error", term.Clean(err.Error()))
			}
			written = ""
		}
		err := d.writeMetricsTo(ctx, c.MetricsFile)
		switch {
		case err == nil || errors.Is(err, context.Canceled):
			said = ""
		case err.Error() != said:
			said = err.Error()
			d.log.Error("metrics are not written", "error", term.Clean(said))
		}
		if err == nil {
			written = c.MetricsFile
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-d.runEnded:
		}
	}
}

// writeMetricsTo writes the file once, if it has a name.
func (d *daemon) writeMetricsTo(ctx context.Context, path string) error {
	if path == "" {
		return nil
	}
	s, err := d.moment(ctx)
	if err != nil {
		return err
	}
	return d.observer.WriteFile(path, s)
}

package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// CheckReport is what Check found out.
type CheckReport struct {
	Path   string
	Schema int
	Pages  int // pages read
	Events int // whole events
	Tags   int // whole tags
	Days   int // days with events, of all kinds, and days with tags

	Findings []Finding // at most MaxFindings
	More     int       // findings beyond those
}

// Damaged reports whether anything is wrong.
func (r *CheckReport) Damaged() bool { return len(r.Findings) > 0 }

// MaxFindings is how many findings a report lists; the rest are counted.
const MaxFindings = 1000

// What to do about a finding.
const (
	doHeader = "the store stands where the other header says; the next command that writes replaces this one"
	doFree   = "write nothing to it, free pages may be in use: ttpcron db recover makes a new file"
)

// Check reads a store's whole file and compares everything in it that can be checked
// against something else: the pages of bbolt, the checksum of every record, every tag with
// its event, and rollups, counters and indexes with a recount. It needs no working bbolt:
// no damage makes it panic. It takes a shared lock, and memory for one day's rollup.
//
// An error says that the file could not be checked, because it is missing, locked, not a
// store, or newer than this program.
func Check(ctx context.Context, path string, o Options) (CheckReport, error) {
	src, err := openSource(ctx, path, o.Options, false)
	if err != nil {
		return CheckReport{}, err
	}
	defer src.close()
	return src.check(ctx, o)
}

// errGaveWay ends a check that keeps others waiting.
var errGaveWay = errors.New("it kept writers waiting")

// checkTries is how often CheckOpen begins. After it gave way the file has room to
// double, or to grow by 1 GiB, before that happens again.
const checkTries = 5

// CheckOpen is like Check, for a store that is open. It checks the state of one moment, see
// [kv.DB.Freeze], while other calls continue. If the file must be mapped again meanwhile,
// it gives way and starts over.
func CheckOpen(ctx context.Context, db *kv.DB, o Options) (CheckReport, error) {
	for range checkTries {
		r, err := checkFrozen(ctx, db, o)
		if damage := (*kv.DamagedError)(nil); errors.As(err, &damage) {
			// Nobody reads or writes it any more, and its lock is released.
			if r, ferr := Check(ctx, db.Path(), o); ferr == nil {
				return r, nil
			}
		}
		if !errors.Is(err, errGaveWay) {
			return r, err
		}
	}
	return CheckReport{}, fmt.Errorf("check store %s: it grows faster than it can be read; check a copy (ttpcron db backup)", db.Path())
}

func checkFrozen(ctx context.Context, db *kv.DB, o Options) (CheckReport, error) {
	src, release, err := frozen(ctx, db)
	if err != nil {
		return CheckReport{}, fmt.Errorf("check store %s: %w", db.Path(), err)
	}
	defer release()
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	asked, show := time.Now(), o.Progress
	o.Progress = func(p kv.Progress) {
		if show != nil {
			show(p)
		}
		if time.Since(asked) > time.Second {
			if db.Blocked() {
				stop(errGaveWay)
			}
			asked = time.Now()
		}
	}
	r, err := src.check(work, o)
	if err != nil && ctx.Err() == nil && context.Cause(work) != nil {
		return r, context.Cause(work)
	}
	return r, err
}

// CheckReader checks a store as Check does, from any reader.
func CheckReader(ctx context.Context, r io.ReaderAt, size int64, o Options) (CheckReport, error) {
	s := &source{path: "store", top: map[string]page.Bucket{}}
	if err := s.openReader(r, size); err != nil {
		return CheckReport{}, err
	}
	defer s.blocks.Close()
	return s.check(ctx, o)
}

func (s *source) check(ctx context.Context, o Options) (CheckReport, error) {
	c := &checker{source: s, report: CheckReport{Path: s.path}, harmed: map[string]bool{}, recount: cmp.Or(o.AtOnce, maxRecount)}
	c.place, c.do = "file", layout.Recover
	if s.Header == nil {
		c.findf("no header is whole: %s; %s", s.Headers[0].Bad, s.Headers[1].Bad)
		return c.report, nil
	}
	c.watch(ctx, o.Progress, func(what string) { c.find(what) })
	if err := c.headers(); err != nil {
		return CheckReport{}, err
	}
	for _, step := range []func() error{c.start, c.claims, c.events, c.tags, c.records, c.rejects, c.purged, c.matches, c.pages} {
		if err := step(); err != nil {
			return CheckReport{}, err
		}
		if c.w.Err != nil {
			return CheckReport{}, fmt.Errorf("check store %s: %w", s.path, c.w.Err)
		}
	}
	return c.report, nil
}

// checker is the state of one check.
type checker struct {
	*source
	report  CheckReport
	recount int

	// The current position of the check.
	place, do string
	kind      ttpcron.SourceKind
	day       string

	harmed map[string]bool // places with damaged records, where a recount says nothing
	kinds  map[ttpcron.SourceKind]record.KindTotal
	days   map[ttpcron.SourceKind]dayCounts // as recounted
	seen   record.SeqSet                    // arrival numbers of the events that are stored
	named  record.Fingerprint               // given ids of the events that are stored
	queue  tagQueue                         // tags of the day at hand
}

func (c *checker) find(what string) {
	c.harmed[c.place] = true
	if len(c.report.Findings) == MaxFindings {
		c.report.More++
		return
	}
	c.report.Findings = append(c.report.Findings, Finding{Place: c.place, Kind: c.kind, Day: c.day, What: what, Do: c.do})
}

func (c *checker) findf(format string, args ...any) { c.find(fmt.Sprintf(format, args...)) }

// failed records an error as a finding. A record from a newer program is not a finding: it
// ends the check.
func (c *checker) failed(err error) {
	if newer := (*record.NewerError)(nil); errors.As(err, &newer) {
		c.w.Err = err
	} else if err != nil {
		c.find(err.Error())
	}
}

// at sets the current position of the check.
func (c *checker) at(place, do string) { c.place, c.do, c.kind, c.day = place, do, "", "" }

// headers checks the two headers.
func (c *checker) headers() error {
	for i := range c.Headers {
		if c.Headers[i].Bad != "" {
			c.at("file", doHeader)
			c.findf("header %d of 2 is not whole: %s", i+1, c.Headers[i].Bad)
		}
	}
	if c.Header.Sequence != 0 {
		c.at("file", layout.Rebuild)
		c.findf("the root bucket counts %d where it counts nothing", c.Header.Sequence)
	}
	return nil
}

// start reads the list of buckets and the bucket meta.
func (c *checker) start() error {
	c.at("file", layout.Recover)
	c.readTop()
	if err := c.metaRecords(); err != nil {
		return err
	}
	c.at("file", layout.Recover)
	for i := range layout.Buckets {
		in := &layout.Buckets[i]
		b, ok := c.top[in.Name]
		if !ok && !in.Late {
			c.findf("bucket %q is missing", in.Name)
		}
		if b.Sequence != 0 && in.Number == layout.Unused {
			c.do = layout.Rebuild
			c.findf("bucket %q counts %d where it counts nothing", in.Name, b.Sequence)
			c.do = layout.Recover
		}
	}
	for name, b := range c.top {
		if layout.Find(name) == nil {
			c.findf("bucket %q belongs to no part of the store", name)
			c.pass(b, 0)
		}
	}
	return nil
}

// pass visits a bucket only for its pages.
func (s *source) pass(b page.Bucket, depth int) {
	s.w.Each(b, func(e page.Element) {
		if ref, bad := page.ParseBucket(e.Value); e.Bucket && bad == "" && depth < page.MaxDepth {
			s.pass(ref, depth+1)
		}
	})
}

// metaRecords checks the bucket meta.
func (c *checker) metaRecords() error {
	c.at("meta", layout.Recover)
	found := map[string]bool{}
	c.values(c.top[layout.Meta], func(k, v []byte) {
		found[string(k)] = true
		known, err := c.meta.Read(k, v)
		switch {
		case !known:
			c.findf("record %q belongs to no part of the store", k)
		case err != nil:
			c.failed(fmt.Errorf("record %q: %w", k, err))
		}
	})
	if len(found) == 0 && c.w.Err == nil {
		return &kv.NotStoreError{Path: c.path, Reason: "it is the database of another program, or damaged at its root"}
	}
	for _, k := range [][]byte{record.KeySchema, record.KeySecret} {
		if !found[string(k)] {
			c.findf("record %q is missing", k)
		}
	}
	c.report.Schema = c.meta.Schema
	if c.meta.Schema > kv.Schema {
		return &kv.NewerError{Path: c.path, Schema: c.meta.Schema, Highest: kv.Schema}
	}
	if c.meta.Upgrading {
		return &kv.OlderError{Path: c.path, Schema: kv.Schema - 1, Needed: kv.Schema}
	}
	if c.meta.Schema > 0 && c.meta.Schema < kv.Schema {
		return &kv.OlderError{Path: c.path, Schema: c.meta.Schema, Needed: kv.Schema}
	}
	return nil
}

// claims reads the claims, which tags refer to by number.
func (c *checker) claims() error {
	c.at("claims", layout.Recover)
	c.readClaims(c.failed)
	return nil
}

// pages checks that every page is used once or free, and not both.
func (c *checker) pages() error {
	c.at("file", doFree)
	c.report.Pages = int(c.Header.Pages)
	used := c.harmed["file"]
	for place := range c.harmed {
		used = used || place != "" // pages below a damaged one were not visited
	}
	free := page.NewBitmap(c.Header.Pages)
	if c.Header.Freelist == page.NoFreelist {
		c.find("the list of free pages is missing")
		return nil
	}
	outside, both, twice := 0, 0, 0
	p, bad, err := c.Freelist(func(id uint64) {
		switch {
		case id < 2 || id >= c.Header.Pages:
			outside++
		case c.w.Seen.Has(id):
			both++
		case !free.Add(id):
			twice++
		}
	})
	if err != nil {
		bad = err.Error()
	}
	if bad != "" {
		c.find(bad)
	}
	if outside+both+twice > 0 {
		c.findf("the list of free pages holds %d pages that are in use, %d twice and %d outside of the file", both, twice, outside)
	}
	if p.Data != nil {
		for i := range uint64(p.Overflow) + 1 {
			if !c.w.Seen.Add(p.ID+i) || free.Has(p.ID+i) {
				c.findf("page %d of the list of free pages is used otherwise", p.ID+i)
			}
		}
	}
	lost := 0
	for id := uint64(2); id < c.Header.Pages; id++ {
		if !c.w.Seen.Has(id) && !free.Has(id) {
			lost++
		}
	}
	if lost > 0 && !used {
		c.findf("%d pages are neither in use nor free", lost)
	}
	return nil
}

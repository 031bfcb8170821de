package kv

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Finding is one thing that is wrong with a store.
type Finding struct {
	Place string             // "file", or the bucket: "history", "tags", "rollups" …
	Kind  ttpcron.SourceKind // empty where it concerns no kind, or all
	Day   string             // YYYY-MM-DD, empty where it concerns no day, or many
	What  string
	Do    string // what to do about it
}

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

// MaxFindings is how many findings a report holds; the rest is counted.
const MaxFindings = 1000

// Progress says how far checking, recovering or copying a store has come.
type Progress struct {
	Place string // what is being read
	Done  int64  // pages, days or bytes
	Total int64  // 0 when it is not known
}

// FileOptions says how to treat a store's file as a whole.
type FileOptions struct {
	Options
	Progress func(Progress) // nil for none; called often

	recount int // what Check counts at once, 0: maxRecount
}

// What to do about a finding.
const (
	doRecover = "restore a backup (ttpcron db restore), or save the rest into a new file (ttpcron db recover)"
	doRebuild = "no event or tag is lost by it: ttpcron db recover makes a new file with it set right"
	doHeader  = "the store stands where the other header says; the next command that writes replaces this one"
	doFree    = "write nothing to it, free pages may be in use: ttpcron db recover makes a new file"
)

// Check reads a store's file from one end to the other and compares everything
// in it that can be told from something else: the pages of bbolt, the checksum
// of every record, the UUID of every tag with its fields, and rollups, counters
// and indexes with a recount. It needs no working bbolt: no damage makes it
// panic. It takes a shared lock, and memory for one day's rollup.
//
// An error says that the file could not be checked, because it is missing,
// locked, no store at all, or newer than this program.
func Check(ctx context.Context, path string, o FileOptions) (CheckReport, error) {
	src, err := openSource(ctx, path, o.Options, false)
	if err != nil {
		return CheckReport{}, err
	}
	defer src.close()
	return src.check(ctx, o)
}

func (s *source) check(ctx context.Context, o FileOptions) (CheckReport, error) {
	c := &checker{source: s, report: CheckReport{Path: s.path}, harmed: map[string]bool{}, recount: cmp.Or(o.recount, maxRecount)}
	c.place, c.do = "file", doRecover
	if s.meta == nil {
		c.findf("no header is whole: %s; %s", s.metas[0].bad, s.metas[1].bad)
		return c.report, nil
	}
	c.watch(ctx, o.Progress, func(what string) { c.find(what) })
	if err := c.headers(); err != nil {
		return CheckReport{}, err
	}
	for _, step := range []func() error{c.start, c.claims, c.events, c.tags, c.marks, c.pages} {
		if err := step(); err != nil {
			return CheckReport{}, err
		}
		if c.w.err != nil {
			return CheckReport{}, fmt.Errorf("check store %s: %w", s.path, c.w.err)
		}
	}
	return c.report, nil
}

// checker checks a source.
type checker struct {
	*source
	report  CheckReport
	recount int

	// Where the check stands.
	place, do string
	kind      ttpcron.SourceKind
	day       string

	arrival uint64
	dropped uint64          // rejects
	harmed  map[string]bool // places with damaged records, where a recount says nothing
	kinds   map[ttpcron.SourceKind]record.KindTotal
	days    map[ttpcron.SourceKind]dayCounts // as recounted
	named   record.Fingerprint               // given ids of the events that are stored
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

// failed notes an error as a finding.
func (c *checker) failed(err error) {
	if err != nil {
		c.find(err.Error())
	}
}

// at says where the check stands.
func (c *checker) at(place, do string) { c.place, c.do, c.kind, c.day = place, do, "", "" }

// headers checks the two headers.
func (c *checker) headers() error {
	for i := range c.metas {
		if c.metas[i].bad != "" {
			c.at("file", doHeader)
			c.findf("header %d of 2 is not whole: %s", i+1, c.metas[i].bad)
		}
	}
	if c.meta.sequence != 0 {
		c.at("file", doRebuild)
		c.findf("the root bucket counts %d where it counts nothing", c.meta.sequence)
	}
	return nil
}

// start reads the list of buckets and the bucket meta.
func (c *checker) start() error {
	c.at("file", doRecover)
	c.readTop()
	if err := c.metaRecords(); err != nil {
		return err
	}
	c.at("file", doRecover)
	for _, name := range allBuckets {
		b, ok := c.top[string(name)]
		if !ok {
			c.findf("bucket %q is missing", name)
		}
		if b.sequence != 0 && !counts[string(name)] {
			c.do = doRebuild
			c.findf("bucket %q counts %d where it counts nothing", name, b.sequence)
			c.do = doRecover
		}
	}
	for name, b := range c.top {
		if !known(name) {
			c.findf("bucket %q belongs to no part of the store", name)
			c.pass(b, 0)
		}
	}
	return nil
}

// counts names the buckets whose sequence counts something.
var counts = map[string]bool{string(bucketRuns): true, string(bucketMarks): true, string(bucketLooks): true, string(bucketRejects): true, string(bucketAudit): true}

// pass visits a bucket, whatever it is, for the sake of its pages.
func (s *source) pass(b bucketRef, depth int) {
	s.w.each(b, func(e element) {
		if ref, bad := parseBucket(e.value); e.bucket && bad == "" && depth < maxTreeDepth {
			s.pass(ref, depth+1)
		}
	})
}

// metaRecords checks the bucket meta.
func (c *checker) metaRecords() error {
	c.at("meta", doRecover)
	found := map[string]bool{}
	c.values(c.top[string(bucketMeta)], func(k, v []byte) {
		found[string(k)] = true
		known, err := record.CheckMeta(k, v)
		switch {
		case !known:
			c.findf("record %q belongs to no part of the store", k)
		case err != nil:
			c.failed(fmt.Errorf("record %q: %w", k, err))
		}
		switch string(k) {
		case string(record.KeySchema):
			c.schema, _ = record.ReadSchema(v)
		case string(record.KeySecret):
			c.secret, _ = record.ReadSecret(v)
		case string(record.KeyArrival):
			c.arrival, _ = record.ReadArrival(v)
		case string(record.KeyDropped):
			c.dropped, _ = record.ReadDropped(v)
		}
	})
	if len(found) == 0 && c.w.err == nil {
		return &NotStoreError{Path: c.path, Reason: "it is a bbolt file of another program, or damaged at its root"}
	}
	for _, k := range [][]byte{record.KeySchema, record.KeySecret} {
		if !found[string(k)] {
			c.findf("record %q is missing", k)
		}
	}
	c.report.Schema = c.schema
	if c.schema > schema {
		return &NewerError{Path: c.path, Schema: c.schema, Highest: schema}
	}
	if c.schema > 0 && c.schema < schema {
		return &OlderError{Path: c.path, Schema: c.schema, Needed: schema}
	}
	return nil
}

// claims reads the claims, to which tags refer by number.
func (c *checker) claims() error {
	c.at("claims", doRecover)
	c.readClaims(func(format string, args ...any) { c.findf(format, args...) })
	return nil
}

// pages checks that every page is used once or free, and not both.
func (c *checker) pages() error {
	c.at("file", doFree)
	c.report.Pages = int(c.meta.pages)
	used := c.harmed["file"]
	for place := range c.harmed {
		used = used || place != "" // pages below a damaged one were not visited
	}
	free := newBitmap(c.meta.pages)
	if c.meta.freelist == noFreelist {
		c.find("the list of free pages is missing")
		return nil
	}
	outside, both, twice := 0, 0, 0
	p, bad, err := c.freelist(func(id uint64) {
		switch {
		case id < 2 || id >= c.meta.pages:
			outside++
		case c.w.seen.has(id):
			both++
		case !free.add(id):
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
	if p.data != nil {
		for i := range uint64(p.overflow) + 1 {
			if !c.w.seen.add(p.id+i) || free.has(p.id+i) {
				c.findf("page %d of the list of free pages is used otherwise", p.id+i)
			}
		}
	}
	lost := 0
	for id := uint64(2); id < c.meta.pages; id++ {
		if !c.w.seen.has(id) && !free.has(id) {
			lost++
		}
	}
	if lost > 0 && !used {
		c.findf("%d pages are neither in use nor free", lost)
	}
	return nil
}

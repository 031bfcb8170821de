package doctor

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// passOthers visits the pages of all other buckets, so that they are not taken
// for stray. They are read, and count as read, later.
func (r *recovery) passOthers() {
	bad, read := r.w.Bad, r.w.Read
	r.w.Bad, r.w.Read = func(string) {}, func(int) { read(0) }
	for name, b := range r.top {
		switch name {
		case layout.History, layout.Meta, layout.Claims, layout.Pruned:
		default:
			r.pass(b, 0)
		}
	}
	r.w.Bad, r.w.Read = bad, read
}

// stray are blocks and tags on pages that nothing leads to and that are not free: a
// damaged page above hides them. Free pages have old data. They are searched only if they
// cannot be identified and something is missing. The checksums, which cover kind and day,
// show what belongs where: every name that was seen as a bucket's name is tried.
type stray struct {
	over   func(id uint64) bool // pages to be passed over
	unsure bool                 // which pages are free is not known
	named  bool                 // the names have been gathered
	kinds  []ttpcron.SourceKind
	days   []ttpcron.Day
	isDay  map[ttpcron.Day]bool
	day    int // the day in days that was right last
	blocks []foundBlock
}

type foundBlock struct {
	at     record.KindDay
	first  uint64
	events int
	bytes  int
	page   uint64
}

// newStray finds the free pages.
func (r *recovery) newStray() *stray {
	free := page.NewBitmap(r.Header.Pages)
	f := &stray{isDay: map[ttpcron.Day]bool{}, over: func(id uint64) bool { return free.Has(id) || id == r.Header.Freelist }}
	if r.report.NoHeader {
		return f
	}
	_, bad, err := r.Freelist(func(id uint64) {
		if id < r.Header.Pages {
			free.Add(id)
		}
	})
	if bad != "" || err != nil || r.Header.Freelist == page.NoFreelist {
		r.place, r.kind, r.day = "stray pages", "", 0
		r.find("the list of free pages cannot be read")
		free, f.unsure = page.NewBitmap(r.Header.Pages), true
	}
	return f
}

// wanted reports whether it is worth a search.
func (f *stray) wanted(r *recovery) bool {
	return !f.unsure || r.report.LostBlocks+r.report.LostTags+len(r.report.LostDays) > 0
}

// names collects the names of buckets, wherever they are.
func (f *stray) names(r *recovery) {
	if f.named {
		return
	}
	f.named = true
	for i := range layout.Buckets {
		if b, ok := r.top[layout.Buckets[i].Name]; ok && layout.Buckets[i].Nested != layout.Flat {
			seen := r.w.Seen
			r.w.Seen = page.NewBitmap(r.Header.Pages)
			bad := r.w.Bad
			r.w.Bad = func(string) {}
			r.directory(b, func(name string, _ page.Bucket) { f.name([]byte(name)) })
			r.w.Seen, r.w.Bad = seen, bad
		}
	}
	r.eachStray(f.over, nil, func(_ uint64, e page.Element) {
		if e.Bucket {
			f.name(e.Key)
		} else if r.report.NoHeader {
			r.foundClaim(e)
		}
	})
}

// searchBlocks takes over the blocks on pages that were not visited.
func (f *stray) searchBlocks(r *recovery) {
	if !f.wanted(r) {
		return
	}
	r.place, r.kind, r.day = "stray pages", "", 0
	r.flush()
	first := r.report.Events
	f.names(r)
	r.eachStray(f.over, r.w.Read, func(id uint64, e page.Element) {
		if !e.Bucket {
			r.findBlocks(id, e.Key, e.Value, f)
		}
	})
	r.strayBlocks(f)
	r.flush()
	r.report.Stray += r.report.Events - first
}

// searchTags takes over the tags on pages that were not visited.
func (f *stray) searchTags(r *recovery) {
	if !f.wanted(r) {
		return
	}
	r.place, r.kind, r.day = "stray pages", "", 0
	r.flush()
	first := r.report.Tags
	f.names(r)
	r.eachStray(f.over, nil, func(_ uint64, e page.Element) {
		if !e.Bucket {
			r.strayTag(e.Key, e.Value, f)
		}
	})
	r.flush()
	r.report.Stray += r.report.Tags - first
}

// name records the name of a bucket, which is a day or a kind.
func (f *stray) name(name []byte) {
	if day, ok := record.ParseDay(name); ok && !f.isDay[day] {
		f.isDay[day] = true
		f.days = append(f.days, day)
	}
	e := ttpcron.Event{Kind: ttpcron.SourceKind(name), Time: ttpcron.Day(0).Start(), AttackerIP: "0.0.0.0"}
	if e.Validate() == nil && !slices.Contains(f.kinds, e.Kind) {
		f.kinds = append(f.kinds, e.Kind)
	}
}

// foundClaim keeps a new claim.
func (r *recovery) foundClaim(e page.Element) {
	if e.Bucket || len(e.Key) != 4 {
		return
	}
	const most = 1 << 20 // rules make claims, attackers cannot
	id := binary.BigEndian.Uint32(e.Key)
	if id == 0 || id > most {
		return
	}
	c, err := record.ReadClaim(e.Key, e.Value)
	if err != nil {
		return
	}
	for uint32(len(r.claimList)) < id {
		r.claimList = append(r.claimList, nil)
	}
	if r.claimList[id-1] == nil {
		r.claimList[id-1] = &c
	}
}

// eachStray calls do for the entries of the leaves that were not visited, and of
// the small buckets in them.
func (r *recovery) eachStray(over func(id uint64) bool, read func(pages int), do func(page uint64, e page.Element)) {
	for id := uint64(2); id < r.Header.Pages && r.w.Err == nil; id++ {
		if r.w.Seen.Has(id) || over(id) {
			continue
		}
		if r.err = r.ctx.Err(); r.err != nil {
			return
		}
		if read != nil {
			read(1)
		}
		p, err := r.Page(id)
		if err != nil || p.Bad != "" || p.Flags != page.FlagLeaf {
			continue
		}
		elements, _ := p.Elements(nil)
		for _, e := range elements {
			do(id, e)
			if ref, bad := page.ParseBucket(e.Value); e.Bucket && bad == "" && ref.Inline != nil {
				le := binary.LittleEndian
				in := page.Page{Data: ref.Inline, Flags: page.FlagLeaf, Count: int(le.Uint16(ref.Inline[10:]))}
				entries, _ := in.Elements(nil)
				for _, e := range entries {
					do(id, e)
				}
			}
		}
		r.Done(p.Data)
	}
}

// findBlocks records an entry that is a block.
func (r *recovery) findBlocks(page uint64, k, v []byte, f *stray) {
	if day, first, ok := record.ParseBlockKey(k); ok {
		for _, kind := range f.kinds {
			if events, err := r.blocks.Read(kind, day, first, v); err == nil {
				f.blocks = append(f.blocks, foundBlock{record.KindDay{Kind: kind, Day: day}, first, len(events), len(v), page})
				return
			}
		}
	}
}

// strayTag keeps an entry that is a tag.
func (r *recovery) strayTag(k, v []byte, f *stray) {
	if _, _, ok := record.ParseTagKey(k); !ok {
		return
	}
	for i := range f.days {
		// Most tags are next to another of their day.
		n := (f.day + i) % len(f.days)
		if record.CheckSum(v, record.DayKey(f.days[n]), k) != nil {
			continue
		}
		f.day = n
		if t, cl, _, err := r.tagRecord(f.days[n], k, v); err == nil {
			r.keep(f.days[n], k, t, cl)
		} else if r.day = f.days[n]; r.failed(err) {
			r.report.LostTags++
			r.loseDay()
		}
		r.day = 0
		return
	}
}

// strayBlocks copies the blocks that were found. If several begin with the same event,
// they are states of one block. The latest has the most events and, since events learn,
// the most bytes.
func (r *recovery) strayBlocks(f *stray) {
	slices.SortFunc(f.blocks, func(a, b foundBlock) int {
		return cmp.Or(cmp.Compare(a.at.Kind, b.at.Kind), cmp.Compare(a.at.Day, b.at.Day), cmp.Compare(a.first, b.first), cmp.Compare(b.events, a.events), cmp.Compare(b.bytes, a.bytes))
	})
	for i, b := range f.blocks {
		if i > 0 && f.blocks[i-1].at == b.at && f.blocks[i-1].first == b.first {
			continue
		}
		r.strayBlock(b)
	}
}

// strayBlock reads a block again and takes it over.
func (r *recovery) strayBlock(b foundBlock) {
	p, err := r.Page(b.page)
	if err != nil || p.Bad != "" {
		return
	}
	defer r.Done(p.Data)
	key := record.BlockKey(b.at.Day, b.first)
	elements, _ := p.Elements(nil)
	for _, e := range elements {
		values := []page.Element{e}
		if ref, bad := page.ParseBucket(e.Value); e.Bucket && bad == "" && ref.Inline != nil {
			in := page.Page{Data: ref.Inline, Flags: page.FlagLeaf, Count: int(binary.LittleEndian.Uint16(ref.Inline[10:]))}
			values, _ = in.Elements(nil)
		}
		for _, e := range values {
			if e.Bucket || !bytes.Equal(e.Key, key) {
				continue
			}
			if events, err := r.blocks.Read(b.at.Kind, b.at.Day, b.first, e.Value); err == nil && len(events) == b.events {
				r.kind, r.day = b.at.Kind, b.at.Day
				r.strayEvents(events)
				r.kind, r.day = "", 0
				return
			}
		}
	}
}

// strayEvents copies the events of a block that was found. Those that arrived before the
// stored ones of their day get their own blocks in front of these.
func (r *recovery) strayEvents(events []ttpcron.Event) {
	r.flush()
	at := record.KindDay{Kind: r.kind, Day: r.day}
	if r.err != nil || len(events) == 0 {
		return
	}
	if events[0].Seq > r.last[at] {
		r.take(events)
		return
	}
	r.err = r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error {
		n, err := t.Insert(at, events)
		r.report.Events += n
		return err
	})
}

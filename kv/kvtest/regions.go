package kvtest

import (
	"bytes"
	"testing"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
)

// Region is a stretch of a store's file.
type Region struct {
	Sort     string // header, free list, branch, or the bucket that a leaf belongs to
	Of       string // the bucket that a leaf or branch belongs to
	From, To int
}

// Regions says what each page of a store's file that is in use belongs to; small
// buckets lie within a page of the root.
func Regions(t testing.TB, content []byte) (list []Region) {
	t.Helper()
	f, err := page.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	w := &page.Walker{File: f, Seen: page.NewBitmap(f.Header.Pages), Bad: func(what string) { t.Fatal(what) }}
	seen := page.NewBitmap(f.Header.Pages)
	pages := func(sort string) {
		for id := uint64(2); id < f.Header.Pages; id++ {
			if !w.Seen.Has(id) || !seen.Add(id) {
				continue
			}
			p, err := f.Page(id)
			name := sort
			if err == nil && p.Flags == page.FlagBranch {
				name = "branch"
			}
			from := int(id) * page.Size
			list = append(list, Region{name, sort, from, from + (int(p.Overflow)+1)*page.Size})
			for i := range uint64(p.Overflow) + 1 {
				seen.Add(id + i)
			}
		}
	}
	list = append(list, Region{"header", "", 0, page.Size}, Region{"header", "", page.Size, 2 * page.Size})
	from := int(f.Header.Freelist) * page.Size
	list = append(list, Region{"free list", "", from, from + page.Size})
	root, top := page.Bucket{Root: f.Header.Root}, map[string]page.Bucket{}
	w.Each(root, func(e page.Element) {
		ref, bad := root.Sub(e)
		if bad != "" {
			t.Fatal(bad)
		}
		top[string(e.Key)] = ref
	})
	pages("root")
	for _, in := range layout.Buckets {
		b, ok := top[in.Name]
		if !ok {
			continue
		}
		if at := bytes.Index(content, b.Inline); b.Inline != nil && at >= 0 {
			for from := int(f.Header.Root) * page.Size; at < from; { // not in an old page
				next := bytes.Index(content[at+1:], b.Inline)
				if next < 0 {
					break
				}
				at += 1 + next
			}
			list = append(list, Region{in.Name, in.Name, at, at + len(b.Inline)})
			continue
		}
		passOver(w, b)
		pages(in.Name)
	}
	return list
}

// passOver visits the pages of a bucket and of those in it.
func passOver(w *page.Walker, b page.Bucket) {
	w.Each(b, func(e page.Element) {
		if ref, bad := page.ParseBucket(e.Value); e.Bucket && bad == "" {
			passOver(w, ref)
		}
	})
}

package tagger

import (
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// heap is the memory in use after a collection, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // pools keep what they hold through one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestRelease: after a release, a used set takes no more memory than before its use, and
// gives the same tags again.
func TestRelease(t *testing.T) {
	rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}, Releases: []AttackRelease{{Name: "enterprise-v18.1"}}})
	commands := testlogs.All(t)[0].Commands(t)
	tag := func() (n int) {
		c := rs.WithStates(nil, time.Time{}).Tagger(nil)
		for _, text := range commands {
			tags, _ := c.Tag(commandEvent(text), nil)
			n += len(tags)
		}
		return n
	}
	unused := heap()
	want := tag()
	used := heap()
	for range 2 {
		rs.Release()
		if released := heap(); released > unused+(used-unused)/10 {
			t.Errorf("%d KiB before use, %d used, %d released", unused>>10, used>>10, released>>10)
		}
		if got := tag(); got != want || want == 0 {
			t.Errorf("%d tags, and before the release %d", got, want)
		}
	}
	if used < unused+1<<20 {
		t.Errorf("use takes only %d KiB: this test says nothing", (used-unused)>>10)
	}
	runtime.KeepAlive(rs)
}

// TestReleaseWhileTagging: a release disturbs no tagger.
func TestReleaseWhileTagging(t *testing.T) {
	rs := loadEmbedded()
	commands := testlogs.All(t)[0].Commands(t)[:200]
	tag := func() (tags []ttpcron.Tag) {
		c := rs.Tagger(nil)
		for _, text := range commands {
			tags, _ = c.Tag(commandEvent(text), tags)
		}
		return tags
	}
	want := tag()
	done := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				rs.Release()
				runtime.Gosched()
			}
		}
	})
	for range 3 {
		if got := tag(); !reflect.DeepEqual(got, want) {
			t.Errorf("%d tags, want %d", len(got), len(want))
		}
	}
	close(done)
	others.Wait()
}

package kv_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestReadersOfTags reads pages of tags while events and tags are added, so that the
// blocks that readers pass on change: every tag agrees with its event, whoever read its
// block before.
func TestReadersOfTags(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	whole := func(tag *ttpcron.Tag) error {
		if want := fmt.Sprintf(`"command_text":"echo %s"`, tag.SessionID); tag.SessionID == "" || !strings.Contains(string(tag.Evidence), want) {
			return fmt.Errorf("tag of session %s has the evidence %s", tag.SessionID, tag.Evidence)
		}
		return nil
	}
	for i := range 3 {
		readers.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				for at := (kv.TagPosition{}); !at.End; {
					page, next, err := db.Under(nil).TagPage(ctx, ttpcron.TagQuery{}, at, 40*(i+1))
					for k := 0; err == nil && k < len(page); k++ {
						err = whole(&page[k])
					}
					if err != nil {
						t.Error(err)
						return
					}
					at = next
				}
				for tag, err := range db.Tags(ctx, ttpcron.TagQuery{Limit: 7}) {
					if err == nil {
						err = whole(&tag)
					}
					for same, err := range db.Tags(ctx, ttpcron.TagQuery{Session: tag.SessionID}) {
						if err != nil || whole(&same) != nil || same.SessionID != tag.SessionID {
							t.Errorf("%+v, %v", same, err)
							return
						}
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	start := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	seq, want := uint64(0), 0
	for n := range 60 {
		events := make([]ttpcron.Event, 17)
		for i := range events {
			session := fmt.Sprintf("s-%d-%d", n, i)
			events[i] = ttpcron.Event{
				Kind: ttpcron.Command, Time: start.Add(time.Duration(i*60+n) * time.Second), AttackerIP: fmt.Sprint("192.0.2.", i),
				SessionID: session, Payload: ttpcron.TextPayload("command_text", "echo "+session),
			}
		}
		importAll(t, db, events)
		var tags []ttpcron.Tag
		for i := range events {
			seq++
			e := events[i]
			e.Seq = seq
			tags = append(tags, tagOf(&e, 0))
		}
		if _, err := db.Commit(ctx, ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
		want += len(tags)
	}
	close(stop)
	readers.Wait()
	if got := tagsOf(t, db, ttpcron.TagQuery{}); len(got) != want {
		t.Errorf("%d tags, want %d", len(got), want)
	}
}

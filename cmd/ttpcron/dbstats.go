package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbStats() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		Name: "db stats", Short: "show what takes up space in the store", Flags: fs,
		Text: `Shows the records, pages and share of the file for every part of the store. FILL
is how much of those pages holds data. ARCHITECTURE.md says what each part is
for.`,
		Examples: "ttpcron db stats\nttpcron db stats --json | jq '.parts[] | {name, bytes}'",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			show, done := watchFile(s.out, s.log, s.now, "measure", pageBytes)
			space, err := measureSpace(ctx, s.stores, show)
			done()
			if err != nil {
				return s.stores.ForItself(ctx, err)
			}
			parts, err := spaceOf(ctx, s.stores, space)
			if err != nil {
				return err
			}
			if *asJSON {
				return s.out.JSON(parts)
			}
			return printSpace(s.out, parts)
		},
	}
}

func measureSpace(ctx context.Context, stores *store.Opener, show func(kv.Progress)) (doctor.Space, error) {
	if db, ok := stores.OfDaemon(ctx); ok {
		return db.File.MeasureSpace(ctx, show)
	}
	return doctor.MeasureSpace(ctx, stores.DB, stores.FileOptions(show))
}

type spaceJSON struct {
	Path          string      `json:"path"`
	Bytes         int64       `json:"bytes"`
	FreeBytes     int64       `json:"free_bytes"`
	Events        int         `json:"events"`
	Tags          int         `json:"tags"`
	BytesPerEvent float64     `json:"bytes_per_event"` // of history and its indexes
	BytesPerTag   float64     `json:"bytes_per_tag"`   // of tags and what counts them
	Parts         []spacePart `json:"parts"`
}

type spacePart struct {
	Name      string `json:"name"`
	Days      int    `json:"buckets"`
	Records   int    `json:"records"`
	DataBytes int64  `json:"data_bytes"`
	Bytes     int64  `json:"bytes"`
}

func spaceOf(ctx context.Context, stores *store.Opener, space doctor.Space) (spaceJSON, error) {
	s := spaceJSON{Path: stores.DB, Bytes: space.FileBytes, FreeBytes: space.FreeBytes}
	db, err := stores.Read(ctx)
	if err != nil {
		return s, err
	}
	defer db.Close()
	st, err := db.File.Stats(ctx)
	if err != nil {
		return s, err
	}
	for _, k := range st.Kinds {
		s.Events += k.Events
	}
	var ofEvents, ofTags int64
	for _, b := range space.Buckets {
		s.Parts = append(s.Parts, spacePart{b.Name, b.Buckets, b.Entries, b.Data, b.Bytes})
		switch b.GrowsWith {
		case "events":
			ofEvents += b.Bytes
		case "tags":
			ofTags += b.Bytes
		}
		if b.Name == "tags" {
			s.Tags = b.Entries
		}
	}
	s.BytesPerEvent, s.BytesPerTag = float64(ofEvents)/float64(max(s.Events, 1)), float64(ofTags)/float64(max(s.Tags, 1))
	return s, db.Close()
}

func printSpace(out *term.Output, s spaceJSON) error {
	fmt.Fprintf(out, "%s, %s, %s free\n\n", term.Clean(s.Path), term.Bytes(s.Bytes), term.Bytes(s.FreeBytes))
	t := term.Table{Columns: []term.Column{
		{Title: "PART", SGR: term.Cyan}, {Title: "RECORDS", Right: true}, {Title: "SIZE", Right: true}, {Title: "SHARE", Right: true}, {Title: "FILL", Right: true},
	}}
	for _, p := range s.Parts {
		if p.Records == 0 {
			continue
		}
		fill := "-" // within the page of the list of parts
		if p.Bytes > 0 {
			fill = fmt.Sprintf("%.0f%%", 100*float64(p.DataBytes)/float64(p.Bytes))
		}
		t.Add(p.Name, term.Count(p.Records), term.Bytes(p.Bytes), fmt.Sprintf("%.1f%%", 100*float64(p.Bytes)/float64(s.Bytes)), fill)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	if s.Events > 0 {
		fmt.Fprintf(out, "\n%s, %.0f bytes each; %s, %.0f bytes each\n", term.Plural(s.Events, "event", "events"), s.BytesPerEvent, term.Plural(s.Tags, "tag", "tags"), s.BytesPerTag)
	}
	if text := halfFree(s.Bytes, s.FreeBytes); text != "" {
		fmt.Fprintln(out, text)
	}
	return nil
}

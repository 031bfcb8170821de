package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbStats() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		name: "db stats", short: "show what takes the room in the store", fs: fs,
		text: `Reads the file and shows for every part of the store how many records it has, the
pages that they take, and how much that is of the file. FILL is the share of the
pages that holds data. ARCHITECTURE.md says what each part is for.`,
		examples: "ttpcron db stats\nttpcron db stats --json | jq '.parts[] | {name, bytes}'",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			show, done := a.watchFile("measure", pageBytes)
			space, err := a.measureSpace(ctx, show)
			done()
			if err != nil {
				return a.ofFile(err)
			}
			s, err := a.spaceOf(ctx, space)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(s)
			}
			return a.printSpace(s)
		},
	}
}

func (a *app) measureSpace(ctx context.Context, show func(kv.Progress)) (doctor.Space, error) {
	if db, ok := a.ofDaemon(ctx); ok {
		return db.MeasureSpace(ctx, show)
	}
	return doctor.MeasureSpace(ctx, a.set.db, a.fileOptions(show))
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

// Parts that grow with events, and with tags.
var (
	eventParts = map[string]bool{"history": true, "days": true, "coverage": true, "identity": true, "named": true}
	tagParts   = map[string]bool{"tags": true, "rollups": true, "totals": true}
)

func (a *app) spaceOf(ctx context.Context, space doctor.Space) (spaceJSON, error) {
	s := spaceJSON{Path: a.set.db, Bytes: space.FileBytes, FreeBytes: space.FreeBytes}
	db, err := a.readStore(ctx)
	if err != nil {
		return s, err
	}
	defer db.Close()
	st, err := db.Stats(ctx)
	if err != nil {
		return s, err
	}
	for _, k := range st.Kinds {
		s.Events += k.Events
	}
	var ofEvents, ofTags int64
	for _, b := range space.Buckets {
		s.Parts = append(s.Parts, spacePart{b.Name, b.Buckets, b.Entries, b.Data, b.Bytes})
		switch {
		case eventParts[b.Name]:
			ofEvents += b.Bytes
		case tagParts[b.Name]:
			ofTags += b.Bytes
		}
		if b.Name == "tags" {
			s.Tags = b.Entries
		}
	}
	s.BytesPerEvent, s.BytesPerTag = float64(ofEvents)/float64(max(s.Events, 1)), float64(ofTags)/float64(max(s.Tags, 1))
	return s, db.Close()
}

func (a *app) printSpace(s spaceJSON) error {
	fmt.Fprintf(a.stdout, "%s, %s, %s free\n\n", clean(s.Path), bytesText(s.Bytes), bytesText(s.FreeBytes))
	t := table{columns: []column{
		{title: "PART", sgr: cyan}, {title: "RECORDS", right: true}, {title: "SIZE", right: true}, {title: "SHARE", right: true}, {title: "FILL", right: true},
	}}
	for _, p := range s.Parts {
		if p.Records == 0 {
			continue
		}
		fill := "-" // within the page of the list of parts
		if p.Bytes > 0 {
			fill = fmt.Sprintf("%.0f%%", 100*float64(p.DataBytes)/float64(p.Bytes))
		}
		t.add(p.Name, count(p.Records), bytesText(p.Bytes), fmt.Sprintf("%.1f%%", 100*float64(p.Bytes)/float64(s.Bytes)), fill)
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	if s.Events > 0 {
		fmt.Fprintf(a.stdout, "\n%s, %.0f bytes each; %s, %.0f bytes each\n", plural(s.Events, "event", "events"), s.BytesPerEvent, plural(s.Tags, "tag", "tags"), s.BytesPerTag)
	}
	if text := halfFree(s.Bytes, s.FreeBytes); text != "" {
		fmt.Fprintln(a.stdout, text)
	}
	return nil
}

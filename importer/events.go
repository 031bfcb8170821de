package importer

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Native events: what ttpcron exports, and what any other collector can write.
var events = Format{
	Name: "events", Title: "ttpcron's own events, JSON lines", Version: 1, anyone: true,
	Records: []RecordType{{
		Name: "any", Kinds: slices.DeleteFunc(ttpcron.Kinds(), func(k ttpcron.SourceKind) bool { return k == ttpcron.Correlation }),
		Why: "the kind is what source_kind says; one that is not in this list is kept too",
	}},
	lines: &lineFormat{
		recognises: isEvent,
		begins:     `{"source_kind":`,
		parser:     newEventParser,
	},
}

// maxMembers bounds the fields in the payload of a native event.
const maxMembers = 1024

func isEvent(line []byte) bool {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(line)
	found := false
	for s.Object(); s.Member(); {
		if string(s.Name()) == "source_kind" {
			found = s.Value().IsString()
		}
	}
	return found
}

type eventParser struct {
	reader ttpcron.EventReader
	event  ttpcron.Event
}

func newEventParser(*source) recordParser {
	return &eventParser{reader: ttpcron.EventReader{MaxDepth: maxDepth, MaxMembers: maxMembers}}
}

func (p *eventParser) parse(record []byte, to *parsed) error {
	size := to.arena.size
	if err := p.reader.Read(record, &p.event, to.arena); err != nil {
		return err
	}
	to.arena.size = size + len(record) // also for fields, and for texts that other events have
	to.add(&p.event)
	return nil
}

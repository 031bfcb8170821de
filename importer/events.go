package importer

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// Native events: what ttpcron exports, and what any other collector can write.
var events = Format{
	Name: "events", Title: "ttpcron's own events, JSON lines", Version: 1, anyone: true,
	lines: &lineFormat{
		recognises: isEvent,
		begins:     `{"source_kind":`,
		parser:     func() lineParser { return eventParser{} },
	},
}

// maxMembers bounds how many fields the payload of a native event may have.
const maxMembers = 1024

func isEvent(line []byte) bool {
	found := false
	_ = scanObject(line, func(name []byte, v value) {
		if string(name) == "source_kind" {
			found = v.isString()
		}
	})
	return found
}

type eventParser struct{}

func (eventParser) parse(line []byte, e *ttpcron.Event, a *arena) (bool, error) {
	var payload value
	if err := scanObject(line, func(name []byte, v value) {
		if string(name) == "payload" {
			payload = v
		}
	}); err != nil {
		return false, err
	}
	members := 0
	if payload.isObject() {
		if err := scanObject(payload.raw, func([]byte, value) { members++ }); err != nil {
			return false, err
		}
	}
	if members > maxMembers {
		return false, fmt.Errorf("payload has more than %d members", maxMembers)
	}
	var event ttpcron.Event
	if err := event.UnmarshalJSON(line); err != nil {
		return false, err
	}
	a.size += len(line)
	*e = event
	return true, nil
}

package importer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// Cowrie's JSON log: one object a line, "eventid" says what it is about. See
// https://docs.cowrie.org/en/latest/OUTPUT.html.
var cowrie = Format{
	Name: "cowrie", Title: "Cowrie SSH and Telnet honeypot, JSON log", Version: 1,
	lines: &lineFormat{
		recognises: isCowrie,
		begins:     `{"eventid":`,
		parser:     newCowrieParser,
	},
}

// isCowrie looks for an eventid of Cowrie's in the members before the cut or
// damage, if there is one.
func isCowrie(line []byte) bool {
	found := false
	_ = scanObject(line, func(name []byte, v value) {
		if string(name) == "eventid" {
			found = bytes.HasPrefix(v.raw, []byte(`"cowrie.`))
		}
	})
	return found
}

// cowrieParser keeps the members of the current line that matter. Every line is
// checked to be JSON, also when it is of no interest.
type cowrieParser struct {
	eventid, timestamp, input, session, sensor, srcIP, protocol value

	member func(name []byte, v value) // p.keep, made once
	last   ttpcron.Event              // whose strings often repeat
}

func newCowrieParser() lineParser {
	p := &cowrieParser{}
	p.member = p.keep
	return p
}

func (p *cowrieParser) keep(name []byte, v value) {
	switch string(name) {
	case "eventid":
		p.eventid = v
	case "timestamp":
		p.timestamp = v
	case "input":
		p.input = v
	case "session":
		p.session = v
	case "sensor":
		p.sensor = v
	case "src_ip":
		p.srcIP = v
	case "protocol":
		p.protocol = v
	}
}

func (p *cowrieParser) reset() {
	var none value
	p.eventid, p.timestamp, p.input, p.session, p.sensor, p.srcIP, p.protocol = none, none, none, none, none, none, none
}

var (
	errNoEventID = errors.New("eventid is missing or not a string")
	errNoSrcIP   = errors.New("src_ip is missing or not a string")
	errNoInput   = errors.New("input is missing or not a string")
)

func (p *cowrieParser) parse(line []byte, e *ttpcron.Event, a *arena) (bool, error) {
	p.reset()
	if err := scanObject(line, p.member); err != nil {
		return false, err
	}
	if !p.eventid.isString() {
		return false, errNoEventID
	}
	switch string(p.eventid.raw) {
	case `"cowrie.command.input"`:
		return p.command(e, a)
	}
	// cowrie.command.failed and .success repeat the text of an input event.
	return false, nil
}

// command makes the event of a line that the attacker typed. An empty one, when
// only Enter was pressed, is of no interest.
func (p *cowrieParser) command(e *ttpcron.Event, a *arena) (bool, error) {
	if !p.input.isString() {
		return false, errNoInput
	}
	if len(p.input.raw) == len(`""`) {
		return false, nil
	}
	event, err := p.event(ttpcron.Command, a)
	if err != nil {
		return false, err
	}
	text, _ := p.input.text(a)
	if p.protocol.isString() {
		event.Payload = a.payload(2)
		event.Payload[1].Name = "protocol"
		event.Payload[1].Text, _ = p.protocol.text(a)
	} else {
		event.Payload = a.payload(1)
	}
	event.Payload[0].Name, event.Payload[0].Text = "command_text", text
	*e = event
	return true, nil
}

// event fills in what the events of all kinds have in common.
func (p *cowrieParser) event(kind ttpcron.SourceKind, a *arena) (ttpcron.Event, error) {
	if !p.srcIP.isString() {
		return ttpcron.Event{}, errNoSrcIP
	}
	at, ok := p.timestamp.time()
	if !ok {
		return ttpcron.Event{}, p.badTime()
	}
	p.last.AttackerIP = plainAddress(p.srcIP.repeated(p.last.AttackerIP, a))
	p.last.SessionID = p.session.repeated(p.last.SessionID, a)
	p.last.DeckyID = p.sensor.repeated(p.last.DeckyID, a)
	p.last.Kind, p.last.Time = kind, at
	return p.last, nil
}

func (p *cowrieParser) badTime() error {
	s, ok := p.timestamp.text(nil)
	if !ok {
		return errors.New("timestamp is missing or not a string")
	}
	return fmt.Errorf("timestamp %.40q is not a time", s)
}

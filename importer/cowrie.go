package importer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Cowrie's JSON log: one object a line, "eventid" says what it is about. See
// https://docs.cowrie.org/en/latest/OUTPUT.html.
var cowrie = Format{
	Name: "cowrie", Title: "Cowrie SSH and Telnet honeypot, JSON log", Version: 2,
	lines: &lineFormat{
		recognises: isCowrie,
		begins:     `{"eventid":`,
		parser:     newCowrieParser,
	},
}

// isCowrie looks for an eventid of Cowrie's in the members before the cut or
// damage, if there is one.
func isCowrie(line []byte) bool {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(line)
	found := false
	for s.Object(); s.Member(); {
		if string(s.Name()) == "eventid" {
			found = bytes.HasPrefix(s.Value().Raw(), []byte(`"cowrie.`))
		}
	}
	return found
}

// cowrieParser keeps the members of the current line that matter. Every line is
// checked to be JSON, also when it is of no interest.
type cowrieParser struct {
	scanner jsontext.Scanner

	eventid, timestamp, input, session, sensor, srcIP, protocol jsontext.Value

	last ttpcron.Event // whose strings often repeat
}

func newCowrieParser() recordParser {
	return &cowrieParser{scanner: jsontext.Scanner{MaxDepth: maxDepth}}
}

func (p *cowrieParser) scan(line []byte) error {
	p.reset()
	s := &p.scanner
	s.Reset(line)
	for s.Object(); s.Member(); {
		switch string(s.Name()) {
		case "eventid":
			p.eventid = s.Value()
		case "timestamp":
			p.timestamp = s.Value()
		case "input":
			p.input = s.Value()
		case "session":
			p.session = s.Value()
		case "sensor":
			p.sensor = s.Value()
		case "src_ip":
			p.srcIP = s.Value()
		case "protocol":
			p.protocol = s.Value()
		}
	}
	return s.End()
}

func (p *cowrieParser) reset() {
	var none jsontext.Value
	p.eventid, p.timestamp, p.input, p.session, p.sensor, p.srcIP, p.protocol = none, none, none, none, none, none, none
}

var (
	errNoEventID = errors.New("eventid is missing or not a string")
	errSrcIP     = errors.New("src_ip is not a string")
	errNoInput   = errors.New("input is missing or not a string")
)

func (p *cowrieParser) parse(record []byte, to *parsed) error {
	if err := p.scan(record); err != nil {
		return err
	}
	if !p.eventid.IsString() {
		return errNoEventID
	}
	switch string(p.eventid.Raw()) {
	case `"cowrie.command.input"`:
		return p.command(to)
	}
	// cowrie.command.failed and .success repeat the text of an input event.
	return nil
}

// command makes the event of a line that the attacker typed. An empty one, when
// only Enter was pressed, is of no interest.
func (p *cowrieParser) command(to *parsed) error {
	if !p.input.IsString() {
		return errNoInput
	}
	if len(p.input.Raw()) == len(`""`) {
		return nil
	}
	a := to.arena
	event, err := p.event(ttpcron.Command, a)
	if err != nil {
		return err
	}
	text, _ := a.decoded(p.input)
	if p.protocol.IsString() {
		event.Payload = a.Fields(2)
		event.Payload[1].Name = "protocol"
		event.Payload[1].Text, _ = a.decoded(p.protocol)
	} else {
		event.Payload = a.Fields(1)
	}
	event.Payload[0].Name, event.Payload[0].Text = "command_text", text
	to.add(&event)
	return nil
}

// event fills in what the events of all kinds have in common.
func (p *cowrieParser) event(kind ttpcron.SourceKind, a *arena) (ttpcron.Event, error) {
	if !p.srcIP.IsString() && !p.srcIP.IsNull() {
		return ttpcron.Event{}, errSrcIP
	}
	at, ok := timeOf(p.timestamp)
	if !ok {
		return ttpcron.Event{}, p.badTime()
	}
	p.last.AttackerIP = plainAddress(a.repeated(p.last.AttackerIP, p.srcIP))
	p.last.SessionID = a.repeated(p.last.SessionID, p.session)
	p.last.DeckyID = a.repeated(p.last.DeckyID, p.sensor)
	p.last.Kind, p.last.Time = kind, at
	e := p.last
	e.NameNobody()
	return e, nil
}

func (p *cowrieParser) badTime() error {
	s, ok := p.timestamp.Text()
	if !ok {
		return errors.New("timestamp is missing or not a string")
	}
	return fmt.Errorf("timestamp %.40q is not a time", s)
}

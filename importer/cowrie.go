package importer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Cowrie's JSON log: one object a record, with its type in "eventid". See
// https://docs.cowrie.org/en/latest/OUTPUT.html. cowrietypes.go says what becomes of each
// type.
var cowrie = Format{
	Name: "cowrie", Title: "Cowrie SSH and Telnet honeypot, JSON log", Version: 3,
	Records: cowrieRecords(),
	lines: &lineFormat{
		recognises: isCowrie,
		begins:     `{"eventid":`,
		parser:     newCowrieParser,
		recalls:    true,
	},
}

// isCowrie looks for one of Cowrie's eventids in the members before the cut or damage, if
// any.
func isCowrie(line []byte) bool {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(line)
	found, ocsf, unmapped := false, false, false
	for s.Object(); s.Member(); {
		switch string(s.Name()) {
		case "eventid":
			id, plain := s.Value().Plain()
			found = plain && isCowrieID(id)
		case "class_uid":
			ocsf = true
		case "unmapped":
			id, plain := memberOf(s.Value(), "eventid").Plain()
			unmapped = plain && isCowrieID(id)
		}
	}
	return found || ocsf && unmapped
}

// isCowrieID reports whether an eventid has the form of Cowrie's, now or in 2015 and 2016.
func isCowrieID(id []byte) bool {
	if bytes.HasPrefix(id, []byte("cowrie.")) {
		return true
	}
	_, old := oldCowrieNumber(id)
	return old
}

// cowrieMember is one of the members of a record that matter.
type cowrieMember uint8

const (
	cowEventID cowrieMember = iota
	cowTimestamp
	cowShippedAt
	cowEpoch
	cowSession
	cowSessionID
	cowSensor
	cowSensorName
	cowSrcIP
	cowProtocol
	cowMessage
	cowInput
	cowRealm
	cowUsername
	cowPassword
	cowFingerprint
	cowKey
	cowKeyType
	cowSrcPort
	cowDstIP
	cowDstPort
	cowDestIP
	cowDestPort
	cowOrigIP
	cowOrigPort
	cowVersion
	cowHASSH
	cowName
	cowValue
	cowArch
	cowWidth
	cowHeight
	cowDuration
	cowDurationMS
	cowURL
	cowShasum
	cowFilename
	cowDestfile
	cowSize
	cowError
	cowData
	cowCVE
	cowOriginalUsername
	cowAttemptedCommand
	cowSrcIPIdentifier // of the CyberLab data set
	// of OCSF
	cowClassUID
	cowRawData
	cowUnmapped
	cowTime
	cowSource
	cowDestination
	cowDevice
	cowUser
	cowProcess
	cowFile
	cowrieMembers // how many there are
)

const _ = 64 - cowrieMembers // they fit into cowrieParser.has

// cowrieMemberCalled returns the member with a name, or false if it is not needed.
func cowrieMemberCalled(name []byte) (cowrieMember, bool) {
	switch string(name) {
	case "eventid":
		return cowEventID, true
	case "timestamp":
		return cowTimestamp, true
	case "@timestamp":
		return cowShippedAt, true
	case "epoch":
		return cowEpoch, true
	case "session":
		return cowSession, true
	case "session_id":
		return cowSessionID, true
	case "sensor":
		return cowSensor, true
	case "sensor_name":
		return cowSensorName, true
	case "src_ip":
		return cowSrcIP, true
	case "protocol":
		return cowProtocol, true
	case "message":
		return cowMessage, true
	case "input":
		return cowInput, true
	case "realm":
		return cowRealm, true
	case "username":
		return cowUsername, true
	case "password":
		return cowPassword, true
	case "fingerprint":
		return cowFingerprint, true
	case "key":
		return cowKey, true
	case "type":
		return cowKeyType, true
	case "src_port":
		return cowSrcPort, true
	case "dst_ip":
		return cowDstIP, true
	case "dst_port":
		return cowDstPort, true
	case "dest_ip":
		return cowDestIP, true
	case "dest_port":
		return cowDestPort, true
	case "orig_ip":
		return cowOrigIP, true
	case "orig_port":
		return cowOrigPort, true
	case "version":
		return cowVersion, true
	case "hassh":
		return cowHASSH, true
	case "name":
		return cowName, true
	case "value":
		return cowValue, true
	case "arch":
		return cowArch, true
	case "width":
		return cowWidth, true
	case "height":
		return cowHeight, true
	case "duration":
		return cowDuration, true
	case "duration_ms":
		return cowDurationMS, true
	case "url":
		return cowURL, true
	case "shasum":
		return cowShasum, true
	case "filename":
		return cowFilename, true
	case "destfile":
		return cowDestfile, true
	case "size":
		return cowSize, true
	case "error":
		return cowError, true
	case "data":
		return cowData, true
	case "cve":
		return cowCVE, true
	case "original_username":
		return cowOriginalUsername, true
	case "attempted_command":
		return cowAttemptedCommand, true
	case "src_ip_identifier":
		return cowSrcIPIdentifier, true
	case "class_uid":
		return cowClassUID, true
	case "raw_data":
		return cowRawData, true
	case "unmapped":
		return cowUnmapped, true
	case "time":
		return cowTime, true
	case "src_endpoint":
		return cowSource, true
	case "dst_endpoint":
		return cowDestination, true
	case "device":
		return cowDevice, true
	case "user":
		return cowUser, true
	case "process":
		return cowProcess, true
	case "file":
		return cowFile, true
	}
	return 0, false
}

// cowrieParser keeps the needed members of the current record. It checks that every record
// is JSON, even if it yields no event.
type cowrieParser struct {
	scanner jsontext.Scanner
	nested  jsontext.Scanner // for values that hold others

	members [cowrieMembers]jsontext.Value
	has     uint64 // bit n: members[n] is of this record

	to       *parsed
	fields   []ttpcron.Field // of the event in hand, sorted by name
	fieldErr error           // why one of them cannot be used

	sessions cowrieSessions
	last     ttpcron.Event         // whose strings often repeat
	repeats  [cowrieMembers]string // what members said last that often say the same
	scratch  []byte
	original []byte // of a record of OCSF, the text of Cowrie's

	pseudonymous, identity string // the last attacker with a name in place of the address
}

func newCowrieParser(*source) recordParser {
	return &cowrieParser{
		scanner: jsontext.Scanner{MaxDepth: maxDepth},
		nested:  jsontext.Scanner{MaxDepth: maxDepth - 2}, // a payload lies two levels down in a native event
	}
}

func (p *cowrieParser) scan(record []byte) error {
	p.has = 0
	s := &p.scanner
	s.Reset(record)
	for s.Object(); s.Member(); {
		if m, ok := cowrieMemberCalled(s.Name()); ok {
			p.members[m] = s.Value()
			p.has |= 1 << m
		}
	}
	return s.End()
}

// member returns a member of the record in hand, the zero value if it has none of
// that name or says null.
func (p *cowrieParser) member(m cowrieMember) jsontext.Value {
	if p.has&(1<<m) == 0 || p.members[m].IsNull() {
		return jsontext.Value{}
	}
	return p.members[m]
}

// there reports whether the record says anything else than null under a name.
func (p *cowrieParser) there(m cowrieMember) bool { return len(p.member(m).Raw()) > 0 }

// first returns the first of several members that is present, or the first of them.
func (p *cowrieParser) first(members ...cowrieMember) cowrieMember {
	for _, m := range members {
		if p.there(m) {
			return m
		}
	}
	return members[0]
}

var (
	errNoEventID = foreignError("eventid is missing or not a string")
	errSrcIP     = errors.New("src_ip is not a string")
	errNoInput   = errors.New("input is missing or not a string")
)

// foreignError says why a record is not one of the format's.
type foreignError string

func (e foreignError) Error() string { return string(e) }

// Is makes it an errForeign.
func (e foreignError) Is(target error) bool { return target == errForeign }

// eventID returns the record's type. The bytes are valid until the next call.
func (p *cowrieParser) eventID() ([]byte, error) {
	v := p.member(cowEventID)
	id, plain := v.Plain()
	if !plain {
		if !v.IsString() {
			return nil, errNoEventID
		}
		p.scratch = v.AppendText(p.scratch[:0])
		id = p.scratch
	}
	if !isCowrieID(id) {
		return nil, foreignError(fmt.Sprintf("eventid %.80q is none of Cowrie's", id))
	}
	return id, nil
}

func (p *cowrieParser) parse(record []byte, to *parsed) error {
	if err := p.scan(record); err != nil {
		return err
	}
	if p.isOCSF() {
		if err := p.unwrapOCSF(record); err != nil {
			return err
		}
	}
	id, err := p.eventID()
	if err != nil {
		return err
	}
	p.to = to
	if t := cowrieTypeCalled(id); t != nil && t.read != nil {
		if err := t.read(p); err != nil {
			return err
		}
	}
	if len(to.events) == 0 {
		to.ignore(id)
	}
	return nil
}

// event begins an event with the fields that all kinds have. Its other fields follow,
// sorted by name, then add.
func (p *cowrieParser) event(kind ttpcron.SourceKind) (ttpcron.Event, error) {
	v := p.member(cowSrcIP)
	if !v.IsString() && len(v.Raw()) > 0 {
		return ttpcron.Event{}, errSrcIP
	}
	at := p.first(cowTimestamp, cowShippedAt, cowEpoch)
	when, ok := timeOf(p.member(at))
	if !ok {
		return ttpcron.Event{}, p.badTime(at)
	}
	a, last := p.to.arena, &p.last
	last.Kind, last.Time = kind, when
	last.SessionID = a.named(last.SessionID, p.member(p.first(cowSession, cowSessionID)))
	last.DeckyID = a.named(last.DeckyID, p.member(p.first(cowSensor, cowSensorName)))
	last.AttackerIP, last.AddressOrigin = plainAddress(a.repeated(last.AttackerIP, v)), ttpcron.OriginRecorded
	if last.AttackerIP == "" {
		if s := p.sessions.find(p.session()); s.length > 0 {
			last.AttackerIP, last.AddressOrigin = a.Text(s.address[:s.length]), ttpcron.OriginResolved
		}
	}
	p.fields, p.fieldErr = p.fields[:0], nil
	e := *last
	p.pseudonym(&e)
	e.NameNobody()
	return e, nil
}

// session names the session of the event in hand.
func (p *cowrieParser) session() uint64 { return p.sessions.key(p.last.SessionID, p.last.DeckyID) }

// add yields the current event with its fields.
func (p *cowrieParser) add(e *ttpcron.Event) error {
	if p.fieldErr != nil {
		return p.fieldErr
	}
	e.Payload = p.to.arena.Fields(len(p.fields))
	copy(e.Payload, p.fields)
	p.to.add(e)
	return nil
}

func (p *cowrieParser) badTime(at cowrieMember) error {
	v := p.member(at)
	if len(v.Raw()) == 0 {
		return errors.New("timestamp is missing")
	}
	if s, ok := v.Text(); ok {
		return fmt.Errorf("timestamp %.40q is not a time", s)
	}
	return fmt.Errorf("timestamp %.40s is not a time", v.Raw())
}

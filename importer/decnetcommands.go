package importer

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

func (r *decnetReader) commandsQuery() rowQuery {
	a := r.shape.attackers
	return rowQuery{
		table: "attackers", alias: "a",
		columns: []string{"a.uuid", optional(a, "a", "ip"), optional(a, "a", "identity_id"),
			optional(a, "a", "last_seen"), optional(a, "a", "first_seen"), "a.commands"},
	}
}

func (r *decnetReader) attacker(c []column) {
	uuid, commands := c[1].text(), bytes.TrimSpace(c[6].raw)
	if len(commands) == 0 || string(commands) == "null" {
		return
	}
	base := ttpcron.Event{
		Kind: ttpcron.Command, AttackerUUID: uuid, AttackerIP: plainAddress(c[2].text()), IdentityUUID: c[3].text(),
	}
	seen, seenOK := firstTime(c[4].raw, c[5].raw)
	objects := -1
	entries := 0
	var p entryParser
	each := func(v jsontext.Value) bool {
		entries++
		if !v.IsObject() {
			r.reject(uuid, v.Raw(), fmt.Errorf("attacker %.80q: entry %d of commands is not an object", uuid, entries))
			return r.room()
		}
		objects++
		p.read(v.Raw())
		e := base
		e.ID = p.id(r.arena)
		if e.ID == "" && uuid != "" {
			e.ID = uuid + "#cmd" + strconv.Itoa(objects)
		}
		e.Time, e.TimeOrigin = seen, ttpcron.OriginDerived
		at, has := p.time()
		if !at.IsZero() {
			e.Time, e.TimeOrigin = at, ttpcron.OriginRecorded
		} else if has && seenOK {
			r.badAt++
		}
		r.command(e, &p, v.Raw(), func() string { return fmt.Sprintf("attacker %.80q: entry %d of commands", uuid, entries) })
		return r.room()
	}
	if err := eachEntry(commands, each); err != nil {
		r.reject(uuid, commands, fmt.Errorf("attacker %.80q: commands: %w", uuid, err))
	}
}

// eachEntry calls do for the elements of a JSON array until it returns false,
// once all of the text has been checked.
func eachEntry(text []byte, do func(v jsontext.Value) bool) error {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(text)
	isArray := s.Kind() == '['
	if err := s.End(); err != nil {
		return err
	}
	if !isArray {
		return jsontext.ErrNotArray
	}
	s.Reset(text)
	for s.Array(); s.Element() && do(s.Value()); {
	}
	return nil
}

// emptyCommand is the type of an entry where only Enter was pressed.
const emptyCommand = "command without text"

// command finishes an entry's event. An entry with an empty text is ignored, like an empty
// line in a shell; one without text is malformed.
func (r *decnetReader) command(e ttpcron.Event, p *entryParser, raw []byte, where func() string) {
	text, some := p.text(r.arena)
	switch {
	case text == "" && some:
		r.ignore(emptyCommand)
		return
	case text == "":
		r.reject(e.AttackerUUID, raw, fmt.Errorf("%s has no text", where()))
		return
	case e.Time.IsZero():
		r.reject(e.AttackerUUID, raw, fmt.Errorf("%s has no time, nor has its attacker", where()))
		return
	}
	e.SessionID = p.scalar("session_id", r.arena)
	e.DeckyID = p.scalar("decky_id", r.arena)
	if e.DeckyID == "" {
		e.DeckyID = p.scalar("decky", r.arena)
	}
	payload, err := p.payload(text, r.arena)
	if err != nil {
		r.reject(e.AttackerUUID, raw, fmt.Errorf("%s: %w", where(), err))
		return
	}
	e.Payload = payload
	e.NameNobody()
	r.add(e, e.AttackerUUID, raw, where)
}

// entryParser holds the members of one entry of a list of commands, under any of the names
// that DECNET's programs use.
type entryParser struct {
	scanner jsontext.Scanner
	members map[string]jsontext.Value
}

// entryNames are the members of an entry that are read; others are passed over.
var entryNames = []string{
	"command_text", "text", "command", "id", "uuid", "command_id", "session_id", "decky_id", "decky",
	"ts", "timestamp", "time", "service", "uid", "user", "src", "pwd",
}

func (p *entryParser) read(object []byte) {
	if p.members == nil {
		p.members = make(map[string]jsontext.Value, len(entryNames))
	}
	clear(p.members)
	// The list has been checked as a whole.
	s := &p.scanner
	s.Reset(object)
	for s.Object(); s.Member(); {
		if i := slices.Index(entryNames, string(s.Name())); i >= 0 {
			p.members[entryNames[i]] = s.Value()
		}
	}
}

// text returns the first text that is not empty. It is true if the entry has any text.
func (p *entryParser) text(a *arena) (text string, some bool) {
	for _, name := range []string{"command_text", "text", "command"} {
		s, ok := a.decoded(p.members[name])
		if s != "" {
			return s, true
		}
		some = some || ok
	}
	return "", some
}

// id returns the entry's own name, or "".
func (p *entryParser) id(a *arena) string {
	for _, name := range []string{"id", "uuid", "command_id"} {
		if s := p.scalar(name, a); s != "" {
			return s
		}
	}
	return ""
}

// time returns the entry's own time, or zero; it is true when there is something
// that should be one.
func (p *entryParser) time() (at time.Time, has bool) {
	for _, name := range []string{"ts", "timestamp", "time"} {
		v := p.members[name]
		if v.IsNull() || string(v.Raw()) == `""` {
			continue
		}
		has = true
		if t, ok := timeOf(v); ok {
			return t, true
		}
	}
	return time.Time{}, has
}

// scalar returns a string, or a number other than 0 in its spelling.
func (p *entryParser) scalar(name string, a *arena) string {
	v := p.members[name]
	if s, ok := a.decoded(v); ok {
		return s
	}
	if len(v.Raw()) > 0 && (v.Raw()[0] == '-' || v.Raw()[0]-'0' <= 9) && string(v.Raw()) != "0" {
		return a.Text(v.Raw())
	}
	return ""
}

// evidenceNames are the members kept with the text, in the order of a payload.
var evidenceNames = [...]string{"pwd", "service", "src", "uid", "user"}

// payload keeps the text and what serves as evidence.
func (p *entryParser) payload(text string, a *arena) (ttpcron.Payload, error) {
	n := 1
	for _, name := range evidenceNames {
		if !p.members[name].IsNull() {
			n++
		}
	}
	payload := a.Fields(n)[:0]
	payload = append(payload, ttpcron.Field{Name: "command_text", Text: text})
	for _, name := range evidenceNames {
		v := p.members[name]
		if v.IsNull() {
			continue
		}
		if s, ok := a.decoded(v); ok {
			payload = append(payload, ttpcron.Field{Name: name, Text: s})
			continue
		}
		if err := payload.SetRaw(name, v.Raw()); err != nil {
			return nil, err
		}
		a.size += len(v.Raw())
	}
	return payload, nil
}

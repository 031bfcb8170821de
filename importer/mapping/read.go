package mapping

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// maxGiven bounds the payloads of the events that the elements of a list give. Each may have
// a copy of what the record says once.
const maxGiven = 16 << 20

// maxDepth is how deep the arrays and objects of a record may nest.
const maxDepth = 126 // a payload lies two levels down in a native event

// Reader reads the records of one file. It is used by one goroutine.
type Reader struct {
	mapping *Mapping
	source  Source

	scanner jsontext.Scanner
	nested  []*jsontext.Scanner // for values within values, by depth
	record  []jsontext.Value    // by slot
	element []jsontext.Value    // by slot, while a list is read
	kept    []jsontext.Value    // room for element

	room     ttpcron.Room
	payload  []ttpcron.Field
	last     ttpcron.Event // whose strings often repeat
	scratch  []byte
	text     []byte // of a value that was worked out
	sessions addresses
	account  *account // nil: nobody asks
	final    bool     // the element at hand is the last of its list
	given    int      // bytes in the payloads that the record gave
}

// NewReader returns a reader for the records of one file.
func (m *Mapping) NewReader(s Source) *Reader {
	r := &Reader{source: s}
	r.begin(m)
	return r
}

func (r *Reader) begin(m *Mapping) {
	r.mapping = m
	r.scanner.MaxDepth = maxDepth
	r.record = make([]jsontext.Value, m.names.count+1)
}

// Continue takes over what the reader of an earlier file of the same log knows of sessions
// that are still open. The earlier reader must not be used any more.
func (r *Reader) Continue(from *Reader) { r.sessions = from.sessions }

// Read reads one record and calls add for each of its events; add must not keep the pointer.
// If there are none, ignored is the type as which the record is counted, and is valid until
// the next call. An error says why the record cannot be used; then the events that were added
// before do not count. It is [ErrForeign] if the text is not a record of the format.
func (r *Reader) Read(record []byte, room ttpcron.Room, add func(*ttpcron.Event)) (ignored []byte, err error) {
	m := r.mapping
	clear(r.record)
	r.scanner.Reset(record)
	r.object(&m.names)
	if err := r.scanner.End(); err != nil {
		return nil, err
	}
	if !r.known() {
		return nil, ErrForeign
	}
	r.room = room
	if r.account != nil {
		r.account.begins(&m.names, r.record)
	}
	r.given = 0
	some := 0
	for i := range m.events {
		n, err := r.event(i, MaxEvents-some, add)
		if err != nil {
			if r.account != nil {
				r.account.rejected()
			}
			return nil, err
		}
		some += n
	}
	if some > 0 {
		return nil, nil
	}
	return r.kindOf(), nil
}

// known reports whether the record that was read is one of the format.
func (r *Reader) known() bool {
	for i := range r.mapping.recognised {
		if r.all(r.mapping.recognised[i].conditions) {
			return true
		}
	}
	return false
}

// ErrForeign says that a text is not a record of the format.
var ErrForeign = errors.New("not a record of this format")

// kindOf returns what an ignored record is counted as.
func (r *Reader) kindOf() []byte {
	for _, p := range r.mapping.kind {
		if v := r.find(p); len(v.Raw()) > 0 && !v.IsNull() {
			if text, plain := v.Plain(); plain {
				return text
			}
			if v.IsString() {
				r.text = v.AppendText(r.text[:0])
				return r.text
			}
			return v.Raw()
		}
	}
	return []byte("(other)")
}

// object reads an object, and keeps the members that are used.
func (r *Reader) object(n *names) { r.members(&r.scanner, &n.root, r.record, 0) }

// members reads the members of an object at which a scanner is.
func (r *Reader) members(s *jsontext.Scanner, at *node, into []jsontext.Value, depth int) {
	for s.Object(); s.Member(); {
		sub := at.sub[string(s.Name())]
		if sub == nil {
			continue
		}
		v := s.Value()
		if sub.slot > 0 && !v.IsNull() {
			into[sub.slot] = v
		}
		if sub.sub != nil {
			r.within(v, sub, into, depth+1)
		}
	}
}

// maxPath is how many dots a name may have.
const maxPath = 8

// within reads what is used of a value that has values of its own: an object, or a list
// of pairs.
func (r *Reader) within(v jsontext.Value, at *node, into []jsontext.Value, depth int) {
	if depth > maxPath || len(v.Raw()) == 0 {
		return
	}
	for len(r.nested) < depth {
		r.nested = append(r.nested, &jsontext.Scanner{MaxDepth: maxDepth})
	}
	s := r.nested[depth-1]
	s.Reset(v.Raw())
	switch v.Raw()[0] {
	case '{':
		r.members(s, at, into, depth)
	case '[':
		r.pairs(s, at, into, depth)
	}
}

// pairs reads a list whose elements are names with their values: [["Host", "a"], …] or
// [{"name": "Host", "value": "a"}, …].
func (r *Reader) pairs(s *jsontext.Scanner, at *node, into []jsontext.Value, depth int) {
	for s.Array(); s.Element(); {
		name, value := pair(s.Value())
		if sub := at.sub[name]; sub != nil && name != "" {
			if sub.slot > 0 && !value.IsNull() {
				into[sub.slot] = value
			}
			if sub.sub != nil {
				r.within(value, sub, into, depth+1)
			}
		}
	}
}

func pair(v jsontext.Value) (name string, value jsontext.Value) {
	raw := v.Raw()
	switch {
	case len(raw) > 0 && raw[0] == '[':
		n := 0
		jsontext.EachElement(raw, func(item jsontext.Value) bool {
			switch n++; n {
			case 1:
				name, _ = item.Text()
			case 2:
				value = item
			}
			return n < 3
		})
		if n != 2 {
			name = ""
		}
	case v.IsObject():
		jsontext.EachMember(raw, func(n []byte, item jsontext.Value) bool {
			switch string(n) {
			case "name":
				name, _ = item.Text()
			case "value":
				value = item
			}
			return true
		})
	}
	return name, value
}

// find returns the value at a place, the zero value if there is none.
func (r *Reader) find(p place) jsontext.Value {
	if p.element > 0 && len(r.element) > p.element {
		if v := r.element[p.element]; len(v.Raw()) > 0 {
			return v
		}
	}
	if p.record > 0 {
		return r.record[p.record]
	}
	return jsontext.Value{}
}

// event gives the events that one description makes of the record, at most a number of
// them, and returns how many there were.
func (r *Reader) event(index, most int, add func(*ttpcron.Event)) (some int, err error) {
	e := &r.mapping.events[index]
	give := func() error {
		met, ok, err := r.one(e, add)
		if r.account != nil {
			r.account.noticed(&e.names, r.element)
			switch n := &r.account.events[index]; {
			case !met:
			case err != nil:
				n.met = true
			case ok:
				n.met, n.whole = true, n.whole+1
			default:
				n.met, n.part = true, n.part+1
			}
		}
		if ok {
			some++
		}
		if some > most {
			return fmt.Errorf("the record gives more than %d events", MaxEvents)
		}
		return err
	}
	if e.each == nil {
		r.element, r.final = nil, true
		err = give()
		return some, err
	}
	list := r.record[e.each.record]
	if cap(r.kept) <= e.names.count {
		r.kept = make([]jsontext.Value, e.names.count+1)
	}
	r.element = r.kept[:e.names.count+1]
	defer func() { r.element = nil }()
	raw := list.Raw()
	switch {
	case len(raw) == 0:
	case raw[0] == '[':
		left := 0
		jsontext.EachElement(raw, func(jsontext.Value) bool {
			left++
			return true
		})
		jsontext.EachElement(raw, func(item jsontext.Value) bool {
			left--
			clear(r.element)
			r.elementOf(e, item)
			r.final = left == 0
			err = give()
			return err == nil
		})
	case raw[0] == '{':
		err = r.columns(e, raw, give)
	}
	return some, err
}

// elementOf takes in an element of a list: an object, or a value that is called ".".
func (r *Reader) elementOf(e *event, item jsontext.Value) {
	if own := e.names.at[itself]; own > 0 && !item.IsNull() {
		r.element[own] = item
	}
	if item.IsObject() {
		r.within(item, &e.names.root, r.element, 1)
	}
}

// itself is the name of an element that is no object.
const itself = "."

// columns reads an object of lists, {"user": ["a", "b"], "password": ["x", "y"]}, like
// the list of objects that it stands for.
func (r *Reader) columns(e *event, raw []byte, give func() error) (err error) {
	columns := map[int][]jsontext.Value{}
	rows := 0
	jsontext.EachMember(raw, func(name []byte, v jsontext.Value) bool {
		sub := e.names.root.sub[string(name)]
		if sub == nil || sub.slot == 0 {
			return true
		}
		jsontext.EachElement(v.Raw(), func(item jsontext.Value) bool {
			columns[sub.slot] = append(columns[sub.slot], item)
			return len(columns[sub.slot]) <= MaxEvents
		})
		rows = max(rows, len(columns[sub.slot]))
		return true
	})
	for i := 0; i < rows && err == nil; i++ {
		clear(r.element)
		r.final = i == rows-1
		for slot, column := range columns {
			if i < len(column) && !column[i].IsNull() {
				r.element[slot] = column[i]
			}
		}
		err = give()
	}
	return err
}

// one gives the event that a description makes of the record and the element at hand, if
// it makes one.
func (r *Reader) one(e *event, add func(*ttpcron.Event)) (met, ok bool, err error) {
	if !r.all(e.when) || slices.ContainsFunc(e.unless, r.all) {
		return false, false, nil
	}
	r.payload = r.payload[:0]
	for i := range e.payload {
		f := &e.payload[i]
		if v, ok := r.fieldOf(&f.value, f.name); ok {
			r.payload = append(r.payload, v)
			r.given += len(v.Text) + len(v.Raw)
		}
	}
	if e.each != nil && r.given > maxGiven {
		return true, false, fmt.Errorf("the record gives events of more than %d bytes", maxGiven)
	}
	if !r.complete(e.kind) {
		return true, false, nil
	}
	out := &r.last
	out.Kind, out.Vantage, out.Ordinal = e.kind, r.mapping.Vantage, 0
	if out.Time, err = r.timeOf(e); err != nil {
		return true, false, err
	}
	out.ID = r.again(out.ID, e.id)
	out.SessionID = r.again(out.SessionID, e.session)
	out.DeckyID = r.again(out.DeckyID, e.sensor)
	out.AttackerIP, out.AddressOrigin = r.address(e), ttpcron.OriginRecorded
	out.IdentityUUID = ""
	if err := r.attacker(out); err != nil {
		return true, false, err
	}
	result := *out
	result.Payload = r.room.Fields(len(r.payload))
	copy(result.Payload, r.payload)
	if r.mapping.WholeSeconds || e.numbered {
		r.source.Number(&result)
	}
	add(&result)
	return true, true, nil
}

// attacker says who it was if the record names no address.
func (r *Reader) attacker(e *ttpcron.Event) error {
	if r.mapping.Vantage == ttpcron.VantageHost {
		if e.DeckyID == "" {
			e.DeckyID = r.source.Host
		}
		if e.DeckyID == "" {
			return errors.New(`the record does not name its host: set host = "…" for the input`)
		}
		if e.AttackerIP == "" {
			e.IdentityUUID = ttpcron.HostIdentity(e.DeckyID)
		}
		return nil
	}
	if r.mapping.remembers && e.SessionID != "" {
		if e.AttackerIP == "" {
			if at := r.sessions.find(e.SessionID, e.DeckyID); at != "" {
				e.AttackerIP, e.AddressOrigin = at, ttpcron.OriginResolved
			}
		} else {
			r.sessions.put(e.SessionID, e.DeckyID, e.AttackerIP)
		}
	}
	e.NameNobody()
	return nil
}

// complete adds the fields that follow from others, and reports whether the payload says
// what an event of the kind is about.
func (r *Reader) complete(kind ttpcron.SourceKind) bool {
	switch kind {
	case ttpcron.FileTransfer:
		if !r.has("payload_text") {
			if text := ttpcron.PayloadText(r.get("url"), r.get("filename")); text != "" {
				r.insert(ttpcron.Field{Name: "payload_text", Text: text})
			}
		}
	case ttpcron.Tunnel:
		if host := r.get("dst_ip"); host != "" && !r.has("destination") {
			r.insert(ttpcron.Field{Name: "destination", Text: ttpcron.Destination(host, r.get("dst_port"))})
		}
	case ttpcron.CanaryFingerprint:
		if !r.has("ua_signature") {
			r.insert(ttpcron.Field{Name: "ua_signature", Text: r.get("user_agent")})
		}
	}
	demands := contents[kind]
	for _, name := range demands.needs {
		if r.says(name) || demands.empty && r.has(name) {
			return true
		}
	}
	return len(demands.needs) == 0
}

// get returns the text of a field of the payload in hand, or its JSON.
func (r *Reader) get(name string) string {
	for i := range r.payload {
		if f := &r.payload[i]; f.Name == name {
			if f.Raw != nil {
				return string(f.Raw)
			}
			return f.Text
		}
	}
	return ""
}

func (r *Reader) says(name string) bool { return r.get(name) != "" }

func (r *Reader) has(name string) bool {
	for i := range r.payload {
		if r.payload[i].Name == name {
			return true
		}
	}
	return false
}

// insert adds a field in its place.
func (r *Reader) insert(f ttpcron.Field) {
	at := 0
	for at < len(r.payload) && r.payload[at].Name < f.Name {
		at++
	}
	r.payload = append(r.payload, ttpcron.Field{})
	copy(r.payload[at+1:], r.payload[at:])
	r.payload[at] = f
}

// timeOf returns when the event was.
func (r *Reader) timeOf(e *event) (time.Time, error) {
	v := e.time
	for _, p := range v.from {
		at := r.find(p)
		if len(at.Raw()) == 0 {
			continue
		}
		if t, ok := r.parseTime(&e.moment, at); ok {
			return t, nil
		}
		if s, ok := at.Text(); ok {
			return time.Time{}, fmt.Errorf("%s %.40q is not a time", p.name, s)
		}
		return time.Time{}, fmt.Errorf("%s %.40s is not a time", p.name, at.Raw())
	}
	return time.Time{}, fmt.Errorf("%s is missing", v.from[0].name)
}

// local are times that name no zone.
var local = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}

func (r *Reader) parseTime(m *moment, v jsontext.Value) (time.Time, bool) {
	zone := m.zone
	if zone == nil {
		zone = r.source.Zone
	}
	layouts := m.layouts
	if len(layouts) == 0 && zone != nil && zone != time.UTC {
		layouts = local
	}
	if len(layouts) > 0 && zone != nil {
		if text, ok := v.Text(); ok && len(text) <= 64 {
			for _, layout := range layouts {
				if t, err := time.ParseInLocation(layout, text, zone); err == nil {
					return t.UTC(), t.Unix() >= 0 && t.UTC().Year() <= 9999
				}
			}
		}
	}
	if len(m.layouts) > 0 {
		return time.Time{}, false
	}
	return r.source.Time(v)
}

package importer

import (
	"bytes"
	"net/netip"

	"github.com/ttpcron/ttpcron/jsontext"
)

// A shipper puts a sensor's record into a member of its own object, as an object or as
// text. The rules by which the record inside is found:
//
//   - An object that is a record of its own is never opened: one that has an eventid,
//     or says from which address it was attacked. Its texts are what an attacker sent,
//     and may look like a record of any sensor.
//   - Of such an object only a copy of the line that it was made of is read, as
//     Splunk's _raw, and only where what both say of eventid, session and address is
//     the same.
//   - An object with a list that is a record as it is, such as the history of a canary
//     token, is read as that.
//   - Any other object is opened at members of known names only, to a depth of
//     maxWrapped.
//   - A text is a record only as a whole: what stands somewhere in it is not looked for,
//     but for the prefixes of unwrapprefix.go.
const maxWrapped = 6

// wrapperNames are the members in which a record may lie, by how likely one that has
// several of them has it there: the text of a line before what was made of it.
var wrapperNames = []string{
	"_raw", "event.original", "raw_data", "log", "message", "MESSAGE", "line", "msg", "raw", "short_message", "full_message",
	"@message", "textPayload", "jsonPayload", "_source", "result", "event", "json", "cowrie", "payload", "data", "record", "content",
	"body", "fields", "original", "object", "document", "doc", "_msg", "log_line", "row", "hits", "attributes", "syslog", "decoded", "parsed",
}

var wrapperIndex = func() map[string]int {
	index := map[string]int{}
	for i, name := range wrapperNames {
		index[name] = i
	}
	return index
}()

// rawNames is how many of wrapperNames are copies of a line, next to what was made from it.
const rawNames = 3

// attackedFrom are names of members that say from where, spelled without capitals and
// what joins words. Whoever has one of them is a record of its own.
var attackedFrom = map[string]bool{
	"srcip": true, "sourceip": true, "srchost": true, "srcaddr": true, "srcaddress": true, "sourceaddress": true, "saddr": true,
	"remoteip": true, "remoteaddr": true, "remoteaddress": true, "remotehost": true, "clientip": true, "clientaddr": true,
	"clientaddress": true, "peer": true, "peerip": true, "peeraddr": true, "peeraddress": true, "attacker": true, "attackerip": true,
	"attackeruuid": true, "identityuuid": true, "idorigh": true, "rhost": true, "sourcekind": true, "attackeraddress": true,
}

// attackers are names of members that hold an address as an object: ECS, OCSF.
var attackers = map[string]bool{"source": true, "src_endpoint": true, "src": true, "client": true, "attacker": true, "peer": true, "remote": true, "connection": true}

// maxSessionLists is the most members of an object that are read as the records of sessions.
const maxSessionLists = 1 << 16

// wrapping is what an object says that may hold a record.
type wrapping struct {
	own     bool // a record of its own
	ocsf    bool
	vector  bool
	source  bool // source_ip, which Vector says of whoever sent it a line
	members []jsontext.Value
	lists   []jsontext.Value
	// sessions says that all members, every one, are lists, as where the records of each
	// session are a list with the session's name.
	sessions bool
	every    []jsontext.Value
	stream   []byte
	cut      bool // the line that it holds continues in the next
	// what a copy of the line must agree with
	eventid, session, srcIP jsontext.Value
}

// look reads the members of an object. It is false for what is no JSON object.
func (w *wrapping) look(s *jsontext.Scanner, text []byte) bool {
	*w = wrapping{members: append(w.members[:0], make([]jsontext.Value, len(wrapperNames))...), lists: w.lists[:0], every: w.every[:0], sessions: true}
	s.Reset(text)
	for s.Object(); s.Member(); {
		name := string(s.Name())
		v := s.Value()
		w.identity(name, v)
		if w.sessions = w.sessions && len(w.every) < maxSessionLists && startsWith(v.Raw(), '['); w.sessions {
			w.every = append(w.every, v)
		}
		if i, ok := wrapperIndex[name]; ok {
			w.members[i] = v
		}
		switch {
		case name == "event" && v.IsObject():
			jsontext.EachMember(v.Raw(), func(name []byte, v jsontext.Value) bool {
				if string(name) == "original" {
					w.members[wrapperIndex["event.original"]] = v
				}
				return true
			})
		case (name == "stream" || name == "_STREAM_ID") && v.IsString():
			w.stream, _ = v.Plain()
		case name == "_LINE_BREAK":
			why, _ := v.Text()
			w.cut = why == "line-max"
		case len(v.Raw()) > 0 && v.Raw()[0] == '[' && listNames[name]:
			w.lists = append(w.lists, v)
		}
	}
	if w.source && !w.vector {
		w.own = true
	}
	w.sessions = w.sessions && len(w.every) > 0
	return s.End() == nil
}

func (w *wrapping) identity(name string, v jsontext.Value) {
	some := !v.IsNull() && len(v.Raw()) > 2
	switch name {
	case "eventid":
		w.eventid, w.own = v, w.own || some
	case "session":
		w.session = v
	case "src_ip":
		w.srcIP = v
	case "class_uid":
		w.ocsf = true
	case "unmapped":
		w.fill(&w.eventid, memberOf(v, "eventid"))
		w.fill(&w.session, memberOf(v, "session"))
	case "src_endpoint":
		w.fill(&w.srcIP, memberOf(v, "ip"))
	case "source_type":
		w.vector = true
	case "source_ip":
		w.source = some
		return
	case "SOURCEIP": // syslog-ng's name for whoever sent it a line
		return
	}
	switch {
	case some && v.IsObject() && attackers[name]:
		jsontext.EachMember(v.Raw(), func(name []byte, v jsontext.Value) bool {
			n := string(name)
			w.own = w.own || (n == "ip" || n == "address" || attackedFrom[plainName(n)]) && v.IsString()
			return true
		})
	case some && v.IsString() && attackers[name] && name != "source" && isAddress(v): // Graylog's source is who sent it a line
		w.own = true
	case some && !v.IsObject() && attackedFrom[plainName(name)]:
		w.own = true
	}
}

// fill sets what a copy must agree with, if the object does not say it itself.
func (w *wrapping) fill(own *jsontext.Value, v jsontext.Value) {
	if len(own.Raw()) == 0 && v.IsString() {
		*own = v
	}
}

// isAddress reports whether a string is an IP address, perhaps with a port.
func isAddress(v jsontext.Value) bool {
	text, _ := v.Text()
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(text)
	return err == nil
}

// plainName is a name in small letters, without what joins words.
func plainName(name string) string {
	if len(name) > 32 {
		return ""
	}
	var out [32]byte
	n := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c-'A' < 26:
			out[n] = c | 0x20
			n++
		case c != '_' && c != '-' && c != '.' && c != ' ':
			out[n] = c
			n++
		}
	}
	return string(out[:n])
}

// agrees reports whether a copy of a line says what the object says that it was
// made of.
func (w *wrapping) agrees(s *jsontext.Scanner, line []byte) bool {
	var eventid, session, srcIP jsontext.Value
	s.Reset(line)
	for s.Object(); s.Member(); {
		switch string(s.Name()) {
		case "eventid":
			eventid = s.Value()
		case "session":
			session = s.Value()
		case "src_ip":
			srcIP = s.Value()
		}
	}
	if s.End() != nil {
		return false
	}
	for _, pair := range [][2]jsontext.Value{{w.eventid, eventid}, {w.session, session}, {w.srcIP, srcIP}} {
		if outer, ok := pair[0].Text(); ok {
			if inner, _ := pair[1].Text(); inner != outer {
				return false
			}
		}
	}
	return true
}

// unwrapper finds the record in an object of a shipper's.
type unwrapper struct {
	scanner jsontext.Scanner
	levels  [maxWrapped + 1]struct {
		wrapping
		text []byte // a member's, decoded
		last int    // the member that had the record last, and 1
	}
	// parse takes a record. It returns false if the text is not one of the format's.
	parse func(record []byte) bool
	// chunk takes the text of a member, and returns the whole line when the text is the
	// end of it. It is false when the rest is yet to come.
	chunk func(stream, text []byte, cut bool) ([]byte, bool)
	// reject takes an element of a list of records that is not a record.
	reject func(text []byte)
	python pythonText
	any    bool // every text may be a record, not only JSON
	text   bool // some member held a text that is no JSON
	typed  bool // the last text was a record of a text log, which may go on in the next
}

func newUnwrapper() *unwrapper {
	return &unwrapper{scanner: jsontext.Scanner{MaxDepth: maxDepth}}
}

// open reads the record or records that an object holds. It is false when there are
// none; then nothing has been done.
func (u *unwrapper) open(text []byte, depth int) bool {
	if depth >= maxWrapped {
		return depth == maxWrapped && u.parse(text)
	}
	l := &u.levels[depth]
	if !l.look(&u.scanner, text) {
		return depth > 0 && u.parse(text)
	}
	if l.own {
		return u.copies(depth) || depth > 0 && u.parse(text)
	}
	if len(l.lists) > 0 && u.parse(text) {
		return true // its list is no list of records
	}
	return u.members(depth) || depth > 0 && u.parse(text)
}

// members reads what the members of a shipper's object hold.
func (u *unwrapper) members(depth int) bool {
	l := &u.levels[depth]
	if l.last > 0 && u.member(depth, l.last-1) {
		return true
	}
	for i := range wrapperNames {
		if i+1 != l.last && u.member(depth, i) {
			l.last = i + 1
			return true
		}
	}
	some, lists := false, l.lists
	if l.sessions && depth == 0 {
		lists = l.every
	}
	for _, list := range lists {
		some = u.list(list.Raw(), depth+1) || some
	}
	return some
}

// copies reads the copy of the line that a record of its own was made of.
func (u *unwrapper) copies(depth int) bool {
	l := &u.levels[depth]
	for i, v := range l.members[:rawNames] {
		if !v.IsString() || wrapperNames[i] == "raw_data" && !l.ocsf {
			continue
		}
		l.text = v.AppendText(l.text[:0])
		if line := trimLine(l.text); startsWith(line, '{') && l.agrees(&u.scanner, line) && u.parse(line) {
			return true
		}
	}
	return false
}

func startsWith(text []byte, c byte) bool { return len(text) > 0 && text[0] == c }

func (u *unwrapper) member(depth, i int) bool {
	l := &u.levels[depth]
	v := l.members[i]
	switch {
	case v.IsObject():
		return u.open(v.Raw(), depth+1)
	case wrapperNames[i] == "MESSAGE":
		ok := v.IsString()
		if ok {
			l.text = v.AppendText(l.text[:0])
		} else if startsWith(v.Raw(), '[') {
			l.text, ok = appendNumbers(l.text[:0], v.Raw())
		}
		return ok && u.journalLine(&l.wrapping, l.text, depth+1)
	case v.IsString():
		l.text = v.AppendText(l.text[:0])
		return u.line(l.stream, l.text, false, depth+1)
	}
	return false
}

// journalLine reads a line of systemd's journal, which drops newlines and cuts lines after
// 48 KiB.
func (u *unwrapper) journalLine(w *wrapping, text []byte, depth int) bool {
	stream, cut := w.stream, w.cut || len(text) == journalChunk
	if len(stream) == 0 {
		stream = []byte(journalStream)
	}
	if !cut {
		text = append(text, '\n')
	}
	return u.line(stream, text, cut, depth)
}

// line reads the text of a member, which may itself have a prefix or be wrapped.
func (u *unwrapper) line(stream, text []byte, cut bool, depth int) bool {
	whole, ok := u.chunk(stream, text, cut)
	if !ok {
		return true // the rest is yet to come
	}
	if whole = trimEnd(whole); u.any && len(whole) > 0 && u.parse(whole) {
		return true
	}
	if u.typed && startsWith(whole, '\t') {
		u.text = true
		return false
	}
	whole = trimLine(whole)
	c := carry(whole, &carried{})
	u.typed = isTextLog(whole) || isTextLog(c.text)
	if !startsWith(c.text, '{') {
		u.text = true
		return c.n > 0 && u.any && u.parse(c.text)
	}
	return u.open(u.python.json(c.text), depth)
}

// list reads the elements of a list. Where some are records the others are rejected.
func (u *unwrapper) list(text []byte, depth int) bool {
	some, none := false, 0
	jsontext.EachElement(text, func(v jsontext.Value) bool {
		switch used := u.element(v, depth); {
		case used && !some:
			some = true
			u.rejectFirst(text, none)
		case !used && some:
			u.reject(v.Raw())
		case !used:
			none++
		}
		return true
	})
	return some
}

// rejectFirst rejects the first n elements of a list.
func (u *unwrapper) rejectFirst(list []byte, n int) {
	if n == 0 {
		return
	}
	jsontext.EachElement(list, func(v jsontext.Value) bool {
		u.reject(v.Raw())
		n--
		return n > 0
	})
}

func (u *unwrapper) element(v jsontext.Value, depth int) bool {
	switch {
	case v.IsObject():
		return u.open(v.Raw(), depth)
	case v.IsString():
		text := v.AppendText(nil)
		return u.line(nil, text, false, depth)
	case startsWith(v.Raw(), '['): // Loki: when, and the line
		n, some := 0, false
		jsontext.EachElement(v.Raw(), func(v jsontext.Value) bool {
			if n++; n == 2 && v.IsString() {
				some = u.line(nil, v.AppendText(nil), false, depth)
			}
			return n < 2
		})
		return some
	}
	return false
}

// appendNumbers appends the bytes that a list of numbers spells, as the journal
// writes a line that is no UTF-8.
func appendNumbers(dst, list []byte) ([]byte, bool) {
	whole := true
	ok := jsontext.EachElement(list, func(v jsontext.Value) bool {
		n := 0
		for _, c := range v.Raw() {
			if c-'0' > 9 || n > 255 {
				whole = false
				return false
			}
			n = 10*n + int(c-'0')
		}
		if n > 255 {
			whole = false
			return false
		}
		dst = append(dst, byte(n))
		return true
	})
	return dst, ok && whole
}

// trimEnd is text without the newline that a container ended it with.
func trimEnd(text []byte) []byte { return bytes.TrimRight(text, "\r\n") }

// ownRecord reports whether an object, perhaps cut at its end, is a record of its own.
func ownRecord(text []byte) bool {
	var w wrapping
	w.look(&jsontext.Scanner{MaxDepth: maxDepth}, skipGlue(text))
	return w.own
}

// isSessions reports whether a document begins like one in which the records of each session
// are a list with the session's name, as those of the CyberLab data set:
// {"a1b2c3d4e5f6": [{"eventid": ….
func isSessions(head []byte) bool {
	var m matcher
	text := skipGlue(head)
	if !startsWith(text, '{') {
		return false
	}
	text = bytes.TrimLeft(text[1:], " \t\r\n")
	if !startsWith(text, '"') {
		return false
	}
	n := m.feed(text)
	if m.state != matchWhole {
		return false
	}
	at := listBehind(text[n:])
	return at > 0 && ownRecord(text[n+at:])
}

// listBehind returns, for what follows the name of a member, where the elements of its list
// of objects begin: 0 if it is none, -1 if the text ends too early to say.
func listBehind(text []byte) int {
	at := 0
	for _, c := range []byte(":[{") {
		for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
			at++
		}
		switch {
		case at == len(text):
			return -1
		case text[at] != c:
			return 0
		}
		at++
	}
	return at - 1
}

package census

import (
	"strings"

	"github.com/ttpcron/ttpcron"
)

// By is the property that a census counts by.
type By uint8

// What can be counted by, each with the names that a group of it has.
const (
	Whole       By = iota // everything is one group, without a name
	Attackers             // the UUID of the attacker, or else of the identity
	Places                // the place of the address, as Query.Place gives it
	Sessions              // session, sensor
	Techniques            // tactic, technique or sub-technique, as they are shown
	Sensors               // sensor
	Credentials           // user, password, and which of them was not tried: see NoUser
	Users                 // user
	Passwords             // password
	Keys                  // fingerprint
	Files                 // SHA-256, and where there is none URL or name
)

// What login attempts of a group of Credentials lacked, each in its third name: missing is
// not the same as empty.
const (
	NoUser     = "u"
	NoPassword = "p" // nor a key
	OnlyKey    = "k"
)

// names is how many names a group has.
func (b By) names() int {
	switch b {
	case Whole:
		return 0
	case Credentials:
		return 3
	case Sessions, Techniques, Files:
		return 2
	}
	return 1
}

// joined reports whether only a tag's event has the group.
func (b By) joined() bool {
	return b.ofLogins() || b == Files
}

// ofLogins reports whether login attempts alone are counted by it.
func (b By) ofLogins() bool {
	return b == Credentials || b == Users || b == Passwords || b == Keys
}

// ofKind reports whether events of a kind are counted by it.
func (b By) ofKind(kind ttpcron.SourceKind) bool {
	switch {
	case b == Techniques:
		return false
	case b.ofLogins():
		return kind == ttpcron.AuthAttempt
	case b == Files:
		return kind == ttpcron.FileTransfer
	}
	return true
}

// facts are what is counted for a group. In a key they come after its name and before
// their value. They are not part of any format.
type fact byte

const (
	ofEvents     fact = iota // value: flags and kind
	ofOthers                 // events that are not selected by time and arrival
	ofTags                   // value: technique
	ofTagged                 // value: hash of an event that has a tag
	ofRules                  // value: rule
	ofAttackers              // value: hash of who it is
	ofSessions               // value: hash of sensor and session
	ofSensors                // value: sensor
	ofAddresses              // value: address, or else UUID
	ofLogged                 // value: user/password
	ofClients                // value: version of the client
	ofPaths                  // value: URL or name
	ofDirections             // value: direction
	ofSizes
	ofEnds
)

// Flags of an event, see ofEvents.
const (
	hasWon = 1 << iota
	isResolver
)

// counts reports whether facts of some sort are counted by it.
func (b By) counts(f fact) bool {
	switch f {
	case ofTagged, ofRules:
		return b == Techniques || b == Whole
	case ofAttackers:
		return b != Attackers && b != Sessions
	case ofSessions:
		return b != Sessions
	case ofSensors:
		return b != Sensors && b != Sessions
	case ofAddresses:
		return b == Attackers || b == Sessions
	case ofLogged, ofClients, ofEnds:
		return b == Sessions
	case ofPaths, ofDirections, ofSizes:
		return b == Files
	}
	return true
}

// count counts by one thing.
type count struct {
	by     By
	c      *Census
	table  *table
	joined *table // by arrival number: the group of an event, and its tags
	// matched is how many events tags can be joined with.
	matched int
	key     []byte
	value   []byte
}

// counts reports whether facts of some sort are counted.
func (n *count) counts(f fact) bool {
	return n.by.counts(f) || f == ofAddresses && n.c.q.Who && n.by.ofLogins()
}

// put adds to a fact of the group whose name is that many bytes of the key.
func (n *count) put(name int, f fact, value string, s sum) error {
	if !n.counts(f) {
		return nil
	}
	n.key = append(append(n.key[:name], byte(f)), value...)
	return n.table.add(n.key, s)
}

// hashed is put with the hash of a value.
func (n *count) hashed(name int, f fact, s sum, value ...string) error {
	if !n.by.counts(f) {
		return nil
	}
	n.value = n.value[:0]
	for _, v := range value {
		n.value = append(append(n.value, v...), 0)
	}
	n.key = append(n.key[:name], byte(f))
	n.key = appendHash(n.key, n.c.seed, n.value)
	return n.table.add(n.key, s)
}

// named begins a key with the name of a group.
func (n *count) named(names ...string) int {
	n.key = n.key[:0]
	for _, s := range names {
		n.key = appendPart(n.key, bounded(s))
	}
	return len(n.key)
}

// group begins a key with the name of the group, from the fields that events and tags
// share.
func (n *count) group(o *observed) (name int, ok bool) {
	switch n.by {
	case Whole:
		return n.named(), true
	case Attackers:
		return n.named(o.who), !o.nobody
	case Places:
		if o.nobody {
			return 0, false
		}
		return n.named(n.c.q.Place(o.address)), true
	case Sessions:
		return n.named(o.session, o.sensor), o.session != ""
	case Sensors: // a finding may be of several
		return n.named(o.sensor), o.sensor != "" || o.kind != ttpcron.Correlation
	}
	return 0, false
}

// groupOf is group for what only an event says.
func (n *count) groupOf(o *observed, e *ttpcron.Event) (name int, ok bool) {
	if !n.by.joined() {
		return n.group(o)
	}
	user, hasUser := e.Payload.Said("username")
	password, hasPassword := e.Payload.Said("password")
	switch n.by {
	case Credentials:
		lacks := ""
		if !hasUser {
			lacks = NoUser
		}
		if !hasPassword {
			if key, _ := e.Payload.Said("key_fingerprint"); key != "" {
				lacks += OnlyKey
			} else {
				lacks += NoPassword
			}
		}
		return n.named(user, password, lacks), e.Kind == ttpcron.AuthAttempt
	case Users:
		return n.named(user), hasUser
	case Passwords:
		return n.named(password), hasPassword
	case Keys:
		key, has := e.Payload.Said("key_fingerprint")
		return n.named(key), has
	case Files:
		if sum, _ := e.Payload.Said("sha256"); sum != "" {
			return n.named(strings.ToLower(sum), ""), true
		}
		return n.named("", path(e)), true
	}
	return 0, false
}

// path is the URL or the name of a file.
func path(e *ttpcron.Event) string {
	for _, name := range [...]string{"url", "filename", "payload_text"} {
		if s, _ := e.Payload.Said(name); s != "" {
			return s
		}
	}
	return ""
}

func won(e *ttpcron.Event) bool {
	s, _ := e.Payload.Said("success")
	return s == "true"
}

package export

import (
	"net/netip"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Objects of STIX 2.1, as several formats write them. Their ids never change, so importing
// them twice makes no duplicates.
//
// An object's or relationship's id is UUIDv5 under our own namespace, and so is a
// process's, for which the specification defines none. Any other observable's id is what
// the specification defines.
var (
	stixSpace       = ttpcron.DeriveUUID(urlSpace, []byte("ttpcron:stix:v1"))
	observableSpace = ttpcron.UUID{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

	// urlSpace is the namespace of URLs of RFC 4122.
	urlSpace = ttpcron.UUID{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
)

// stixEpoch is the creation time of an object whose content follows from its id, and of a
// technique whose date is unknown: before every copy that MITRE published, so theirs are
// newer and win.
const stixEpoch = "2017-05-31T00:00:00.000Z"

// text is a string from someone else. In JSON it is valid Unicode, see unicodeText,
// without literal control characters.
type text string

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	return jsontext.AppendString(nil, unicodeText(string(t))), nil
}

// stixID makes the id of our own object from its identifying parts.
func stixID(kind string, parts ...string) string {
	name := []byte(kind)
	for _, p := range parts {
		name = append(name, '|')
		for _, c := range []byte(p) {
			if c == '|' || c == '\\' {
				name = append(name, '\\')
			}
			name = append(name, c)
		}
	}
	return kind + "--" + ttpcron.DeriveUUID(stixSpace, name).String()
}

// observableID makes the id of an observable from the canonical JSON (RFC 8785) of the
// properties that contribute to it.
func observableID(kind, canonical string) string {
	return kind + "--" + ttpcron.DeriveUUID(observableSpace, []byte(canonical)).String()
}

// stixTime writes a time as STIX has it, to the millisecond.
func stixTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stixCommon are the members of every object and relationship.
type stixCommon struct {
	Type        string `json:"type"`
	SpecVersion string `json:"spec_version"`
	ID          string `json:"id"`
	CreatedBy   string `json:"created_by_ref,omitempty"`
	Created     string `json:"created"`
	Modified    string `json:"modified"`
}

func stixObject(kind, id, by, created, modified string) stixCommon {
	return stixCommon{Type: kind, SpecVersion: "2.1", ID: id, CreatedBy: by, Created: created, Modified: modified}
}

// stixIdentity is an identity.
type stixIdentity struct {
	stixCommon
	Name  text     `json:"name"`
	Class string   `json:"identity_class"`
	Roles []string `json:"roles,omitempty"`
}

// programIdentity is the author of our extensions, and of objects without another author.
func programIdentity() *stixIdentity { return producerIdentity("ttpcron") }

// producerIdentity is an organisation or program that makes objects.
func producerIdentity(name string) *stixIdentity {
	return &stixIdentity{stixObject("identity", stixID("identity", "producer", name), "", stixEpoch, stixEpoch), text(name), "system", nil}
}

// sensorIdentity is a sensor of a producer, which its id names.
func sensorIdentity(producer, name string, v ttpcron.Vantage) *stixIdentity {
	id := stixID("identity", "sensor", producer, v.String(), name)
	return &stixIdentity{stixObject("identity", id, producer, stixEpoch, stixEpoch), text(name), "system", []string{v.String()}}
}

// stixAttackPattern is a technique: what identifies it, whether or not a reader has
// MITRE's own object.
type stixAttackPattern struct {
	stixCommon
	Name       string          `json:"name"`
	References []stixReference `json:"external_references"`
	Phases     []stixPhase     `json:"kill_chain_phases,omitempty"`
	Revoked    bool            `json:"revoked,omitempty"`
	MitreID    string          `json:"x_mitre_id"` // by which OpenCTI merges
	Sub        bool            `json:"x_mitre_is_subtechnique"`
}

type stixReference struct {
	Source string `json:"source_name"`
	URL    string `json:"url,omitempty"`
	ID     string `json:"external_id,omitempty"`
}

type stixPhase struct {
	Chain string `json:"kill_chain_name"`
	Name  string `json:"phase_name"`
}

// attackPattern is a technique under MITRE's own id, as a release has it or else the newest
// that does. It is nil for an id of no release.
func attackPattern(under *attack.Table, id string) *stixAttackPattern {
	x, ok := under.Lookup(id)
	if !ok {
		if under, ok = attack.Newest(id); !ok {
			return nil
		}
		x, _ = under.Lookup(id)
	}
	created := x.Created
	if created == "" {
		created = stixEpoch
	}
	p := &stixAttackPattern{
		stixCommon: stixObject("attack-pattern", x.STIX, "", created, created),
		Name:       x.Name, References: []stixReference{{"mitre-attack", strings.TrimSuffix(attack.URL(id), "/"), id}},
		Revoked: x.Revoked, MitreID: id, Sub: x.Parent() != "",
	}
	for _, tactic := range under.Tactics() {
		for _, has := range x.Tactics {
			if has == tactic.ID {
				p.Phases = append(p.Phases, stixPhase{"mitre-attack", tactic.ShortName})
			}
		}
	}
	return p
}

// stixExtension defines an extension that adds properties to objects.
type stixExtension struct {
	stixCommon
	Name    string   `json:"name"`
	About   string   `json:"description"`
	Schema  string   `json:"schema"`
	Version string   `json:"version"`
	Types   []string `json:"extension_types"`
}

// propertyExtension defines a property extension. Schema explains its properties in words,
// as the specification allows. Changed is when they last changed.
func propertyExtension(name, about, schema, version, changed string) *stixExtension {
	return &stixExtension{
		stixObject("extension-definition", stixID("extension-definition", name), programIdentity().ID, stixEpoch, changed),
		name, about, schema, version, []string{"property-extension"},
	}
}

// stixObservable is an observable with one value: an address or a URL.
type stixObservable struct {
	Type        string `json:"type"`
	SpecVersion string `json:"spec_version"`
	ID          string `json:"id"`
	Value       text   `json:"value"`
}

// addressObservable is an address, in its canonical spelling, or nil.
func addressObservable(address string) *stixObservable {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	kind, a := "ipv4-addr", a.Unmap().WithZone("")
	if a.Is6() {
		kind = "ipv6-addr"
	}
	return valueObservable(kind, a.String())
}

// urlObservable is a URL, as it was seen.
func urlObservable(url string) *stixObservable { return valueObservable("url", url) }

func valueObservable(kind, value string) *stixObservable {
	value = unicodeText(value)
	canonical := string(appendCanonical([]byte(`{"value":`), value)) + "}"
	return &stixObservable{kind, "2.1", observableID(kind, canonical), text(value)}
}

// stixProcess is a command that somebody typed.
type stixProcess struct {
	Type        string `json:"type"`
	SpecVersion string `json:"spec_version"`
	ID          string `json:"id"`
	CommandLine text   `json:"command_line"`
}

// commandProcess is a command line, the same object wherever it is typed.
func commandProcess(line string) *stixProcess {
	line = unicodeText(line)
	return &stixProcess{"process", "2.1", stixID("process", line), text(line)}
}

// stixFile is a file with a known hash or name.
type stixFile struct {
	Type        string            `json:"type"`
	SpecVersion string            `json:"spec_version"`
	ID          string            `json:"id"`
	Hashes      map[string]string `json:"hashes,omitempty"`
	Name        text              `json:"name,omitempty"`
}

// fileObservable is a file by its SHA-256 in lower-case hex, its name, or both.
func fileObservable(sha256, name string) *stixFile {
	f := &stixFile{Type: "file", SpecVersion: "2.1", Name: text(unicodeText(name))}
	var members []string
	if sha256 != "" {
		f.Hashes = map[string]string{"SHA-256": sha256}
		members = append(members, `"hashes":{"SHA-256":"`+sha256+`"}`)
	}
	if name != "" {
		members = append(members, `"name":`+string(appendCanonical(nil, string(f.Name))))
	}
	f.ID = observableID("file", "{"+strings.Join(members, ",")+"}")
	return f
}

// appendCanonical appends UTF-8 as a string of RFC 8785, which escapes nothing but
// what must be.
func appendCanonical(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case strings.IndexByte("\b\t\n\f\r", c) >= 0:
			dst = append(dst, '\\', "btnfr"[strings.IndexByte("\b\t\n\f\r", c)])
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

package ttpcron

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// A source that names its records keeps their names: an event is known by its ID,
// unless the source used that for something else before. An event whose source has
// no name for it is known by its record: kind, time, attacker, session, sensor and
// the payload fields that say what happened. Both questions, what an event's name
// is and whether two events of one name are one, are answered by the same fields.
//
// Only what the record itself holds counts. What was derived or found elsewhere,
// the identity that a source makes out by comparing, and every other payload field
// are facts that may be learned later; see [Event.Learn].

// identityFields are the payload fields that say what happened, sorted by name, for
// each kind. Of any other kind all do. Neither names nor kinds can ever change:
// stored IDs would no longer be met.
var identityFields = map[SourceKind][]string{
	Command:           {"command_text"},
	Stdin:             {"input_text", "program"},
	AuthAttempt:       {"key_fingerprint", "password", "service", "success", "username"},
	SessionFact:       {"client_version", "fact", "hassh"},
	FileTransfer:      {"direction", "filename", "sha256", "url"},
	Tunnel:            {"data", "dst_ip", "dst_port"},
	HTTPRequest:       {"body", "host", "method", "raw_url"},
	Scan:              {"dst_port", "protocol", "scan"},
	ServiceRequest:    {"request_text", "service", "user"},
	CanaryFingerprint: {"dns_qname", "request_path", "token_uuid", "user_agent"},
}

// IdentityFields lists the payload fields that tell two events of the kind apart,
// sorted by name. It is false for a kind of which every field does.
func (k SourceKind) IdentityFields() (names []string, listed bool) {
	names, listed = identityFields[k]
	return slices.Clone(names), listed
}

// bulky reports whether a field of the kind counts by its SHA-256.
func (k SourceKind) bulky(name string) bool {
	return k == Tunnel && name == "data" || k == HTTPRequest && name == "body"
}

// identifies reports whether a field of that name says what happened.
func identifies(names []string, listed bool, name string) bool {
	return !listed || slices.Contains(names, name)
}

// says reports whether a field says anything. A field that is empty does, as a
// login without a password; null is as good as no field.
func (f *Field) says() bool { return f.Raw == nil || string(f.Raw) != "null" }

// appendSame appends what a field says, the same for values that say the same.
func (f *Field) appendSame(dst []byte) []byte {
	if f.Raw == nil {
		return jsontext.AppendSameText(dst, f.Text)
	}
	return append(dst, jsontext.AppendSame(nil, f.Raw)...) // so that dst can be on the stack
}

// same reports whether two fields say the same, as [jsontext.AppendSame] has it.
func (f *Field) same(o *Field) bool {
	if f.Raw == nil && o.Raw == nil {
		return f.Text == o.Text
	}
	if f.Raw != nil && o.Raw != nil && bytes.Equal(f.Raw, o.Raw) {
		return true
	}
	return bytes.Equal(f.appendSame(nil), o.appendSame(nil))
}

// The parts of a record's canonical form. Each is written once at most, in this
// order, and only if the record has it, except for fields, of which there is one for
// each payload field, sorted by name.
const (
	recordPrefix  = "ttpcron:event:v1\n"
	recordKind    = 'k' // text
	recordTime    = 't' // text: RFC 3339, UTC, without zeros at the end of a fraction
	recordUUID    = 'u' // text
	recordAddress = 'a' // text: the address as RFC 5952 spells it, or as it is recorded if it is none
	recordSession = 's' // text
	recordConnect = 'c' // text
	recordSensor  = 'd' // text
	recordOrdinal = 'n' // text: in decimal digits; the first of equal records, 0, has none
	recordField   = 'f' // text: the name; then the value as jsontext.AppendSame gives it
	recordHash    = 'h' // text: the name; then the SHA-256 of the value's text, 32 bytes, for a tunnel's data and the body of a request
)

// AppendRecord appends what the event's record says of when, who, in which session,
// at which sensor, what and, of records that say the same, which one, in a canonical
// form: the same for all time, and different for different records. ID, identity, arrival and what was derived are no part of
// it.
//
// The form is "ttpcron:event:v1" and a newline, then the parts that the record has,
// each a letter and a text with its length as a varint. What a record does not have
// is left out. Of the event's own members the empty string means that; a payload
// field that is empty is there, and one that is null is not. Values count as
// [jsontext.AppendSame] says: port 22 is port "22".
func (e *Event) AppendRecord(dst []byte) []byte {
	dst = appendPart(append(dst, recordPrefix...), recordKind, string(e.Kind))
	if e.TimeOrigin == OriginRecorded {
		var stack [len(time.RFC3339Nano)]byte
		at := e.Time.UTC().AppendFormat(stack[:0], time.RFC3339Nano)
		dst = append(append(dst, recordTime, byte(len(at))), at...)
	}
	uuid, address := e.recordedAttacker()
	if uuid != "" {
		dst = appendPart(dst, recordUUID, uuid)
	}
	if address != "" {
		var stack [64]byte
		at := appendAddress(stack[:0], address)
		dst = append(binary.AppendUvarint(append(dst, recordAddress), uint64(len(at))), at...)
	}
	if session := e.recordedSession(); session != "" {
		dst = appendPart(dst, recordSession, session)
	}
	if e.Connection != "" {
		dst = appendPart(dst, recordConnect, e.Connection)
	}
	if e.DeckyID != "" {
		dst = appendPart(dst, recordSensor, e.DeckyID)
	}
	if e.Ordinal > 0 {
		var stack [10]byte
		n := strconv.AppendUint(stack[:0], uint64(e.Ordinal), 10)
		dst = append(append(dst, recordOrdinal, byte(len(n))), n...)
	}
	names, listed := identityFields[e.Kind]
	for i := range e.Payload {
		if f := &e.Payload[i]; identifies(names, listed, f.Name) && f.says() {
			dst = e.Kind.appendField(dst, f)
		}
	}
	return dst
}

func (k SourceKind) appendField(dst []byte, f *Field) []byte {
	if k.bulky(f.Name) {
		if text, ok := f.scalar(); ok {
			sum := sha256.Sum256(text)
			return append(appendPart(dst, recordHash, f.Name), sum[:]...)
		}
	}
	return f.appendSame(appendPart(dst, recordField, f.Name))
}

// scalar returns the text as which a field counts, unless it is an array or object.
func (f *Field) scalar() ([]byte, bool) {
	if f.Raw == nil {
		return []byte(f.Text), true
	}
	if len(f.Raw) > 0 && (f.Raw[0] == '[' || f.Raw[0] == '{') {
		return nil, false
	}
	form := jsontext.AppendSame(nil, f.Raw)
	_, n := binary.Uvarint(form[min(1, len(form)):])
	return form[min(1+max(n, 0), len(form)):], true
}

func appendPart(dst []byte, part byte, text string) []byte {
	return append(binary.AppendUvarint(append(dst, part), uint64(len(text))), text...)
}

// recordedAttacker returns the attacker as the record has it: not one that was
// derived or found elsewhere.
func (e *Event) recordedAttacker() (uuid, address string) {
	if e.AttackerOrigin == OriginRecorded {
		uuid = e.AttackerUUID
	}
	if e.AddressOrigin == OriginRecorded {
		address = e.AttackerIP
	}
	return uuid, address
}

// recordedSession returns the session as the record has it: not one that another
// record tells.
func (e *Event) recordedSession() string {
	if e.SessionOrigin != OriginRecorded {
		return ""
	}
	return e.SessionID
}

// appendAddress appends an address in the one spelling that counts, as
// [DeriveAttacker] has it.
func appendAddress(dst []byte, ip string) []byte {
	if addr, err := netip.ParseAddr(ip); err == nil {
		return addr.Unmap().AppendTo(dst)
	}
	return append(dst, ip...)
}

// RecordDigest is the SHA-256 of what AppendRecord gives.
func (e *Event) RecordDigest() [sha256.Size]byte {
	var stack [512]byte
	return sha256.Sum256(e.AppendRecord(stack[:0]))
}

// ContentPrefix begins every ID that ContentID gives.
const ContentPrefix = "sha256:"

// ContentID returns the source_id of an event whose source gives none: "sha256:"
// and the first 32 hexadecimal digits of RecordDigest. One record read twice, from
// whichever file, gives one ID.
func (e *Event) ContentID() string {
	sum := e.RecordDigest()
	var id [len(ContentPrefix) + 32]byte
	copy(id[:], ContentPrefix)
	hex.Encode(id[len(ContentPrefix):], sum[:16])
	return string(id[:])
}

// SameRecord reports whether two events of one ID can be the same: nothing that
// the records of both say differs. It may hold between a and b and between b and
// c, and not between a and c.
func (e *Event) SameRecord(o *Event) bool {
	if e.Kind != o.Kind || e.TimeOrigin == OriginRecorded && o.TimeOrigin == OriginRecorded && !e.Time.Equal(o.Time) {
		return false
	}
	uuid, address := e.recordedAttacker()
	otherUUID, otherAddress := o.recordedAttacker()
	if differ(uuid, otherUUID) || !sameAddress(address, otherAddress) || differ(e.recordedSession(), o.recordedSession()) ||
		differ(e.Connection, o.Connection) || differ(e.DeckyID, o.DeckyID) || e.Ordinal != o.Ordinal {
		return false
	}
	names, listed := identityFields[e.Kind]
	for f, g := range bothSay(e.Payload, o.Payload) {
		if identifies(names, listed, f.Name) && !f.same(g) {
			return false
		}
	}
	return true
}

// differ reports whether two texts both say something, and not the same.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// sameAddress reports whether two addresses are one, or one of them is missing.
func sameAddress(a, b string) bool {
	return !differ(a, b) || bytes.Equal(appendAddress(nil, a), appendAddress(nil, b))
}

// bothSay yields the fields that two payloads both have and that both say something.
func bothSay(a, b Payload) func(yield func(f, g *Field) bool) {
	return func(yield func(f, g *Field) bool) {
		for i := range a {
			for len(b) > 0 && strings.Compare(b[0].Name, a[i].Name) < 0 { // both are sorted
				b = b[1:]
			}
			if len(b) == 0 {
				return
			}
			if b[0].Name == a[i].Name && a[i].says() && b[0].says() && !yield(&a[i], &b[0]) {
				return
			}
		}
	}
}

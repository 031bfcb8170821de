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

// If a source gives its records ids, an event is identified by its ID, unless the source
// used that ID for something else before. Otherwise it is identified by its record: kind,
// time, attacker, session, sensor and the payload fields that say what happened. The same
// fields decide what an event's id is, and whether two events with one id are the same.
//
// Only what the record itself holds counts. Facts that may be learned later do not: values
// that were derived or found elsewhere, the identity that a source finds by comparing, and
// all other payload fields. See [Event.Learn].

// identityFields are the payload fields that say what happened, sorted by name, for each
// kind. For any other kind all do. Names and kinds can never change, because stored IDs
// would no longer match.
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

// IdentityFields lists the payload fields that distinguish two events of the kind, sorted
// by name. It returns false for a kind where every field does.
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

// says reports whether a field says anything. An empty field does, such as an empty
// password; null counts as missing.
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

// AppendRecord appends the event's record in canonical form: when, who, in which session,
// at which sensor, what, and which of several equal records. The form never changes, and
// differs for different records. ID, identity, arrival and derived values are not part of
// it.
//
// The form is "ttpcron:event:v1" and a newline, then the parts that the record has, each a
// letter and a text with its length as a varint. What a record does not have is left out.
// Among the event's own members the empty string means missing. An empty payload field
// counts, and one that is null does not. Values compare as in [jsontext.AppendSame]: port
// 22 is port "22".
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

// recordedSession returns the session as the record has it, not one found in another
// record.
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

// ContentID returns the source_id of an event whose source gives none: "sha256:" and the
// first 32 hexadecimal digits of RecordDigest. A record that is read twice, from any file,
// gives the same ID.
func (e *Event) ContentID() string {
	sum := e.RecordDigest()
	var id [len(ContentPrefix) + 32]byte
	copy(id[:], ContentPrefix)
	hex.Encode(id[len(ContentPrefix):], sum[:16])
	return string(id[:])
}

// SameRecord reports whether two events with one ID can be the same: nothing that both
// records say differs. It is not transitive.
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

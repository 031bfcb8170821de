package ttpcron

import (
	"bytes"
	"crypto/sha256"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// An event whose source gives it an ID is known by that ID, unless the source
// used it for something else before. What tells is the record of the event: when,
// from where, in which session, at which sensor, and what. A source learns some
// of it late, so what a record does not say differs from nothing.

// identityFields are the payload fields that say what happened, by kind. Of any
// other kind all do, but those that may be learned later.
var identityFields = map[SourceKind][]string{
	Command:           {"command_text"},
	"stdin":           {"input_text", "program"},
	AuthAttempt:       {"key_fingerprint", "password", "service", "success", "username"},
	"session":         {"client_version", "fact", "hassh"},
	"payload":         {"direction", "filename", "sha256", "url"},
	"tunnel":          {"data", "dst_ip", "dst_port"},
	HTTPRequest:       {"body", "host", "method", "raw_url"},
	"scan":            {"dst_port", "protocol", "scan"},
	"service_request": {"request_text", "service", "user"},
	CanaryFingerprint: {"dns_qname", "request_path", "token_uuid", "user_agent"},
}

// recordedNames are the parts of a record beside time and payload. An attacker
// that was not recorded and the identity, which a source finds out by comparing,
// are none.
func (e *Event) recordedNames() [4]string {
	uuid := e.AttackerUUID
	if e.AttackerOrigin != OriginRecorded {
		uuid = ""
	}
	return [...]string{uuid, e.AttackerIP, e.SessionID, e.DeckyID}
}

// says reports whether a field says anything.
func (f *Field) says() bool {
	if f.Raw == nil {
		return f.Text != ""
	}
	return string(f.Raw) != "null"
}

// identifies reports whether a field of an event of the kind says what happened.
func (f *Field) identifies(names []string, listed bool) bool {
	if !listed {
		return !learnedLater[f.Name] && f.says()
	}
	for _, n := range names {
		if n == f.Name {
			return f.says()
		}
	}
	return false
}

// AppendRecord appends what the event's record says of when, from where, in which
// session, at which sensor and what, in a form that is the same for all time and
// different for different records. ID, identity, arrival and what was derived are
// no part of it.
func (e *Event) AppendRecord(dst []byte) []byte {
	dst = jsontext.AppendString(dst, string(e.Kind))
	if e.TimeOrigin == OriginRecorded {
		dst = e.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	for _, s := range e.recordedNames() {
		dst = jsontext.AppendString(dst, s)
	}
	names, listed := identityFields[e.Kind]
	for i := range e.Payload {
		f := &e.Payload[i]
		if !f.identifies(names, listed) {
			continue
		}
		dst = jsontext.AppendString(dst, f.Name)
		if f.Raw == nil {
			dst = jsontext.AppendString(dst, f.Text)
		} else {
			dst = append(dst, f.Raw...)
		}
	}
	return dst
}

// RecordDigest is the SHA-256 of what AppendRecord gives.
func (e *Event) RecordDigest() [sha256.Size]byte {
	var stack [512]byte
	return sha256.Sum256(e.AppendRecord(stack[:0]))
}

// SameRecord reports whether two events of one ID can be the same: nothing that
// the records of both say differs. It may hold between a and b and between b and
// c, and not between a and c.
func (e *Event) SameRecord(o *Event) bool {
	if e.Kind != o.Kind || e.TimeOrigin == OriginRecorded && o.TimeOrigin == OriginRecorded && !e.Time.Equal(o.Time) {
		return false
	}
	theirs := o.recordedNames()
	for i, s := range e.recordedNames() {
		if s != "" && theirs[i] != "" && s != theirs[i] {
			return false
		}
	}
	names, listed := identityFields[e.Kind]
	rest := o.Payload // both are sorted by name
	for i := range e.Payload {
		f := &e.Payload[i]
		for len(rest) > 0 && rest[0].Name < f.Name {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			break
		}
		if g := &rest[0]; g.Name == f.Name && f.identifies(names, listed) && g.says() &&
			(f.Text != g.Text || !bytes.Equal(f.Raw, g.Raw) || (f.Raw == nil) != (g.Raw == nil)) {
			return false
		}
	}
	return true
}
